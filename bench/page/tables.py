"""The tables of the page: all figures, the promises, and one line for each identity."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from bench.open_set import RATES, OpenRow
from bench.open_set_report import CERTIFICATE_COLUMNS, COLUMNS, OpenSetReport
from bench.page.encoding_map import medoid
from bench.page.thumbnails import Thumbnails
from measure import mean_per_identity, threshold_at_fpir

MOST_LINES = 400


def summary(report: OpenSetReport) -> str:
    """Every system asked in every way, with intervals."""
    return _table(COLUMNS, report.cells())


def promises(report: OpenSetReport) -> str:
    """What was promised beside what was found; a sentence where nothing could be promised."""
    cells = report.certificate_cells()
    if not cells:
        return "<p>The gallery of a draw has too few identities for any of the rates.</p>"
    return _table(CERTIFICATE_COLUMNS, cells)


def by_identity(report: OpenSetReport, row: OpenRow, faces: Thumbnails, rate: float) -> str:
    """One line for each identity, those named worst first."""
    answers, names = row.answers, report.collection.names
    threshold = threshold_at_fpir(answers.open_set, rate)
    count = len(names)
    right = answers.right
    rank1 = mean_per_identity(right.astype(np.float64), answers.mated_truths, count)
    named = mean_per_identity((right & (answers.mated_scores > threshold)).astype(float), answers.mated_truths, count)
    strange = mean_per_identity((answers.stranger_scores > threshold).astype(float), answers.stranger_truths, count)
    pictures = np.bincount(report.collection.identities, minlength=count)
    order = sorted(answers.everyone.tolist(), key=lambda who: (np.isnan(rank1[who]), rank1[who], named[who]))
    rows = []
    for who in order[:MOST_LINES]:
        own = np.flatnonzero(report.collection.identities == who)
        rows.append(
            f"<tr><td>{faces.img(medoid(report.encodings, own), names[who])}</td><td>{escape(names[who])}</td>"
            f'<td class="number">{pictures[who]:,}</td><td>{_bar(rank1[who])}</td><td>{_bar(named[who])}</td>'
            f"<td>{_bar(strange[who], bad=True)}</td><td>{_taken_for(row, who, names)}</td></tr>"
        )
    percent = f"{100 * rate:g} %"
    heads = ("", "identity", ">pictures", "rank-1", f"TPIR at FPIR {percent}", f"named as a stranger at {percent}")
    table = f"<table>{_head((*heads, 'taken for'))}<tbody>{''.join(rows)}</tbody></table>"
    left = len(order) - MOST_LINES
    return table + (f"<p class=quiet>{left:,} identities that are named better are left out.</p>" if left > 0 else "")


def _taken_for(row: OpenRow, who: int, names: Sequence[str]) -> str:
    """The names that were given most often instead."""
    own = row.answers.mated_truths == who
    wrong = row.answers.mated_named[own & ~row.answers.right]
    others, times = np.unique(wrong, return_counts=True)
    worst = np.argsort(-times, kind="stable")[:2]
    return ", ".join(f"{escape(names[others[at]])} {100 * times[at] / own.sum():.0f} %" for at in worst)


def _bar(value: float, bad: bool = False) -> str:
    if np.isnan(value):
        return ""
    return f'<span class="bar{" bad" * bad}"><i style="width:{100 * value:.0f}%"></i></span>{value:.2f}'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = []
    for cells in rows:
        parts = []
        for column, cell in zip(columns, cells, strict=True):
            figure, _, interval = escape(cell).partition("\n")
            small = f"<small>{interval}</small>" if interval else ""
            parts.append(f"<td{_numeric(column)}>{figure}{small}</td>")
        body.append(f"<tr{'' if cells[0] == 'kaodex' else ' class=rival'}>{''.join(parts)}</tr>")
    return f"<table>{_head(columns)}<tbody>{''.join(body)}</tbody></table>"


def _head(columns: Sequence[str]) -> str:
    cells = (f"<th{_numeric(column)}>{escape(column.lstrip('>'))}</th>" for column in columns)
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _numeric(column: str) -> str:
    return " class=number" if column.startswith(">") else ""


def shown_rate(row: OpenRow) -> float:
    """The lowest of RATES that the strangers are enough to speak of: at least one in each 1 / rate."""
    return min((rate for rate in RATES if row.strangers * rate >= 1), default=max(RATES))
