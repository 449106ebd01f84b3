"""How well do detectors find faces, beside rivals that are given every advantage, and what is that worth to naming?

    python benchmarks/detection.py DATA --out DIR [--detector auto runs/mine ...] [--human-cascade FILE]
        [--part boxes scenes windows sheets speed bench] [--json FILE] [--boxes FILE] [--scenes N]

DATA is a folder with art/arknights, scenes, windows/face, windows/nonface, dev_identities.json and
lbpcascade_animeface.xml, the rival. Boxes drawn by hand are in hand_boxes.json beside this file.

boxes    AP at IoU 0.5 and recall at 0.1 false boxes per picture on pictures boxed by hand. A detector's own threshold
         is lowered for these; the last columns are with it as it is. The cascade, of which the number of neighbours is
         the score, is shown as it is shipped and at the best of many settings, searched on these very pictures, which
         favours it; and both ways again with its boxes moved and scaled so as to fit the truth of these very pictures,
         because it means another part of the head by a face, which favours it once more. So are other rivals.
scenes   the same on scenes of drawn characters that nobody is trained on, and on scenes composed of pictures of
         people who are held back (held_back_boxes.json, labelled by our own detector): ours, so they prove less.
windows  does the highest score in a patch tell a face from anything else?
sheets   pictures with boxes, ours green, the cascade's orange, the truth white, for DIR: not to be published.
speed    on pictures of 768 x 768 and 2000 x 3000 pixels tiled with half bodies, in turns, smallest face 20 pixels.
bench    rank-1 of half-body pictures by the nearest reference, the face of each being found by each detector.

Tables go to stdout, everything to DIR/detection.json (or --json). Intervals (95 %) are by bootstrap over pictures,
windows, repeats or identities.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.detection_sheets import GREEN, GREY, ORANGE, WHITE, annotated, contact_sheet
from bench.detection_speed import in_turns, median_with_interval, tiled
from bench.found_faces import Answers, ask, best_by, figures, fitted_offsets, subsets_of
from bench.half_bodies import ARTISTS_FOLDER, compare_detectors, half_bodies
from bench.known_pictures import composed_scenes, drawn_scenes, hand_boxed
from bench.rival_detectors import AnimeFace, ScoredCascade, cascade_settings
from bench.windows import best_scores, held_back_windows, window_figures
from data.errors import KaodexError, MissingDependency, UnusableSource
from data.folders import list_pictures
from embedder import Encoder
from embedder.detectors import Detector, load_detector
from embedder.detectors.card import SHIPPED_DETECTOR
from embedder.detectors.trained import TrainedDetector

PARTS = ("boxes", "scenes", "windows", "sheets", "speed", "bench")
CASCADE = "lbpcascade_animeface.xml"
LOWEST = 0.02
"""The score down to which a trained detector's boxes are ranked."""

SPEED = ((768, 768, 360), (2000, 3000, 720))
"""Width and height of a picture, and the height of the figures in it."""

SHEET, SHEET_COLUMNS = 50, 10


class Contest:
    """The detectors that take part, by name, with the score from which each reports a face; rivals know none."""

    def __init__(self, data: Path, specs: Sequence[str], human: Path | None) -> None:
        self.ours: dict[str, Detector] = {}
        self.thresholds: dict[str, float] = {}
        self.unavailable: dict[str, str] = {}
        for spec in specs:
            self.ours[spec], self.thresholds[spec] = ranked(spec)
        self.cascades = {"cascade": data / CASCADE}
        if found := human or human_cascade():
            self.cascades["human-face cascade"] = found
        else:
            self.unavailable["human-face cascade"] = "this OpenCV carries no cascade files; give --human-cascade"
        self.others: dict[str, Detector] = {}
        try:
            self.others["animeface"] = AnimeFace()
        except MissingDependency as error:
            self.unavailable["animeface"] = str(error)
        self.best: dict[str, ScoredCascade] = {}
        """Each cascade at its best setting, once boxes were measured."""

    def fixed(self) -> dict[str, Detector]:
        """Everyone in one setting: the cascades in their best if known, and the anime cascade as it is shipped."""
        shipped = load_detector(f"cascade:{self.cascades['cascade']}")
        best = {f"{name}, best": one for name, one in self.best.items()}
        return {**self.ours, "cascade, as shipped": shipped, **best, **self.others}


