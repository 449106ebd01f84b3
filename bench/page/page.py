"""The page itself: what is shown in which order, and the file."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

from bench.artist_pairs import ArtistPairs
from bench.open_set import OpenRow
from bench.open_set_report import OpenSetReport, asked_how
from bench.page import curves, pairs, tables
from bench.page.encoding_map import (
    MOST_COLOURS,
    MOST_POINTS,
    evenly,
    hue,
    medoid,
    neighbour_map,
    principal_components,
    scatter,
)
from bench.page.pair_map import pair_map
from bench.page.thumbnails import Thumbnails
from data.whole_file import whole_file


def write_page(report: OpenSetReport, folder: Path) -> Path:
    """Write `report.html` into the folder, which is made if need be; the whole page is in that file.

    Raises MissingDependency without matplotlib or scikit-learn, UnusableSource where the file cannot be written.
    """
    path = folder / "report.html"
    with whole_file(path) as unfinished:
        unfinished.write_text(page(report), encoding="utf-8")
    return path


def page(report: OpenSetReport) -> str:
    """The page as text."""
    row, rival = shown_rows(report)
    both = [row, *([rival] if rival else [])]
    faces = Thumbnails(report.collection.paths, [chosen.detection for chosen in report.faces])
    rate = tables.shown_rate(row)
    source = report.collection.source.resolve().name
    how = "{} with {} references each, k = {}, rule {}".format(*asked_how(row))
    body = [
        f"<h1>Open-set bench: {escape(source)}</h1>",
        f'<p class="quiet">{_told(report)}</p>',
        _headline(row, rival),
        _section(
            "All figures",
            "Means over identities, each with the same weight; below them 95 % intervals by bootstrap over identities. "
            "TPIR@x is the share of mated queries given the right name when x of the strangers is given some name; "
            "misid.@x is the share given a wrong one then.",
            f'<div class="wide">{tables.summary(report)}</div>',
        ),
        _section(
            "Promised and found",
            "Each draw is calibrated from its own references, and strangers that calibration never saw ask. "
            "<i>One gallery up to</i> is the rate that theory allows a single gallery of this size, at 95 %.",
            f'<div class="wide">{tables.promises(report)}</div><ul class="notes">'
            + "".join(f"<li>{escape(note)}</li>" for note in report.notes())
            + "</ul>",
        ),
        f'<p class="about">From here on: {escape(how)}, the best by OSCR{_beside(rival)}.</p>',
        '<div class="half">',
        _figure("DET", "The lower left is better: fewer strangers named, fewer friends missed.", curves.det(both)),
        _figure("CMC", "Who is enrolled, ranked: is the right one among the first k?", curves.cmc(both)),
        "</div>",
        _section(
            "Best scores",
            "Where these overlap, no threshold tells strangers apart. Dotted: thresholds set on the strangers.",
            f'<div class="wide broad">{curves.score_histograms(row)}</div>',
        ),
        _section(
            "The most confused",
            "Who it is (rows) and who is named (columns), in percent of the identity's mated queries, strangers aside.",
            f'<div class="wide">{pairs.matrix(report, row, faces)}</div>',
        ),
        _section(
            "Named wrongly, and with confidence",
            "Mated queries with a wrong name, the highest scores first: what was asked, the nearest reference of who "
            "was named, and the nearest of the right one, with their similarities.",
            pairs.errors(report, row, faces),
        ),
        _section(
            "The nearest strangers",
            "Strangers with the highest scores, and whom they resemble. Wrong labels and one person under two names "
            "show here first.",
            pairs.strangers(report, row, faces),
        ),
        *([_two_by_two(report.pairs)] if report.pairs else []),
        _maps(report, row, faces),
        _section(
            "Each identity",
            "Named worst first. <i>Named as a stranger</i> is the share of its pictures that get some name in draws in "
            "which it is not enrolled.",
            f'<div class="wide">{tables.by_identity(report, row, faces, rate)}</div>',
        ),
    ]
    style = files("bench.page").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Kaodex bench: {escape(source)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def shown_rows(report: OpenSetReport) -> tuple[OpenRow, OpenRow | None]:
    """Kaodex asked in the way that has the best OSCR, and the first other system with as many references."""
    own = [row for row in report.rows if row.closed.name == "kaodex"] or list(report.rows)
    best = max(own, key=lambda row: row.figure("oscr"))
    others = (
        row for row in report.rows if row.closed.name != best.closed.name and row.closed.shots == best.closed.shots
    )
    return best, next(others, None)


def _beside(rival: OpenRow | None) -> str:
    return f"; and beside it: {escape(rival.closed.name)}" if rival else ""


def _told(report: OpenSetReport) -> str:
    collection, protocol = report.collection, report.protocol
    return (
        f"{len(collection.names):,} identities, {len(collection.paths):,} pictures in {report.groups:,} groups; "
        f"{protocol.draws} draws with seed {protocol.seed}, {100 * (protocol.strangers or 0):g} % of the identities "
        f"strangers in each; encoder {escape(report.encoder)} ({escape(report.fingerprint[:12])}); "
        f"{escape(report.faces_told())}"
    )


def _headline(row: OpenRow, rival: OpenRow | None) -> str:
    def card(value: float, words: str, other: float | None, interval: tuple[float, float] | None) -> str:
        ends = f"{interval[0]:.2f}–{interval[1]:.2f}" if interval else ""
        beside = f"{escape(rival.closed.name)} {other:.3f}" if rival and other is not None else ""
        return f"<div><span>{words}</span><b>{value:.3f}</b><span>{ends}</span><span>{beside}</span></div>"

    rank1 = rival.closed.figure("rank1") if rival else None
    cards = [card(row.closed.figure("rank1") or 0.0, "rank-1", rank1, row.closed.interval("rank1"))]
    cards += [
        card(row.figure(name), name.upper(), rival.figure(name) if rival else None, row.interval(name))
        for name in ("auroc", "oscr")
    ]
    cards += [
        card(
            row.tpir(rate),
            f"TPIR at FPIR {100 * rate:g} %",
            rival.tpir(rate) if rival else None,
            row.tpir_interval(rate),
        )
        for rate in (0.1, 0.01)
    ]
    cards += [
        card(one.found or 0.0, f"FPIR found, {100 * one.rate:g} % promised", other.found, one.found_interval)
        for one, other in zip(row.certificates, (rival or row).certificates, strict=True)
        if one.promised is not None
    ]
    return f'<div class="figures">{"".join(cards)}</div>'


def _maps(report: OpenSetReport, row: OpenRow, faces: Thumbnails) -> str:
    asked = np.flatnonzero(np.isin(report.collection.identities, row.answers.everyone))
    chosen = asked[evenly(report.collection.identities[asked], MOST_POINTS)]
    identities, encodings = report.collection.identities[chosen], report.encodings[chosen]
    names = report.collection.names
    by_size = sorted(set(identities.tolist()), key=lambda who: -int((identities == who).sum()))[:MOST_COLOURS]
    coloured = {who: hue(number) for number, who in enumerate(by_size)}
    marked = {who: medoid(report.encodings, chosen[identities == who]) for who in by_size}
    flat, share = principal_components(encodings)
    near = neighbour_map(encodings)
    legend = "".join(f'<span style="--hue:{coloured[who]}"><i></i>{escape(names[who])}</span>' for who in by_size)
    left = len(set(identities.tolist())) - len(by_size)
    grey = f" The other {left:,} identities are grey." if left > 0 else ""
    drawn_near = scatter(near, identities, chosen, coloured, names, faces, marked)
    drawn_flat = scatter(flat, identities, chosen, coloured, names)
    return (
        '<div class="half">'
        + _figure(
            "Map of the encodings: t-SNE", f"Near is alike; distances between groups say little.{grey}", drawn_near
        )
        + _figure(
            "Principal components", f"The two directions of largest variance: {100 * share:.0f} % of it.", drawn_flat
        )
        + f'</div><p class="legend">{legend}</p>'
    )


def _two_by_two(table: ArtistPairs) -> str:
    return _section(
        "Artists two by two",
        f"Of two artists, how often is a picture given to the right one? {escape(table.told())}.",
        f'<div class="wide">{pair_map(table)}</div>',
    )


def _section(title: str, words: str, content: str) -> str:
    return f'<section><h2>{title}</h2><p class="quiet">{words}</p>{content}</section>'


def _figure(title: str, words: str, content: str) -> str:
    return f'<figure><h2>{title}</h2><p class="quiet">{words}</p>{content}</figure>'
