"""What a run learns from: real identities, single pictures of nobody in particular, and drawn characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from data.errors import KaodexError, UnusableSource
from embedder.training.drawn import FIRST_CHARACTER, LAST_CHARACTER
from embedder.training.identities import Identity
from embedder.training.pictures import cached, decode_square, file_key
from embedder.training.recipe import Recipe
from embedder.training.sampling import BALANCES

DRAWN = "drawn"
DRAWN_PICTURES = 4
"""Entries of a drawn character among the pictures to choose from. Each time one is chosen it is drawn anew: the number
only lets a batch hold several pictures of one character."""

BESIDES = 0.2
"""Weight of single pictures and of drawn characters, where none is given: a fifth of all real collections together."""


@dataclass(frozen=True)
class Material:
    """Every picture that may be chosen, numbered: those on disk first, then the entries of drawn characters.

    Labels are numbered so: the real identities, each of their colourings as another block of labels of the same order,
    then the single pictures, then the drawn characters.
    """

    squares: np.ndarray
    """(stored, side, side, 4): the pictures on disk, RGBA."""
    places: Int64[np.ndarray, " usable"]
    """Which of `squares` can be used."""
    labels: Int64[np.ndarray, " pictures"]
    collections: Int64[np.ndarray, " pictures"]
    shares: tuple[float, ...]
    """Weight of each collection."""
    real: int
    """Real identities: those that may be recoloured."""
    first_drawn: int
    """Label of the first drawn character."""
    identities: int
    """How many labels there are, colourings included."""

    @property
    def stored(self) -> int:
        """How many of the pictures are on disk."""
        return len(self.places)


def collect_material(
    recipe: Recipe,
    identities: Sequence[Identity],
    instances: Sequence[Identity],
    cache: Path,
    say: Callable[[str], None] = lambda text: None,
) -> Material:
    """Decode what is not decoded yet, and number everything. A file that cannot be decoded is named and left out."""
    everyone = [*identities, *instances]
    squares, usable = decode_all(everyone, cache, recipe.cache_side, say)
    first_instance = len(identities) * (recipe.recolour + 1)
    numbers = np.concatenate([np.arange(len(identities)), first_instance + np.arange(len(instances))])
    first_drawn = first_instance + len(instances)
    counts = [len(one.files) for one in everyone]
    names = list(dict.fromkeys(one.collection for one in everyone))
    whose = np.array([names.index(one.collection) for one in everyone], np.int64)
    drawn = np.repeat(np.arange(recipe.drawn), DRAWN_PICTURES)
    lost = set(range(len(names))) - set(np.repeat(whose, counts)[usable].tolist())
    if lost:
        raise UnusableSource(f"no picture of {names[min(lost)]} can be decoded; leave it out, or fetch it again")
    return Material(
        squares=squares,
        places=usable,
        labels=np.concatenate([np.repeat(numbers, counts)[usable], first_drawn + drawn]).astype(np.int64),
        collections=np.concatenate([np.repeat(whose, counts)[usable], np.full(len(drawn), len(names))]).astype(
            np.int64
        ),
        shares=collection_shares(recipe, identities, instances),
        real=len(identities),
        first_drawn=first_drawn,
        identities=first_drawn + recipe.drawn,
    )


def check_material(recipe: Recipe, identities: Sequence[Identity], instances: Sequence[Identity]) -> None:
    """Raise UnusableSource, before anything long starts, for material that the recipe cannot learn from."""
    total = len(identities) + len(instances) + recipe.drawn
    if total < 2:
        raise UnusableSource(f"training needs at least 2 identities, but there are {total}")
    if recipe.drawn > LAST_CHARACTER - FIRST_CHARACTER:
        raise UnusableSource(f"there are {LAST_CHARACTER - FIRST_CHARACTER:,} characters to draw, not {recipe.drawn:,}")
    names = list(dict.fromkeys(one.collection for one in [*identities, *instances]))
    if recipe.drawn and DRAWN in names:
        raise UnusableSource(f"a collection is called '{DRAWN}', which is what --drawn's is called; rename its folder")
    both = {one.collection for one in identities} & {one.collection for one in instances}
    if both:
        raise UnusableSource(f"'{sorted(both)[0]}' is given as identities and as --instances; give it once")
    collection_shares(recipe, identities, instances)


def collection_shares(
    recipe: Recipe, identities: Sequence[Identity], instances: Sequence[Identity]
) -> tuple[float, ...]:
    """How often each collection is chosen, relative to the others; in order of first appearance, drawn last.

    Raises UnusableSource for a weight of a collection that there is not.
    """
    power = BALANCES[recipe.balance]
    real: dict[str, float] = {}
    for one in identities:
        real[one.collection] = real.get(one.collection, 0.0) + len(one.files) ** power
    total = sum(real.values())
    shares = {name: recipe.weights.get(name, 1.0) * own / total for name, own in real.items()}
    besides = [*dict.fromkeys(one.collection for one in instances), *([DRAWN] if recipe.drawn else [])]
    shares |= {name: recipe.weights.get(name, BESIDES) for name in besides}
    unknown = [name for name in recipe.weights if name not in shares]
    if unknown:
        raise UnusableSource(f"--weight names '{unknown[0]}', but the collections are {', '.join(shares)}")
    if not sum(shares.values()) > 0:
        raise UnusableSource("every collection has the weight 0; give one of them a --weight above 0")
    return tuple(shares.values())


def decode_all(
    identities: Sequence[Identity], cache: Path, side: int, say: Callable[[str], None]
) -> tuple[np.ndarray, Int64[np.ndarray, " usable"]]:
    """All pictures as one (pictures, side, side, 4) array on disk, and the places of those that could be decoded."""
    files = [path for identity in identities for path in identity.files]
    if not files:
        return np.empty((0, side, side, 4), np.uint8), np.empty(0, np.int64)

    def make(position: int) -> np.ndarray:
        try:
            return decode_square(files[position], side)
        except KaodexError as error:
            say(f"left out: {error}")
            return np.zeros((side, side, 4), np.uint8)

    with ThreadPoolExecutor() as pool:
        array = cached(
            cache, "pictures", pool.map(file_key, files), (side, side, 4), make,
            lambda done: say(f"decoded {done:,} of {len(files):,} pictures") if done % 2048 == 0 else None,
        )  # fmt: skip
    return array, np.flatnonzero([bool(picture[..., 3].any()) for picture in array])
