"""The card of a style encoder: what it learnt from, for which views it was made, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embedder.card import read_card
from embedder.style_training.paintings import FAN_ART, Painting
from embedder.style_training.run import StyleRecipe

VIEWS = ("whole", "centre", "quarters", "patches of 96 pixels at native resolution")
PROVENANCE = (
    "The collections are game art and fan art, gathered from the web for research; the rights are the artists' and "
    "publishers'. Of fan art it is only known that one picture is by one hand. Drawn pictures are Kaodex's own. The "
    "weights are published under Apache-2.0; they hold no picture, and no picture is part of this folder."
)


def style_story(
    recipe: StyleRecipe, paintings: Sequence[Painting], studios: int, fitted_studios: int, commands: Sequence[str]
) -> dict[str, Any]:
    """What `encoder.json` tells besides the network."""
    data = [
        {
            "collection": name,
            "artists": len({one.artist for one in own}),
            "characters": len({one.subject for one in own}),
            "pictures": len(own),
        }
        for name in sorted({one.collection for one in paintings})
        if (own := [one for one in paintings if one.collection == name])
    ]
    data.append({"collection": "drawn", "artists": 16 * studios, "characters": 8 * studios, "pictures": 128 * studios})
    return {
        "kind": "artist",
        "views": list(VIEWS),
        "picture": "The mean of its views' encodings, brought to unit length.",
        "unknown_below_chosen": "Not measured: a placeholder. Galleries find their own bound.",
        "licence": "Apache-2.0",
        "provenance": PROVENANCE,
        "data": data,
        "fitted_studios": fitted_studios,
        "recipe": asdict(recipe),
        "commands": list(commands),
    }


def style_card(folder: Path) -> str:
    """The card of an encoder folder as Markdown."""
    card = read_card(folder).fields
    network, size = card["network"], card["input"]["size"]
    rows = [
        f"| {one['collection']} | {one['artists']} | {one['characters']} | {one['pictures']} |" for one in card["data"]
    ]
    lines = [
        f"# {card['name']}",
        "",
        f"Encodes a view of a drawn picture ({size}x{size} pixels) as a unit vector of {card['dimension']} numbers; "
        "the inner product of two says how alike they are drawn, whatever they show. It is meant to tell artists apart "
        "that it never saw, from a few pictures each.",
        "",
        f"- Made for these views (`embedder/views.py`): {', '.join(card['views'])}. One encoding for each. A picture's "
        f"encoding: {card['picture'][0].lower()}{card['picture'][1:]}",
        f"- Network: timm `{network['backbone']}` with `{network['arguments']}`, stem `{network['stem']}`; mean and "
        f"deviation of each channel of {network['head']['stages']} stages, and how much of "
        f"{network['head']['colours']} colours is in the view and in its lines, under one linear layer that was fitted "
        "in closed form.",
        "- Files: `model.safetensors` (PyTorch) and `model.onnx` (ONNX Runtime), kernels stored as float16.",
        *_strangers(card),
        f"- Licence of the weights: {card['licence']}.",
        "",
        "## What it learnt from",
        "",
        "| collection | artists | characters | pictures |",
        "|---|---|---|---|",
        *rows,
        "",
        f"`{FAN_ART}`: each source picture counts as an artist. {card['provenance']} Kept out of training, under any "
        "label and in any collection: the artists and the characters of the list of dev identities, and every picture "
        "by or of them. It started from random weights, not from an encoder of faces: those have seen pictures by the "
        "artists that are kept out.",
        "",
        "## Figures",
        "",
        "In `docs/training-log.md`, section art-1, with their commands.",
        "",
        "## How it was made",
        "",
        "```",
        *card["commands"],
        "```",
        "",
        *([card["note"], ""] if "note" in card else []),
        "## Intended use and limits",
        "",
        "Naming artists whom its user has enrolled, sorting by hand, finding pictures that are drawn alike. What it "
        "gives is a hint: styles overlap, artists change theirs, and pictures of one studio look alike. It cannot show "
        "that a picture is a forgery or a theft, and must not be used to claim it.",
        "",
        "It learnt from small pictures (at most 360 pixels high). Of large ones it sees strokes at another scale than "
        "it knows, and it has not been measured on them.",
        "",
    ]
    return "\n".join(lines)


def _strangers(card: Mapping[str, Any]) -> list[str]:
    """What strangers the encoder brings along; nothing where it brings none."""
    if "strangers" not in card:
        return []
    populations = card["strangers"]["populations"]
    told = " and ".join(
        f"{one['encodings']} of {one['identities']} {name} artists" for name, one in populations.items()
    )
    return [
        f"- `strangers.npz`: encodings of pictures by artists who are nobody in particular ({told}; the real ones are "
        "the dev artists, and whoever drew the dev characters of the fan art, one picture each), by which galleries of "
        "few artists tell strangers. No pictures."
    ]
