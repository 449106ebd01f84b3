"""Judging an encoder on dev identities through the very path that users take: files in, encodings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data.errors import UnreadablePicture
from data.pictures import read_picture
from data.splits import usable_identities
from embedder.encoder import Encoder
from embedder.preprocess import centre_square, resize_square
from embedder.training.identities import Identity
from embedder.training.validation import (
    GALLERY_IDENTITIES,
    GALLERY_REFERENCES,
    as_numbers,
    colour_histograms,
    open_and_closed,
    rank1,
    shots_for,
    source_groups,
    strangers_threshold,
)
from measure.interval import bootstrap_interval

HISTOGRAM_SIDE = 64
DRAWS = 50


class DevPictures:
    """The pictures of a collection's dev identities, with who they show and which came from one source."""

    def __init__(self, identities: Sequence[Identity]) -> None:
        self.crops: list[np.ndarray] = []
        readable = []
        for identity in identities:
            files = []
            for path in identity.files:
                try:
                    self.crops.append(np.ascontiguousarray(centre_square(read_picture(path))))
                    files.append(path)
                except UnreadablePicture:
                    continue
            if files:
                readable.append(Identity(identity.collection, identity.name, tuple(files)))
        self.labels = as_numbers([one.name for one in readable for _ in one.files])
        self.groups = source_groups(readable, self.crops)

    def shots(self) -> list[int]:
        """Of 5, 2 and 1 references those for which at least four identities have groups enough."""
        return [shots for shots in (5, 2, 1) if len(usable_identities(self.labels, self.groups, shots)) >= 4]


def judge(encoder: Encoder, dev: Mapping[str, DevPictures]) -> dict[str, Any]:
    """Rank-1 on each collection's dev identities among themselves, against colour histograms in the same draws; mAP@R
    and TPIR; and the similarity that strangers reach on all of them together."""
    figures: dict[str, Any] = {"rank1": {}, "open_set": {}}
    encodings: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    groups: list[np.ndarray] = []
    for collection, pictures in dev.items():
        found = encoder.encode(pictures.crops)
        small = np.stack([resize_square(crop, HISTOGRAM_SIDE) for crop in pictures.crops])
        rival = colour_histograms(small)
        for shots in pictures.shots():
            own = rank1(found, pictures.labels, pictures.groups, references=shots, draws=DRAWS)
            histogram = rank1(rival, pictures.labels, pictures.groups, references=shots, draws=DRAWS)
            figures["rank1"][f"{collection}, {shots} references"] = {
                "rank1": round(float(own.mean()), 4),
                "interval_95": [round(value, 4) for value in bootstrap_interval(own)],
                "colour_histogram": round(float(histogram.mean()), 4),
                "identities": len(own),
                "draws": DRAWS,
            }
        most = shots_for(pictures.labels, pictures.groups)
        if most is not None:
            told = open_and_closed(found, pictures.labels, pictures.groups, shots=most, draws=DRAWS)
            figures["open_set"][f"{collection}, {most} references"] = {
                name: round(value, 4) for name, value in told.items()
            }
        encodings.append(found)
        labels.append(pictures.labels + 10_000 * len(labels))
        groups.append(pictures.groups + 100_000 * len(groups))
    together = np.concatenate(encodings), np.concatenate(labels), np.concatenate(groups)
    if len(usable_identities(together[1], together[2], GALLERY_REFERENCES)) > GALLERY_IDENTITIES:
        threshold, named = strangers_threshold(*together)
        figures["unknown_below"] = round(threshold, 4)
        figures["named_rightly_above_it"] = round(named, 4)
    return figures