def ranked(spec: str) -> tuple[Detector, float]:
    """A detector that gives all its boxes down to LOWEST, if it can, and the score from which it is meant to."""
    detector = load_detector(SHIPPED_DETECTOR if spec == "auto" else spec)
    if not isinstance(detector, TrainedDetector):
        return detector, 0.0
    threshold = detector.card.threshold
    detector.card = replace(detector.card, threshold=LOWEST)
    return detector, threshold


def human_cascade() -> Path | None:
    """OpenCV's cascade of photographed faces, where its wheel carries one."""
    file = Path(getattr(cv2.data, "haarcascades", "")) / "haarcascade_frontalface_default.xml"
    return file if file.is_file() else None


def measure_boxes(contest: Contest, boxes: Path, data: Path) -> tuple[list[dict[str, Any]], dict[str, Answers]]:
    """Rows of figures on the hand-boxed pictures, subset by subset, and the answers that the sheets show."""
    settings = {name: cascade_settings(path) for name, path in contest.cascades.items()}
    every = {title: one for own in settings.values() for title, one in own.items()}
    fixed = contest.fixed()
    answers = ask(hand_boxed(boxes, data), {**fixed, **every})
    rows = []
    for subset in subsets_of(answers):
        own = {name: one.of(subset) for name, one in answers.items()}
        moved = {name: one.moved(fitted_offsets(one)) for name, one in own.items()}
        rows += [row(subset, name, own[name], contest.thresholds.get(name, 0.0)) for name in fixed]
        rows += [row(subset, f"{name}, boxes fitted", moved[name]) for name in fixed if name not in contest.ours]
        for name, tried in settings.items():
            for fitted, shown in (("", own), (", boxes fitted", moved)):
                best = best_by("ap", {title: shown[title] for title in tried})
                rows.append({**row(subset, f"{name}, best{fitted}", shown[best]), "setting": best})
                if not fitted:  # chosen on the largest subset, which comes first
                    contest.best.setdefault(name, tried[best])
    return rows, {**answers, "cascade, best": answers[contest.best["cascade"].name]}


def row(subset: str, name: str, answers: Answers, threshold: float = 0.0) -> dict[str, Any]:
    """One line of figures."""
    return {"pictures_of": subset, "detector": name, **figures(answers, threshold)}


def measure_scenes(contest: Contest, count: int, held_back: Path, data: Path) -> list[dict[str, Any]]:
    """Rows of figures on drawn and composed scenes, with rivals also after a fit of their boxes to these scenes."""
    answers = ask(chain(composed_scenes(held_back, data, count), drawn_scenes(count)), contest.fixed())
    rows = []
    for subset in subsets_of(answers):
        for name, own in ((name, one.of(subset)) for name, one in answers.items()):
            rows.append(row(subset, name, own, contest.thresholds.get(name, 0.0)))
            if name not in contest.ours:
                rows.append(row(subset, f"{name}, boxes fitted", own.moved(fitted_offsets(own))))
    return rows


def measure_windows(contest: Contest, data: Path) -> list[dict[str, Any]]:
    """Rows of figures on patches that are held back."""
    faces, others = (held_back_windows(data / "windows" / kind) for kind in ("face", "nonface"))
    rows = []
    for name, one in contest.fixed().items():
        scores = best_scores(faces, one), best_scores(others, one)
        rows.append({"detector": name, **window_figures(*scores, contest.thresholds.get(name, 0.0))})
    return rows


def measure_speed(contest: Contest, data: Path, repeats: int) -> list[dict[str, Any]]:
    """Rows of seconds, and of each detector's time over that of the cascade as shipped, round by round."""
    paths = list_pictures([data / ARTISTS_FOLDER])
    detectors = {**contest.fixed(), **{spec: load_detector(spec) for spec in contest.ours}}
    # A cascade in its best setting remembers its last picture, to be asked about many settings at once.
    detectors = {name: one for name, one in detectors.items() if not isinstance(one, ScoredCascade)}
    rows = []
    for width, height, figure in SPEED:
        seconds = in_turns(tiled(paths, (width, height), figure), detectors, repeats)
        for name, own in seconds.items():
            rows.append(
                {
                    "size": [width, height],
                    "detector": name,
                    "seconds": median_with_interval(own),
                    "over_cascade": median_with_interval(own / seconds["cascade, as shipped"]),
                }
            )
    return rows


