"""An encoder's card as text for people, and its main words for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli.output import answers, table

if TYPE_CHECKING:
    from embedder.card import Card
    from embedder.foreign import ForeignCard


def main_words(card: Card | ForeignCard) -> dict[str, Any]:
    """What is told of every encoder, whoever made it."""
    from embedder.inventory import licence, picture_size

    return {
        "name": card.name,
        "folder": str(card.folder),
        "dimension": card.dimension,
        "input": picture_size(card),
        "licence": licence(card),
        "fingerprint": card.fingerprint,
    }


def print_card(card: Card | ForeignCard, told: dict[str, Any], files: dict[str, tuple[str, bool | None]]) -> None:
    """Print the main words, each file (its sha256, and whether it is the one that the card names), then the rest."""
    console = answers()
    lines = table("what", "told")
    for key, value in told.items():
        shown = size_text(value) if key == "input" else "not told" if value is None else str(value)
        lines.add_row(key, escape(shown))
    for name, (digest, matches) in files.items():
        word = {True: "as the card says", False: "[red]missing or damaged[/]", None: ""}[matches]
        lines.add_row(escape(name), f"sha256 {digest[:16]}… {word}")
    console.print(lines)
    shown_already = {"name", "dimension", "licence", "files", "format"}
    for key, value in card.fields.items():
        if key not in shown_already:
            console.print(f"\n[bold]{escape(key)}[/]")
            for line in _lines(value):
                console.print(f"  {escape(line)}")


def _lines(value: Any) -> list[str]:
    """A card's field for people: one line for what is flat, an indented list for what is not."""
    if isinstance(value, dict) and any(isinstance(held, dict | list) for held in value.values()):
        found = []
        for key, held in value.items():
            inner = _lines(held)
            found += [f"{key}: {inner[0]}"] if len(inner) == 1 else [f"{key}:", *(f"  {line}" for line in inner)]
        return found
    if isinstance(value, dict):
        return [", ".join(f"{key.replace('_', ' ')} {_flat(held)}" for key, held in value.items())]
    if isinstance(value, list) and any(isinstance(held, dict | list) for held in value):
        return [line for held in value for line in _lines(held)]
    return [_flat(value)]


def _flat(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def size_text(size: tuple[int, int]) -> str:
    """Height and width in pixels, such as 96 x 96."""
    return f"{size[0]} x {size[1]}"
