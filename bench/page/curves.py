"""CMC, DET and score histograms of an open-set bench."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.open_set import RATES, OpenRow
from bench.page.drawing import Palette, drawn
from measure import bootstrap_interval, bootstrap_open_set, det_curve, mean_per_identity, threshold_at_fpir

_RESAMPLES = 400
_MOST_RANKS = 20


def cmc(rows: list[OpenRow]) -> str:
    """The share of mated queries whose right identity is among the k best, over k."""
    ranks = np.arange(1, min(_MOST_RANKS, rows[0].enrolled) + 1)
    curves = [_cmc(row, ranks) for row in rows]

    def draw(axes: Any, palette: Palette) -> None:
        for row, (middle, low, high) in zip(rows, curves, strict=True):
            colour = _colour(row, palette)
            axes.fill_between(ranks, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(ranks, middle, color=colour, marker="o", markersize=3.5, label=row.closed.name)
        axes.set_xlabel(f"rank k, of {rows[0].enrolled:,} enrolled")
        axes.set_ylabel("right identity among the k best")
        axes.set_xticks([rank for rank in (1, 2, 3, 5, 10, 15, 20) if rank <= ranks[-1]])
        axes.set_ylim(min(low.min() for _, low, _ in curves) - 0.03, 1.01)
        axes.legend(loc="lower right")

    return drawn(draw, "CMC curve with 95 % intervals")


def det(rows: list[OpenRow]) -> str:
    """FNIR over FPIR on logarithmic axes; left of one stranger the curve stands on single pictures."""
    finest = min(1 / len(row.answers.stranger_scores) for row in rows)
    rates = np.logspace(np.log10(max(finest, 1e-4)), 0, 90)
    curves = []
    for row in rows:
        test = row.answers.open_set
        band = bootstrap_open_set(test, lambda test, counts: det_curve(test, rates, counts), resamples=_RESAMPLES)
        curves.append((det_curve(test, rates), *band))
    one_stranger = 1 / rows[0].strangers

    def draw(axes: Any, palette: Palette) -> None:
        lowest = min(max(middle.min(), 1e-3) for middle, _, _ in curves)
        for row, (middle, low, high) in zip(rows, curves, strict=True):
            colour = _colour(row, palette)
            axes.fill_between(rates, np.maximum(low, 1e-4), np.maximum(high, 1e-4), color=colour, alpha=0.18, lw=0)
            axes.plot(rates, np.maximum(middle, 1e-4), color=colour, label=row.closed.name)
        if one_stranger > rates[0]:
            axes.axvspan(rates[0], one_stranger, color=palette.stranger, alpha=0.12, linewidth=0)
            axes.text(
                rates[0] * 1.1, 0.02, "finer than one stranger", transform=axes.get_xaxis_transform(), fontsize=9,
                color=palette.ink,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(rates[0], 1)
        axes.set_ylim(lowest * 0.8, 1.05)
        _as_percents(axes.xaxis, (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3))
        _as_percents(axes.yaxis, (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0))
        axes.set_xlabel("FPIR: strangers given a name")
        axes.set_ylabel("FNIR: mated queries not given theirs")
        axes.legend(loc="upper right")

    return drawn(draw, "DET curve: FNIR over FPIR, with 95 % bands")


def score_histograms(row: OpenRow) -> str:
    """How the best scores of three kinds of queries are spread, each identity weighing the same."""
    answers = row.answers
    finite = np.concatenate([answers.mated_scores, answers.stranger_scores])
    finite = finite[np.isfinite(finite)]
    bins = np.linspace(np.percentile(finite, 0.3), finite.max() + 1e-9, 60)  # a few outliers would waste the width
    right = answers.right
    kinds = [
        ("strangers", answers.stranger_scores, answers.stranger_truths, "stranger"),
        ("mated, right", answers.mated_scores[right], answers.mated_truths[right], "kaodex"),
        ("mated, taken for another", answers.mated_scores[~right], answers.mated_truths[~right], "wrong"),
    ]
    thresholds = [(rate, threshold_at_fpir(answers.open_set, rate)) for rate in RATES[:2]]

    def draw(axes: Any, palette: Palette) -> None:
        for name, scores, truths, colour in kinds:
            if len(scores):
                queries = np.bincount(truths)
                weights = 1 / queries[truths] / (queries > 0).sum()
                look = {"color": getattr(palette, colour), "bins": bins, "weights": weights}
                axes.hist(scores, histtype="stepfilled", alpha=0.25, **look)
                axes.hist(scores, histtype="step", linewidth=1.6, label=f"{name} ({len(scores):,})", **look)
        for rate, at in thresholds:
            if np.isfinite(at):
                axes.axvline(at, color=palette.ink, linewidth=1, linestyle=":")
                axes.text(
                    at, 0.98, f"FPIR {100 * rate:g} % ", transform=axes.get_xaxis_transform(), fontsize=9, va="top",
                    ha="right", rotation=90, color=palette.ink,
                )  # fmt: skip
        axes.set_ylim(0, 1.22 * axes.get_ylim()[1])  # room for the legend above the bars
        axes.set_xlabel("score of the best candidate (similarity)")
        axes.set_ylabel("share of its kind")
        axes.legend(loc="upper left", fontsize=9)

    return drawn(draw, "Histograms of the best scores of strangers, right and misidentified queries", 10.5, 4.0)


def _cmc(row: OpenRow, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, truth = np.unique(row.answers.mated_truths, return_inverse=True)
    middle, low, high = (np.zeros(len(ranks)) for _ in range(3))
    for column, rank in enumerate(ranks):
        each = mean_per_identity((row.answers.places <= rank).astype(np.float64), truth, int(truth.max()) + 1)
        middle[column] = each.mean()
        low[column], high[column] = bootstrap_interval(each, resamples=2000)
    return middle, low, high


def _colour(row: OpenRow, palette: Palette) -> str:
    return palette.kaodex if row.closed.name == "kaodex" else palette.rival


def _as_percents(axis: Any, ticks: Sequence[float]) -> None:
    axis.set_major_locator(_fixed(ticks))
    axis.set_minor_locator(_fixed(()))
    axis.set_major_formatter(lambda value, _: f"{100 * value:g} %")


def _fixed(ticks: Sequence[float]) -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator(ticks)