def measure_bench(specs: Sequence[str], data: Path, encoder: str | None) -> list[dict[str, Any]]:
    """Rows of rank-1 by detector: all characters, and those held back from detectors' training."""
    loaded = Encoder.load(encoder, device="cpu")
    detectors = {spec: load_detector(spec) for spec in ("whole", *specs)}
    return [
        {"characters": who, **told}
        for who, held_back in (("all", False), ("held back", True))
        for told in compare_detectors(half_bodies(data, held_back=held_back), loaded, detectors, (1, 2))
    ]


def write_sheets(contest: Contest, answers: Mapping[str, Answers], boxes: Path, data: Path, out: Path) -> list[Path]:
    """Contact sheets of all hand-boxed pictures with the first of our detectors, the cascade at its best, the truth."""
    name = next(iter(contest.ours))
    found, rival = answers[name].above(contest.thresholds[name]), answers["cascade, best"]
    tiles: dict[str, list[np.ndarray]] = {}
    for number, one in enumerate(hand_boxed(boxes, data)):
        layers = [(one.ignored, GREY), (rival.boxes[number], ORANGE), (found.boxes[number], GREEN), (one.boxes, WHITE)]
        tiles.setdefault(one.subset, []).append(annotated(one.picture, layers, 1000 if one.subset == "scenes" else 450))
    written = []
    for subset, own in tiles.items():
        for start in range(0, len(own), SHEET):
            written.append(out / f"{subset}-{start // SHEET + 1}.png")
            sheet = contact_sheet(own[start : start + SHEET], SHEET_COLUMNS if subset != "scenes" else 2)
            cv2.imwrite(str(written[-1]), sheet[..., ::-1])
    return written


def shown(value: Any) -> str:
    """A figure with its interval, or whatever else it is."""
    if isinstance(value, list) and len(value) == 3:
        return f"{value[0]:.3f} ({value[1]:.3f}–{value[2]:.3f})"
    if isinstance(value, list):
        return " x ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return "" if value is None else str(value)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a table; a row without some column leaves it empty."""
    columns = list(dict.fromkeys(name for one in rows for name in one))
    lines = [columns, ["---"] * len(columns), *([shown(one.get(name)) for name in columns] for one in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print the tables, write the rest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--detector", nargs="+", default=[], action="extend", metavar="SPEC", help="auto by default")
    parser.add_argument("--human-cascade", type=Path, metavar="FILE", help="OpenCV's cascade of photographed faces")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="all by default; sheets need boxes")
    parser.add_argument("--boxes", type=Path, default=Path(__file__).with_name("hand_boxes.json"), metavar="FILE")
    parser.add_argument(
        "--held-back", type=Path, default=Path(__file__).with_name("held_back_boxes.json"), metavar="FILE"
    )
    parser.add_argument("--scenes", type=int, default=500, help="how many are drawn, and composed (%(default)s)")
    parser.add_argument("--repeats", type=int, default=15, help="rounds of the test of speed (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use (%(default)s)")
    parser.add_argument("--encoder", help="for the bench; by default the shipped one")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):  # before any session is made: its threads keep to these cores too
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    cv2.setNumThreads(options.threads)
    try:
        run(options)
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def run(options: argparse.Namespace) -> None:
    """The parts, each told as soon as it is there; the file is written anew after each."""
    if not options.out.is_dir():
        raise UnusableSource(f"there is no folder {options.out} for the sheets; make it first")
    specs = options.detector or ["auto"]
    contest = Contest(options.data, specs, options.human_cascade)
    told: dict[str, Any] = {"detectors": contest.thresholds, "unavailable": contest.unavailable}
    for name, reason in contest.unavailable.items():
        print(f"{name}: unavailable, {reason}\n")
    answers: dict[str, Answers] = {}
    for part in PARTS:
        if part not in options.part:
            continue
        print(f"{part} …", file=sys.stderr)
        if part == "boxes":
            told[part], answers = measure_boxes(contest, options.boxes, options.data)
        elif part == "scenes":
            told[part] = measure_scenes(contest, options.scenes, options.held_back, options.data)
        elif part == "windows":
            told[part] = measure_windows(contest, options.data)
        elif part == "speed":
            told[part] = measure_speed(contest, options.data, options.repeats)
        elif part == "bench":
            told[part] = measure_bench(specs, options.data, options.encoder)
        elif answers:
            for path in write_sheets(contest, answers, options.boxes, options.data, options.out):
                print(f"sheet: {path}", file=sys.stderr)
        if part in told:
            print(f"{part}:\n\n{markdown(told[part])}", flush=True)
            (options.json or options.out / "detection.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
