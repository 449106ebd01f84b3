"""The two pictures of docs/open-set.md: scores against the line, and the price of a promise.

    python benchmarks/open_set_plots.py DATA... --identities FILE --out docs/

Enrols the named identities of the collections DATA in a gallery that is thrown away, and plots its calibration.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from data.folders import LabelledPicture, find_pictures
from index import Recognizer
from index.calibration import margin_needed
from index.calibrator import Calibrator

BLUE, GREY, RED = "#0b62a8", "#8a93a0", "#c2410c"


def pictures(collections: list[Path], identities: Path, most: int) -> list[LabelledPicture]:
    """At most `most` pictures of each named identity, under names that keep collections apart."""
    names = json.loads(identities.read_text())["characters"]
    taken: dict[str, int] = {}
    chosen = []
    for collection in collections:
        for picture in find_pictures(collection).pictures:
            name = f"{collection.name}/{picture.identity}"
            if picture.identity in names.get(collection.name, []) and taken.get(name, 0) < most:
                taken[name] = taken.get(name, 0) + 1
                chosen.append(LabelledPicture(name, picture.path))
    return chosen


def plot_scores(calibrator: Calibrator, fpir: float, path: Path) -> None:
    """Histograms of strangers' and mated scores, and the line between unknown and named."""
    null, mated = calibrator.outcomes(5, "weighted")
    _, whose, repeats = np.unique(null.identities, return_inverse=True, return_counts=True)
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    bins = np.linspace(0, 1, 51)
    axes.hist(null.scores, bins, weights=(1 / repeats)[whose] / null.count, color=GREY, alpha=0.8, label="strangers")
    right = mated.named == mated.truths
    each = np.full(len(mated.scores), 1 / max(len(mated.scores), 1))
    axes.hist(
        mated.scores[right],
        bins,
        weights=each[right],
        color=BLUE,
        alpha=0.6,
        label="new pictures of enrolled characters",
    )
    line = null.score_needed(fpir, null.typical_share)
    axes.axvline(line, color=RED, linewidth=1.5)
    axes.annotate(f"a name is given\nabove {line:.2f}", (line, axes.get_ylim()[1] * 0.8), xytext=(6, 0),
                  textcoords="offset points", color=RED)  # fmt: skip
    axes.set(
        xlabel="similarity of the best candidate",
        ylabel="share",
        title=f"promised: {100 * fpir:g} % of strangers named",
    )
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def plot_cost(calibrator: Calibrator, path: Path) -> None:
    """Right, ambiguous and wrong names over the promised rate."""
    null, mated = calibrator.outcomes(5, "weighted")
    rates = np.geomspace(1 / (null.count + 1), 0.5, 60)
    p_values = null.p_values(mated.scores, mated.named)
    _, whose, repeats = np.unique(mated.truths, return_inverse=True, return_counts=True)
    weights = (1 / repeats)[whose] / len(repeats)
    lines: dict[str, list[float]] = {"right name": [], "ambiguous": [], "wrong name": []}
    for rate in rates:
        familiar = (p_values <= rate) & (mated.named >= 0)
        clear = familiar & (mated.margins > margin_needed(mated, p_values, rate, 0.01))
        lines["right name"].append(weights[clear & (mated.named == mated.truths)].sum())
        lines["ambiguous"].append(weights[familiar & ~clear].sum())
        lines["wrong name"].append(weights[clear & (mated.named != mated.truths)].sum())
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for (name, values), colour in zip(lines.items(), (BLUE, GREY, RED), strict=True):
        axes.plot(100 * rates, 100 * np.array(values), color=colour, label=name, linewidth=2)
    axes.set_xscale("log")
    axes.set(
        xlabel="promised share of strangers named (%)",
        ylabel="of enrolled characters' new pictures (%)",
        ylim=(0, 100),
        title=f"{null.count} characters, {len(mated.scores)} pictures asked again",
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.2)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Enrol, calibrate, plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--identities", type=Path, required=True)
    parser.add_argument("--most", type=int, default=20, help="pictures of one identity")
    parser.add_argument("--fpir", type=float, default=0.05)
    parser.add_argument("--encoder", help="a name or a folder; by default the shipped one")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.kaodex"
        recognizer = Recognizer.open(path, create=True, encoder=options.encoder, detector="whole")
        recognizer.enroll(pictures(options.data, options.identities, options.most))
        calibrator = recognizer.gallery.calibrator("character")
        plot_scores(calibrator, options.fpir, options.out / "open-set-scores.png")
        plot_cost(calibrator, options.out / "open-set-cost.png")
        for promise, cost in calibrator.costs(
            [0.1, options.fpir], 0.01, k=5, rule="weighted", bank=recognizer.encoders["character"].bank
        ):
            print(promise.basis, cost)
        recognizer.close()


if __name__ == "__main__":
    main()
