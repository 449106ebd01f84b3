"""Which encoders are here, and what each is: told from their cards, without running a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import MissingDependency, UnusableEncoder
from embedder.card import DEFAULT_ENCODER, Card, available_encoders, find_encoder, read_card, shipped_encoders
from embedder.card_file import sha256
from embedder.foreign import ForeignCard
from embedder.foreign_settings import find_foreign, read_foreign
from embedder.own_folder import encoders_folder
from embedder.strangers import STRANGERS


@dataclass(frozen=True)
class Held:
    """One encoder that can be loaded by its name, or what is in the way of that."""

    name: str
    origin: str
    """`shipped` or `pulled`."""
    default: bool
    folder: Path
    dimension: int | None
    """None where the settings of an ONNX file do not tell it."""
    input: tuple[int, int] | None
    """(height, width) in pixels."""
    licence: str | None
    bytes: int
    trouble: str | None
    """Why it cannot be used; None where it can."""


def inventory() -> list[Held]:
    """All encoders with a name: the shipped ones, then those of the user's own folder."""
    return [_held(name) for name in available_encoders()]


def open_card(name: str | Path | None) -> Card | ForeignCard:
    """The card of an encoder by name, folder or `onnx:FILE`; raises UnusableEncoder."""
    file = find_foreign(name)
    return read_card(find_encoder(name)) if file is None else read_foreign(file)


def picture_size(card: Card | ForeignCard) -> tuple[int, int]:
    """(height, width) of what the network takes, in pixels."""
    return (card.height, card.width) if isinstance(card, ForeignCard) else (card.input_size, card.input_size)


def licence(card: Card | ForeignCard) -> str | None:
    """The licence of the weights as the card tells it."""
    told = card.fields.get("licence")
    return None if told is None else str(told)


def check_files(card: Card | ForeignCard) -> dict[str, tuple[str, bool | None]]:
    """Each file's sha256, and whether it is what the card says: None where the card says nothing of it."""
    if isinstance(card, ForeignCard):
        return {name: (digest, None) for name, digest in card.files.items()}
    told = dict(card.files)
    if strangers := card.fields.get("strangers"):
        told[STRANGERS] = str(strangers["sha256"])
    return {
        name: (digest, (card.folder / name).is_file() and sha256(card.folder / name) == digest)
        for name, digest in told.items()
    }


def _held(name: str) -> Held:
    shipped = name in shipped_encoders()
    folder = find_encoder(name) if shipped else encoders_folder() / name
    told: dict[str, Any] = {"dimension": None, "input": None, "licence": None, "trouble": None}
    try:
        card = open_card(name)
        told |= {"dimension": card.dimension, "input": picture_size(card), "licence": licence(card)}
    except (MissingDependency, UnusableEncoder) as error:
        told["trouble"] = str(error).partition("\n")[0]
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    return Held(
        name=name,
        origin="shipped" if shipped else "pulled",
        default=name == DEFAULT_ENCODER,
        folder=folder,
        bytes=size,
        **told,
    )
