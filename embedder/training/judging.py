"""Judging an encoder on dev identities through the very path that users take: files in, encodings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data.errors import UnreadablePicture
from data.pictures import read_picture
from embedder.encoder import Encoder
from embedder.preprocess import centre_square, resize_square
from embedder.training.identities import Identity
from embedder.training.validation import as_numbers, colour_histograms, rank1, source_groups, strangers_threshold

HISTOGRAM_SIDE = 64
DRAWS = 50


class DevPictures:
    """The pictures of a collection's dev identities, with who they show and which came from one source."""

    def __init__(self, identities: Sequence[Identity]) -> None:
        keys = source_groups(identities)
        names = [identity.name for identity in identities for _ in identity.files]
        files = [path for identity in identities for path in identity.files]
        self.crops: list[np.ndarray] = []
        kept = []
        for position, path in enumerate(files):
            try:
                self.crops.append(np.ascontiguousarray(centre_square(read_picture(path))))
                kept.append(position)
            except UnreadablePicture:
                continue
        self.labels = as_numbers([names[position] for position in kept])
        self.groups = as_numbers([keys[position] for position in kept])

    def shots(self) -> list[int]:
        """5 and 2 references where at least four identities have one group more than that."""
        groups = [len(np.unique(self.groups[self.labels == label])) for label in np.unique(self.labels)]
        return [shots for shots in (5, 2, 1) if sum(count > shots for count in groups) >= 4]


def judge(encoder: Encoder, dev: Mapping[str, DevPictures]) -> dict[str, Any]:
    """Rank-1 on each collection's dev identities among themselves, against colour histograms in the same draws, and
    the similarity that strangers reach on all of them together."""
    figures: dict[str, Any] = {"rank1": {}}
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
            low, high = np.percentile(own, [2.5, 97.5])
            figures["rank1"][f"{collection}, {shots} references"] = {
                "rank1": round(float(own.mean()), 4),
                "draws_95": [round(float(low), 4), round(float(high), 4)],
                "colour_histogram": round(float(histogram.mean()), 4),
                "identities": len(np.unique(pictures.labels)),
                "pictures": len(pictures.labels),
                "draws": DRAWS,
            }
        encodings.append(found)
        labels.append(pictures.labels + 10_000 * len(labels))
        groups.append(pictures.groups + 100_000 * len(groups))
    together = np.concatenate(encodings), np.concatenate(labels), np.concatenate(groups)
    if len(np.unique(together[1])) > 10:
        threshold, named = strangers_threshold(*together)
        figures["unknown_below"] = round(threshold, 4)
        figures["named_rightly_above_it"] = round(named, 4)
    return figures
