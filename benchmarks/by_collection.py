"""How well do encoders name characters of each collection, and refuse strangers, beside rivals that learn nothing?

    python benchmarks/by_collection.py DATA --collection holoen:5 kancolle:2 --system ours=faces-2 before=faces-1 \
        [--against before] [--identities FILE] [--markdown FILE] [--json FILE] [--plot FILE]

Each collection is a folder of DATA with one folder of pictures per identity; the number is that of references each. An
encoder is a name or a folder, or one per collection: `apart=holoen:runs/without-holoen,kancolle:runs/without-kancolle`.
A 1-NN on colour histograms and one on HOG and Lab colours always take part. All systems meet the same draws.

References and queries never share a source picture (an MD5 with which file names begin) nor a cluster of
near-duplicates: those of `<collection>_near_duplicates.csv` beside the folder, or else a perceptual hash's. They are
the draws of `kaodex bench`, over at most `--most` random pictures of each identity.

Rank-1: everyone is enrolled, and the nearest reference names; a column beside it has the rule that Kaodex votes by.
TPIR at FPIR: in each draw a random half of the identities is enrolled and all pictures of the others ask as strangers.
The threshold is set on these strangers afterwards, one for all draws, so that it names no more than that share of them;
TPIR is the share of enrolled identities' queries that it gives the right name. In every figure each identity weighs the
same. Intervals (95 %) and ratios are from one bootstrap over identities, paired: each resample holds the same
identities for every system. Of fewer than about 20 identities they are too narrow.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.collection import Collection, load_collection
from bench.comparison import Comparison, compare
from bench.comparison_table import MEAN, Line, lines, markdown
from bench.descriptions import describe
from bench.groups import group_by_hash
from bench.protocol import Protocol
from bench.systems import System
from bench.systems.colour_histogram import ColourHistogram
from bench.systems.hog_lab import HogLab
from bench.systems.kaodex import Kaodex
from data.errors import KaodexError, UnusableSource
from data.splits import unite_groupings
from embedder import Encoder
from index.voting import DEFAULT_RULE

MD5 = "([0-9a-f]{32})"
K = 5
GREYS = ("#c3c8cf", "#8a93a0")
COLOURS = ("#0b62a8", "#c2410c", "#3f8f4f", "#7a4fa3", "#b08900", "#1f9e9e")


@dataclass(frozen=True)
class Candidate:
    """A system to compare: the encoder for each collection, or the one for all that are not named (under "")."""

    label: str
    encoders: dict[str, str]

    def encoder(self, collection: str) -> str | None:
        """Its encoder there; None where it takes no part."""
        return self.encoders.get(collection, self.encoders.get(""))


def candidate(text: str, collections: Sequence[str]) -> Candidate:
    """LABEL=ENCODER or LABEL=COLLECTION:ENCODER,…; raises `UnusableSource` for what is neither."""
    label, equals, told = text.partition("=")
    if not (label and equals and told):
        raise UnusableSource(f"{text!r} is no LABEL=ENCODER, such as ours=faces-2")
    encoders = {}
    for part in told.split(","):
        place, colon, encoder = part.partition(":")
        where, which = (place, encoder) if colon and place in collections else ("", part)
        if not which or where in encoders:
            raise UnusableSource(f"{text!r}: {where or 'all collections'} need one encoder, and not two or none")
        encoders[where] = which
    return Candidate(label, encoders)


def shots_of(text: str) -> tuple[str, int]:
    """COLLECTION:REFERENCES; raises `UnusableSource` for anything else."""
    name, _, number = text.rpartition(":")
    if not name or not number.isdecimal() or int(number) < 1:
        raise UnusableSource(f"{text!r} is no COLLECTION:REFERENCES, such as holoen:5")
    return name, int(number)


def load(folder: Path, identity_list: Path | None, shots: int, most: int) -> Collection:
    """The collection by what is told of its groups, at most `most` random pictures of each identity that may do."""
    table = folder.parent / f"{folder.name}_near_duplicates.csv"
    told = [str(table)] if table.is_file() else []
    if any(re.match(MD5, path.name) for path in folder.glob("*/*")):
        told.append(MD5)
    whole = load_collection(folder, identity_list, told)
    random = np.random.default_rng(0)
    kept = np.zeros(len(whole.paths), bool)
    for number in range(len(whole.names)):
        own = np.flatnonzero(whole.identities == number)
        if len(own) > shots:
            kept[random.permutation(own)[:most]] = True
    return whole.only(kept)


class Progress:
    """What is done of a collection, on stderr: a line that counts where somebody looks, else one for each stage."""

    def __init__(self, collection: str, pictures: int) -> None:
        self._collection = collection
        self._pictures = pictures
        self._done = 0
        self.say(f"{pictures:,} pictures")

    def __call__(self, count: int) -> None:
        """So many pictures more are done."""
        self._done += count
        if sys.stderr.isatty():
            print(f"\r{self._collection}: {self._done:,} of {self._pictures:,} pictures", end="", file=sys.stderr)
            if self._done == self._pictures:
                print(file=sys.stderr)

    def say(self, text: str) -> None:
        """A line of its own."""
        print(f"{self._collection}: {text}", file=sys.stderr, flush=True)


def measured(
    collection: Collection,
    shots: int,
    encoders: dict[str, str],
    loaded: dict[str, Encoder],
    draws: int,
) -> Comparison:
    """Describe the pictures once with each encoder and rival, and compare. `encoders` are references by label."""
    rivals: list[System] = [ColourHistogram(), HogLab()]
    once = [Kaodex(loaded[reference], reference) for reference in dict.fromkeys(encoders.values())]
    progress = Progress(collection.source.name, len(collection.paths))
    described = describe(collection.paths, [*rivals, *once], progress)
    progress.say("comparing")
    for trouble in described.unreadable:
        progress.say(f"unreadable: {trouble}")
    kept = collection.only(described.readable)
    groups = kept.groups
    if not any(told.endswith(".csv") for told in kept.grouped_by):
        alike = group_by_hash(kept.identities, described.hashes)
        groups = alike if groups is None else unite_groupings(groups, alike)
    assert groups is not None
    features = described.features | {label: described.features[reference] for label, reference in encoders.items()}
    systems = [*rivals, *(Kaodex(loaded[reference], label) for label, reference in encoders.items())]
    protocol = Protocol((shots,), (K,), ("nearest", DEFAULT_RULE), draws)
    return compare(collection.source.name, systems, features, kept.identities, groups, protocol)


def plot(found: Sequence[Line], path: Path) -> None:
    """Bars with intervals: rank-1, TPIR at FPIR 10 % and at 1 %, by collection."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [line for line in found if line.rule == "nearest"]
    places = list(dict.fromkeys((line.collection, line.shots, line.identities) for line in shown))
    names = list(dict.fromkeys(line.system for line in shown))
    colours = dict(zip(names, (*GREYS, *COLOURS * len(names)), strict=False))
    figure, every = plt.subplots(3, 1, figsize=(max(6.5, 1.5 + 1.6 * len(places)), 8), sharex=True,
                                 layout="constrained")  # fmt: skip
    width = 0.84 / len(names)
    for column, (axes, title) in enumerate(
        zip(every, ("rank-1", "TPIR at FPIR 10 %", "TPIR at FPIR 1 %"), strict=True)
    ):
        for number, name in enumerate(names):
            own = [line for line in shown if line.system == name]
            middle = np.array([places.index((line.collection, line.shots, line.identities)) for line in own])
            values = np.array([line.figures[column] for line in own])
            ends = np.array([[line.ends[0][column], line.ends[1][column]] for line in own])
            apart = np.maximum([values - ends[:, 0], ends[:, 1] - values], 0)  # a skewed interval may lie beside
            axes.bar(middle + (number - (len(names) - 1) / 2) * width, values, 0.92 * width, yerr=apart,
                     color=colours[name], label=name, error_kw={"elinewidth": 0.9, "ecolor": "#333"})  # fmt: skip
        axes.set(ylim=(0, 1), ylabel=title)
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
    every[-1].set_xticks(
        range(len(places)),
        [MEAN if shots is None else f"{name}\n{count} identities,\n{shots} refs" for name, shots, count in places],
    )
    figure.legend(*every[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(names)),
                  frameon=False)  # fmt: skip
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--system", nargs="+", required=True, action="extend", metavar="LABEL=ENCODER")
    parser.add_argument("--collection", nargs="+", required=True, action="extend", metavar="NAME:REFERENCES")
    parser.add_argument("--against", metavar="LABEL", help="the baseline of the ratios; by default the first system")
    parser.add_argument("--identities", type=Path, metavar="FILE", help="only these, as for kaodex bench")
    parser.add_argument("--most", type=int, default=200, help="pictures of one identity (%(default)s)")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    for form in ("json", "markdown", "plot"):
        parser.add_argument(f"--{form}", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        table = run(options)
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(table, end="")


def shots_of_each(texts: Sequence[str]) -> dict[str, int]:
    """References of each collection, from texts like `holoen:5`."""
    shots = dict(shots_of(text) for text in texts)
    if len(shots) < len(texts):
        raise UnusableSource(f"a collection can be measured once in a run: {' '.join(texts)}")
    return shots


def check_folders(*files: Path | None) -> None:
    """Raise `UnusableSource` for a file whose folder is missing: told now, not after the measuring."""
    for file in files:
        if file and not file.parent.is_dir():
            raise UnusableSource(f"there is no folder {file.parent} for {file.name}; make it, or write elsewhere")


def run(options: argparse.Namespace) -> str:
    """The whole benchmark; the table."""
    shots = shots_of_each(options.collection)
    check_folders(options.json, options.markdown, options.plot)
    candidates = [candidate(text, list(shots)) for text in options.system]
    rivals = [ColourHistogram.name, HogLab.name]
    labels = [*rivals, *(one.label for one in candidates)]
    if len(set(labels)) < len(labels):
        raise UnusableSource(f"two systems cannot bear one label: {', '.join(labels)}")
    against = options.against or candidates[0].label
    if against not in labels:
        raise UnusableSource(f"--against {against!r} is none of the systems: {', '.join(labels)}")
    loaded = {
        reference: Encoder.load(reference, device=options.device)
        for reference in dict.fromkeys(reference for one in candidates for reference in one.encoders.values())
    }
    comparisons: list[Comparison] = []
    notes: list[str] = []
    for name, number in shots.items():
        encoders = {one.label: reference for one in candidates if (reference := one.encoder(name))}
        collection = load(options.data / name, options.identities, number, options.most)
        comparison = measured(collection, number, encoders, loaded, options.draws)
        comparisons.append(replace(comparison, resamples=options.resamples))
        notes += collection.notes
    found = lines(comparisons, against)
    table = markdown(found, against, DEFAULT_RULE)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if options.markdown:
        options.markdown.write_text(table, encoding="utf-8")
    if options.json:
        written = {
            "against": against,
            "draws": options.draws,
            "resamples": options.resamples,
            "pictures_per_identity": options.most,
            "identities": str(options.identities) if options.identities else None,
            "encoders": {
                one.label: {place or "all": _encoder(loaded[reference]) for place, reference in one.encoders.items()}
                for one in candidates
            },
            "lines": [line.as_json() for line in found],
        }
        options.json.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(found, options.plot)
    return table


def _encoder(encoder: Encoder) -> dict[str, str]:
    return {"name": encoder.name, "fingerprint": encoder.fingerprint}


if __name__ == "__main__":
    main()
