"""The strangers that an encoder brings along: encodings of people who are nobody in particular, and no pictures.

A gallery with few identities cannot tell from its own references how high strangers score; it asks these.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Int64

from data.errors import UnusableEncoder
from embedder.card import CARD, Card, sha256

STRANGERS = "strangers.npz"

Strangers = tuple[Float16[np.ndarray, "encodings dim"], Int64[np.ndarray, " encodings"]]
"""Encodings, and a number for whose each is."""


def read_strangers(card: Card) -> Strangers | None:
    """The encodings that the card names; None for an encoder without any.

    Raises UnusableEncoder where the file is missing, damaged, or does not fit the encoder.
    """
    told = card.fields.get("strangers")
    if told is None:
        return None
    path = card.folder / STRANGERS
    if not path.is_file() or sha256(path) != told.get("sha256"):
        raise UnusableEncoder(f"{path} is missing or damaged; fetch or export the encoder again")
    with np.load(path, allow_pickle=False) as arrays:
        encodings, identities = arrays["encodings"], arrays["identities"].astype(np.int64)
    if encodings.dtype != np.float16 or encodings.shape != (len(identities), card.dimension):
        raise UnusableEncoder(f"{path} holds {encodings.dtype} {encodings.shape}, not float16 (N, {card.dimension})")
    return encodings, identities


def write_strangers(folder: Path, strangers: Strangers, told: dict[str, object]) -> None:
    """Keep strangers beside an encoder and name them in its card, with what is `told` of them."""
    encodings, identities = strangers
    file = io.BytesIO()
    np.savez_compressed(file, encodings=encodings.astype(np.float16), identities=identities.astype(np.int32))
    (folder / STRANGERS).write_bytes(file.getvalue())
    path = folder / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["strangers"] = {
        "sha256": sha256(folder / STRANGERS),
        "encodings": len(encodings),
        "identities": len(np.unique(identities)),
        **told,
    }
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
