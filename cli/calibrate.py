"""`kaodex calibrate`: what a promised error rate costs in this gallery."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from pathlib import Path

import click

from cli.options import (
    encoder_of,
    encoder_option,
    gallery_option,
    k_option,
    kind_option,
    misid_option,
    only_option,
    rule_option,
)
from cli.output import answers, count, table
from data.errors import GalleryError

RATES = (0.1, 0.01, 0.003, 0.001)


@click.command(short_help="Show what a promised error rate costs in this gallery.")
@k_option
@rule_option
@misid_option
@only_option
@kind_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per rate, one line each.")
@gallery_option
@encoder_option
def calibrate(
    k: int, rule: str, misid: float, only: tuple[str, ...], kind: str, as_json: bool, gallery: Path, encoder: str | None
) -> None:
    """Show for several rates of named strangers (FPIR) which score a name takes, and how many pictures still get it.

    Every enrolled identity plays the stranger once, and every reference the new picture: all figures come from the
    gallery itself, with 95 % intervals by bootstrap over identities. Where its identities are too few for a rate, the
    strangers that come with the encoder decide (basis `borrowed`). Calibration is automatic: this only shows it.
    """
    from index.recognizer import Recognizer

    named = encoder_of(kind, encoder)
    with Recognizer.open(gallery, detector="whole", kinds=(kind,), **named) as recognizer:  # no picture is looked at
        if kind not in recognizer.gallery.kinds():
            option = " --kind artist" if kind == "artist" else ""
            raise GalleryError(f"{gallery} holds no {kind}: enrol somebody first, with `kaodex enroll FOLDER{option}`")
        calibrator = recognizer.gallery.calibrator(kind, only or None)
        costs = calibrator.costs(RATES, misid, k=k, rule=rule, bank=recognizer.encoders[kind].bank)
        null, mated = calibrator.outcomes(k, rule)
    if as_json:
        for promise, cost in costs:
            told = {**asdict(cost), "basis": promise.basis, "margin": promise.margin}
            told["score_needed"] = cost.score_needed if isfinite(cost.score_needed) else None
            click.echo(json.dumps(told))
        return
    console = answers()
    console.print(
        f"{count(null.count, 'identity', 'identities')} played the stranger, {count(len(mated.scores), 'reference')} "
        f"the new picture (k {k}, rule {rule})"
    )
    lines = table(">FPIR", "basis", ">score above", ">TPIR", "", ">wrong name", "", ">ambiguous", ">certified", "")
    for promise, cost in costs:
        few = "" if not cost.identities_missing else f"{cost.identities_missing:,} more identities or strangers needed"
        possible = isfinite(cost.score_needed) or cost.score_needed < 0
        lines.add_row(
            f"{100 * cost.fpir:g} %",
            promise.basis,
            f"{cost.score_needed:.3f}" if possible else "nobody can be named",
            _percent(cost.tpir),
            _interval(cost.tpir_interval),
            _percent(cost.misidentification),
            _interval(cost.misidentification_interval),
            _percent(cost.ambiguous),
            "" if cost.certified is None else f"<= {100 * cost.certified:.2g} %",
            few,
        )
    console.print(lines)
    console.print(
        "TPIR: enrolled identities' new pictures that get the right name. Certified: with 95 % confidence, strangers "
        "like the enrolled identities are named no more often than this."
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"[dim]{100 * interval[0]:.1f} to {100 * interval[1]:.1f}[/]"
