"""The artists who drew the most characters, as a list for `kaodex bench --identities`, one name a line.

    python benchmarks/most_characters.py ART [--count 9] > nine.txt
    kaodex bench ART --kind artist --identities nine.txt --protocol closed

Of as many characters, who has more pictures comes first, then whose name does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.collection import Collection, load_collection
from data.errors import KaodexError, UnusableSource


def most_characters(collection: Collection, count: int) -> Sequence[str]:
    """So many artists of a collection; raises UnusableSource where no table says who is shown."""
    if collection.characters is None:
        raise UnusableSource(f"no table says who is shown in {collection.source}; put characters.csv there")
    order = []
    for number, name in enumerate(collection.names):
        own = collection.characters[collection.identities == number]
        order.append((-len(np.unique(own)), -len(own), name))
    return [name for _, _, name in sorted(order)[:count]]


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("art", type=Path)
    parser.add_argument("--count", type=int, default=9)
    options = parser.parse_args()
    print("\n".join(most_characters(load_collection(options.art, kind="artist"), options.count)))


if __name__ == "__main__":
    try:
        main()
    except KaodexError as error:
        sys.exit(str(error))
