"""Many identities of several collections as one folder: links to their pictures, and which of those belong together.

    python benchmarks/mix.py DATA OUT --identities FILE [--count 100] [--most 100]

Each collection is a folder of DATA with one folder of pictures per identity, and FILE lists the identities that may
take part, as for `kaodex bench --identities`. The `--count` of them with the most groups of pictures are taken, at most
`--most` random pictures of each. OUT holds `<collection>_<identity>/<picture>`, OUT/groups.csv their groups,
by a collection's own table or the MD5 in its file names where it has them, else by a perceptual hash. Then:

    kaodex bench OUT --groups OUT/groups.csv
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.collection import load_collection
from bench.descriptions import describe
from bench.groups import group_by_hash
from data.errors import KaodexError

MD5 = "([0-9a-f]{32})"


def main() -> None:
    """Link and write; say how many."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--identities", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--most", type=int, default=100)
    options = parser.parse_args()
    listed = json.loads(options.identities.read_text(encoding="utf-8"))["characters"]
    found: list[tuple[str, list[Path], list[int]]] = []
    for name in listed:
        if not (options.data / name).is_dir():
            continue
        table = options.data / f"{name}_near_duplicates.csv"
        told = [str(table)] if table.is_file() else []
        if any(re.match(MD5, path.name) for path in (options.data / name).glob("*/*")):
            told.append(MD5)
        collection = load_collection(options.data / name, options.identities, told)
        read = describe(collection.paths, [])
        kept = collection.only(read.readable)
        groups = group_by_hash(kept.identities, read.hashes) if kept.groups is None else kept.groups
        for number, identity in enumerate(kept.names):
            own = np.flatnonzero(kept.identities == number)
            own = np.sort(np.random.default_rng([7, number]).permutation(own)[: options.most])
            found.append((f"{name}_{identity}", [kept.paths[place] for place in own], groups[own].tolist()))
    found.sort(key=lambda one: (-len(set(one[2])), one[0]))
    chosen = found[: options.count]
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "groups.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("identity", "file", "group"))
        for identity, paths, groups in chosen:
            (options.out / identity).mkdir(parents=True, exist_ok=True)
            for path, group in zip(paths, groups, strict=True):
                link = options.out / identity / path.name
                if not link.is_symlink():
                    link.symlink_to(path.resolve())
                rows.writerow((identity, path.name, group))
    pictures, fewest = sum(len(paths) for _, paths, _ in chosen), len(set(chosen[-1][2]))
    print(f"{len(chosen)} identities, {pictures} pictures; the last has {fewest} groups")


if __name__ == "__main__":
    try:
        main()
    except KaodexError as error:
        sys.exit(str(error))
