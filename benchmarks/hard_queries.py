"""Where does an encoder fail? Queries turned into kinds that are known to be hard; references stay as they are.

    python benchmarks/hard_queries.py DATA --collection holoen:5 kancolle:2 --system ours=faces-2 before=faces-1 \
        [--identities FILE] [--across sekai:5:s_] [--json FILE] [--markdown FILE] [--plot FILE] [--sheet FILE]
    python benchmarks/hard_queries.py --sheet FILE      # only a contact sheet of all kinds, on drawn characters

Collections, systems and identities are as for by_collection.py; a 1-NN on colour histograms always takes part. Each
query is brought to 128 pixels, and then one thing happens to it: it loses its colours, becomes line art, printed dots,
a pencil or marker drawing, or such a drawing photographed; is shrunk to 32 pixels; goes through JPEG of quality 20;
gets a border of a third of its side all round; or is tilted by 25 degrees to either side. Where these need more than
there is, the picture is reflected, which repeats parts of the face beside it: harder than a real looser crop. What is
random depends on the picture alone, so that all systems and draws meet the same pictures. Grey, line art, dots and
drawings are made by the code that varies pictures in training: real ones may well be harder.

Rank-1: everyone is enrolled, and the nearest reference names. TPIR at FPIR 10 %: a random half is enrolled, the others
ask as strangers with pictures of the same kind, and the threshold is set on them afterwards. Every identity weighs the
same. Differences to unchanged queries are of the same draws; intervals (95 %) are from one bootstrap over identities,
paired. Of fewer than about 20 identities they are too narrow.

--across COLLECTION:REFERENCES:PREFIX takes pictures whose file names begin with PREFIX for another style (chibi
stickers beside cards): rank-1 of each style by references of each, on the listed identities and on all of them, of whom
the encoder may have been trained on some.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from by_collection import COLOURS, GREYS, Progress, candidate, check_folders, load, shots_of, shots_of_each

from bench.across_styles import draw_across
from bench.collection import Collection
from bench.comparison import FIGURES, Comparison
from bench.descriptions import Descriptions, describe
from bench.groups import group_by_hash
from bench.hard_kinds import KINDS, UNCHANGED, Turned, turned
from bench.hard_queries import Loss, compare_kinds, losses, rank1_by_identity
from bench.identity_lists import read_identity_list
from bench.systems import System
from bench.systems.colour_histogram import ColourHistogram
from bench.systems.kaodex import Kaodex
from data.drawn import draw_face
from data.errors import KaodexError, UnusableSource
from data.splits import unite_groupings
from embedder import Encoder
from embedder.preprocess import resize_square
from measure import bootstrap_interval

MEAN = "mean"
EVERY = 1_000_000
SHOWN = {"rank1": "rank-1", "tpir_10": "TPIR at FPIR 10 %"}
TILE, SHEET_CHARACTERS = 112, 6


@dataclass(frozen=True)
class Cell:
    """A figure of one system for one kind of queries on one collection, or the mean of all."""

    collection: str
    kind: str
    system: str
    figure: str
    loss: Loss


@dataclass(frozen=True)
class Across:
    """Rank-1 of queries of one style by references of another."""

    collection: str
    who: str
    """Which identities."""
    identities: int
    references: str
    queries: str
    system: str
    rank1: float
    interval: tuple[float, float]


def described(collection: Collection, systems: Sequence[System]) -> tuple[Collection, Descriptions, np.ndarray]:
    """The readable pictures, what the systems make of them, and which of them belong together."""
    progress = Progress(collection.source.name, len(collection.paths))
    found = describe(collection.paths, systems, progress)
    for trouble in found.unreadable:
        progress.say(f"unreadable: {trouble}")
    kept = collection.only(found.readable)
    groups = kept.groups
    if not any(told.endswith(".csv") for told in kept.grouped_by):
        alike = group_by_hash(kept.identities, found.hashes)
        groups = alike if groups is None else unite_groupings(groups, alike)
    assert groups is not None
    return kept, found, groups


def hard(collection: Collection, shots: int, systems: Sequence[System], draws: int, resamples: int) -> Comparison:
    """All kinds of queries to all systems, kinds first."""
    twisted = {(one.name, kind): Turned(one, kind) for kind in KINDS for one in systems}
    kept, found, groups = described(collection, [*systems, *twisted.values()])
    queries = {key: found.features[one.name] for key, one in twisted.items()}
    return compare_kinds(collection.source.name, found.features, queries, kept.identities, groups, shots=shots,
                         draws=draws, resamples=resamples)  # fmt: skip


def cells(comparisons: Sequence[Comparison], systems: Sequence[str]) -> list[Cell]:
    """Every figure on the mean of all collections (where there are several) and on each."""
    places = [(one.collection, [one]) for one in comparisons]
    if len(places) > 1:
        places = [(MEAN, list(comparisons)), *places]
    return [
        Cell(place, kind, system, figure, losses(own, row * len(systems) + column, column, number))
        for place, own in places
        for number, figure in enumerate(FIGURES)
        for row, kind in enumerate(KINDS)
        for column, system in enumerate(systems)
    ]


def across(data: Path, told: str, listed: Path | None, systems: Sequence[System], draws: int) -> list[Across]:
    """Each style by each, on the listed identities and on all; see the module."""
    place, _, prefix = told.rpartition(":")
    name, shots = shots_of(place)
    if not prefix:
        raise UnusableSource(f"{told!r} is no COLLECTION:REFERENCES:PREFIX, such as sekai:5:s_")
    kept, found, groups = described(load(data / name, None, shots, EVERY), systems)
    second = np.array([path.name.startswith(prefix) for path in kept.paths])
    styles = {"others": ~second, f"{prefix}*": second}
    whose = {"all": np.ones(len(second), bool)}
    if listed:
        numbers = np.flatnonzero(np.isin(kept.names, read_identity_list(listed, name)))
        whose = {"listed": np.isin(kept.identities, numbers), **whose}
    lines = []
    for who, held in whose.items():
        for one, enrolled in styles.items():
            for other, asked in styles.items():
                drawn = draw_across(kept.identities, groups, enrolled & held, asked & held, shots=shots, draws=draws)
                for system in systems:
                    features = found.features[system.name]
                    values = rank1_by_identity(features, features, kept.identities, drawn)
                    values = values[~np.isnan(values)]
                    figures = float(values.mean()), bootstrap_interval(values)
                    lines.append(Across(name, who, len(values), one, other, system.name, *figures))
    return lines


def number(value: float) -> str:
    """As in .81; a dash for what is no number."""
    return "–" if np.isnan(value) else f"{value:.2f}".replace("0.", ".", 1)


def signed(value: float) -> str:
    """As in −.19."""
    return ("−" if value < 0 else "+") + number(abs(value))


def markdown(found: Sequence[Cell], styles: Sequence[Across], notes: dict[str, str]) -> str:
    """A table of kinds by systems for each collection and figure, and one of styles."""
    parts = []
    for place, figure in dict.fromkeys((one.collection, one.figure) for one in found if one.figure in SHOWN):
        own = {(one.kind, one.system): one.loss for one in found if (one.collection, one.figure) == (place, figure)}
        systems = list(dict.fromkeys(system for _, system in own))
        rows = []
        for kind in dict.fromkeys(kind for kind, _ in own):
            row = [kind]
            for loss in (own[kind, system] for system in systems):
                if kind == UNCHANGED:
                    row.append(f"{number(loss.value)} [{', '.join(map(number, loss.interval))}]")
                else:
                    ends = ", ".join(map(signed, loss.difference_interval))
                    row.append(f"{number(loss.value)} ({signed(loss.difference)} [{ends}])")
            rows.append(row)
        parts.append(f"{SHOWN[figure]}, {notes.get(place, place)}:\n\n" + _table(["queries", *systems], rows))
    if styles:
        systems = list(dict.fromkeys(one.system for one in styles))
        rows = []
        for key in dict.fromkeys((one.who, one.identities, one.references, one.queries) for one in styles):
            own_styles = [one for one in styles if (one.who, one.identities, one.references, one.queries) == key]
            values = [f"{number(one.rank1)} [{', '.join(map(number, one.interval))}]" for one in own_styles]
            rows.append([f"{key[0]} ({key[1]})", key[2], key[3], number(1 / key[1]), *values])
        header = ["identities", "references", "queries", "chance", *systems]
        parts.append(f"rank-1 across styles, {styles[0].collection}:\n\n" + _table(header, rows))
    return "\n".join(parts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plot(found: Sequence[Cell], path: Path) -> None:
    """Bars with intervals by kind, on the mean of all collections; a line marks each system's unchanged figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(one.system for one in found))
    colours = dict(zip(names, (GREYS[0], *COLOURS * len(names)), strict=False))
    figure, every = plt.subplots(len(SHOWN), 1, figsize=(11, 7), sharex=True, layout="constrained")
    width = 0.84 / len(names)
    for axes, (key, title) in zip(every, SHOWN.items(), strict=True):
        for place, name in enumerate(names):
            own = [
                one.loss
                for one in found
                if (one.collection, one.figure, one.system) == (found[0].collection, key, name)
            ]
            values = np.array([loss.value for loss in own])
            ends = np.array([loss.interval for loss in own])
            apart = np.maximum([values - ends[:, 0], ends[:, 1] - values], 0)  # a skewed interval may lie beside
            middle = np.arange(len(own)) + (place - (len(names) - 1) / 2) * width
            axes.bar(middle, values, 0.92 * width, yerr=apart, color=colours[name], label=name,
                     error_kw={"elinewidth": 0.9, "ecolor": "#333"})  # fmt: skip
            axes.axhline(values[0], color=colours[name], linewidth=0.9, linestyle=":")
        axes.set(ylim=(0, 1), ylabel=title)
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
    every[-1].set_xticks(range(len(KINDS)), [kind.replace(" ", "\n").replace(",\n", ",\n") for kind in KINDS])
    figure.legend(*every[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(names)),
                  frameon=False)  # fmt: skip
    figure.savefig(path, dpi=110)
    plt.close(figure)


