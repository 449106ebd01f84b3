"""The strangers that an encoder brings along: encodings of people who are nobody in particular, and no pictures.

A gallery with few identities cannot tell from its own references how high strangers score; it asks these.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Int64

from data.errors import UnusableEncoder
from embedder.card import CARD, Card
from embedder.card_file import sha256

STRANGERS = "strangers.npz"

Strangers = tuple[Float16[np.ndarray, "encodings dim"], Int64[np.ndarray, " encodings"]]
"""Encodings of one population, and a number for whose each is."""


def read_strangers(card: Card) -> dict[str, Strangers]:
    """The populations that the card names; none for an encoder without strangers.

    Raises UnusableEncoder where the file is missing, damaged, or does not fit the encoder.
    """
    told = card.fields.get("strangers")
    if told is None:
        return {}
    path = card.folder / STRANGERS
    if not path.is_file() or sha256(path) != told.get("sha256"):
        raise UnusableEncoder(f"{path} is missing or damaged; fetch or export the encoder again")
    populations = {}
    with np.load(path, allow_pickle=False) as arrays:
        for name in told["populations"]:
            encodings, identities = arrays[f"{name} encodings"], arrays[f"{name} identities"].astype(np.int64)
            if encodings.dtype != np.float16 or encodings.shape != (len(identities), card.dimension):
                raise UnusableEncoder(
                    f"{path} holds {encodings.dtype} {encodings.shape}, not float16 (N, {card.dimension})"
                )
            populations[name] = (encodings, identities)
    return populations


def write_strangers(folder: Path, populations: Mapping[str, Strangers]) -> None:
    """Keep strangers beside an encoder, and name them in its card."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {}
    for name, (encodings, identities) in populations.items():
        arrays[f"{name} encodings"] = encodings.astype(np.float16)
        arrays[f"{name} identities"] = identities.astype(np.int32)
    np.savez_compressed(file, **arrays)
    (folder / STRANGERS).write_bytes(file.getvalue())
    path = folder / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["strangers"] = {
        "sha256": sha256(folder / STRANGERS),
        "populations": {
            name: {"identities": len(np.unique(identities)), "encodings": len(encodings)}
            for name, (encodings, identities) in populations.items()
        },
    }
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
