"""The batch of a step: groups in which the character is no help to find the artist.

A group is of one kind of pictures, and only within it are artists told apart: between kinds there is nothing to learn.
Of drawn pictures, all artists of a studio show the same characters, and no artist one twice: who goes by the character
is always wrong. Of fan art, all pictures of a group show one character. Of artists with labels, each shows as many
different characters as there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from embedder.preprocess import normalise
from embedder.style_training.crops import style_crop
from embedder.style_training.paintings import FAN_ART, Painting

Picture = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Shares:
    """Artists of each kind in a batch, and pictures of each."""

    studios: int = 2
    studio_artists: int = 10
    studio_pictures: int = 3
    fan_pictures: int = 36
    fan_views: int = 2
    labelled_artists: int = 10
    labelled_pictures: int = 4


class StyleBatch(NamedTuple):
    """Views, whose each is, and in which group."""

    pictures: Float32[np.ndarray, "views 3 side side"]
    artists: Int64[np.ndarray, " views"]
    groups: Int64[np.ndarray, " views"]


class Walls:
    """All pictures to learn from, hung by kind, artist and character.

    studios: (studios, artists, characters, side, side, 3). With `labelled`, collections other than fan art are groups
    of their own.
    """

    def __init__(self, paintings: Sequence[Painting], pictures: Sequence[Picture], studios: np.ndarray) -> None:
        if len(paintings) != len(pictures):
            raise ValueError(f"{len(paintings)} paintings, but {len(pictures)} pictures")
        self.studios = studios
        self._pictures = pictures
        self.fan_art: dict[str, dict[str, list[int]]] = {}
        self.labelled: dict[str, dict[str, dict[str, list[int]]]] = {}
        for place, one in enumerate(paintings):
            if one.collection == FAN_ART:
                self.fan_art.setdefault(one.subject, {}).setdefault(one.artist, []).append(place)
            else:
                artists = self.labelled.setdefault(one.collection, {})
                artists.setdefault(one.artist, {}).setdefault(one.subject, []).append(place)

    def batch(self, seed: int, step: int, size: int, shares: Shares) -> StyleBatch:
        """A pure function of seed, step, size and shares."""
        random = np.random.default_rng([seed, step])
        chosen: list[tuple[Picture, int, int]] = []
        artist = group = 0
        for studio in random.permutation(len(self.studios))[: shares.studios]:
            artists, characters = self.studios.shape[1:3]
            shown = random.permutation(characters)[: shares.studio_pictures]
            for one in random.permutation(artists)[: shares.studio_artists]:
                chosen += [(self.studios[studio, one, character], artist, group) for character in shown]
                artist += 1
            group += 1
        if self.fan_art and shares.fan_pictures:
            names = sorted(self.fan_art)
            counts = np.sqrt([len(self.fan_art[name]) for name in names])
            hands = list(self.fan_art[names[random.choice(len(names), p=counts / counts.sum())]].values())
            for place in random.permutation(len(hands))[: shares.fan_pictures]:
                picture = self._pictures[int(random.choice(hands[place]))]
                chosen += [(picture, artist, group)] * shares.fan_views
                artist += 1
            group += 1
        for by_artist in self.labelled.values():
            names = sorted(by_artist)
            weights = np.array([len(by_artist[name]) for name in names], np.float64) ** 0.5
            count = min(shares.labelled_artists, len(names))
            for name in random.choice(names, count, replace=False, p=weights / weights.sum()):
                for place in _varied(by_artist[name], shares.labelled_pictures, random):
                    chosen.append((self._pictures[place], artist, group))
                artist += 1
            group += 1
        views = np.stack([style_crop(picture, size, random) for picture, _, _ in chosen])
        return StyleBatch(
            normalise(views, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
            np.array([one for _, one, _ in chosen], np.int64),
            np.array([one for _, _, one in chosen], np.int64),
        )


def _varied(subjects: dict[str, list[int]], count: int, random: np.random.Generator) -> list[int]:
    """So many pictures of one artist, of as many characters as can be; again from the first where there are fewer."""
    names = list(subjects)
    order = random.permutation(len(names))
    return [int(random.choice(subjects[names[order[turn % len(names)]]])) for turn in range(count)]