def contact_sheet(characters: int = SHEET_CHARACTERS) -> np.ndarray:
    """Every kind in a column, on drawn characters."""
    columns = []
    for kind in KINDS:
        tiles = [
            resize_square(turned(np.ascontiguousarray(draw_face(seed, seed, seed, 192)[..., :3]), kind), TILE)
            for seed in range(characters)
        ]
        label = np.full((34, TILE, 3), 255, np.uint8)
        for line, text in enumerate(kind.split(", ")):
            cv2.putText(label, text, (3, 13 + 15 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (40, 40, 40), 1, cv2.LINE_AA)
        columns.append(np.pad(np.concatenate([label, *tiles]), ((0, 0), (2, 2), (0, 0)), constant_values=255))
    return np.concatenate(columns, axis=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA")
    parser.add_argument("--system", nargs="+", default=[], action="extend", metavar="LABEL=ENCODER")
    parser.add_argument("--collection", nargs="+", default=[], action="extend", metavar="NAME:REFERENCES")
    parser.add_argument("--across", metavar="COLLECTION:REFERENCES:PREFIX")
    parser.add_argument("--identities", type=Path, metavar="FILE", help="only these, as for kaodex bench")
    parser.add_argument("--most", type=int, default=40, help="pictures of one identity (%(default)s)")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    for form in ("json", "markdown", "plot", "sheet"):
        parser.add_argument(f"--{form}", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        tables = run(options)
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(tables, end="")


def run(options: argparse.Namespace) -> str:
    """The whole benchmark; the tables."""
    check_folders(options.json, options.markdown, options.plot, options.sheet)
    if options.sheet:
        cv2.imwrite(str(options.sheet), contact_sheet()[..., ::-1])
        if not options.data:
            return ""
    shots = shots_of_each(options.collection)
    if not (options.data and shots and options.system):
        raise UnusableSource("give DATA, --collection and --system; or --sheet alone")
    candidates = [candidate(text, []) for text in options.system]
    labels = [ColourHistogram.name, *(one.label for one in candidates)]
    if len(set(labels)) < len(labels):
        raise UnusableSource(f"two systems cannot bear one label: {', '.join(labels)}")
    encoders = {one.label: Encoder.load(one.encoders[""], device=options.device) for one in candidates}
    systems: list[System] = [ColourHistogram(), *(Kaodex(encoder, label) for label, encoder in encoders.items())]
    comparisons, notes = [], {}
    for name, count in shots.items():
        collection = load(options.data / name, options.identities, count, options.most)
        comparisons.append(hard(collection, count, systems, options.draws, options.resamples))
        there = comparisons[-1].identities
        notes[name] = f"{name} ({there} identities, {count} references, chance {number(1 / there)})"
        for note in collection.notes:
            print(f"note: {note}", file=sys.stderr)
    notes[MEAN] = f"mean of {', '.join(notes.values())}"
    found = cells(comparisons, labels)
    told = (options.data, options.across, options.identities, systems, options.draws)
    styles = across(*told) if options.across else []
    tables = markdown(found, styles, notes)
    if options.markdown:
        options.markdown.write_text(tables, encoding="utf-8")
    if options.json:
        written = {
            "draws": options.draws,
            "resamples": options.resamples,
            "pictures_per_identity": options.most,
            "identities": str(options.identities) if options.identities else None,
            "collections": {
                one.collection: {"references": one.shots, "identities": one.identities} for one in comparisons
            },
            "encoders": {label: {"name": one.name, "fingerprint": one.fingerprint} for label, one in encoders.items()},
            "kinds": [asdict(one) for one in found],
            "across": [asdict(one) for one in styles],
        }
        options.json.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(found, options.plot)
    return tables


if __name__ == "__main__":
    main()
