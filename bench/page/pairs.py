"""Confusions to look at: the matrix of the most confused, and pictures side by side."""

from __future__ import annotations

from html import escape

import numpy as np

from bench.open_set import OpenRow
from bench.open_set_report import OpenSetReport
from bench.page.confusions import confident_errors, most_confused, nearest_strangers
from bench.page.encoding_map import medoid
from bench.page.thumbnails import Thumbnails


def matrix(report: OpenSetReport, row: OpenRow, faces: Thumbnails) -> str:
    """Rows: who it is; columns: who is named."""
    confusions = most_confused(row.answers)
    names = report.collection.names
    whose = confusions.identities.tolist()
    if not whose:
        return "<p>No query was given a wrong name.</p>"
    pictures = {who: medoid(report.encodings, np.flatnonzero(report.collection.identities == who)) for who in whose}
    head = "".join(f"<th>{faces.img(pictures[who], names[who])}</th>" for who in whose)
    lines = []
    for place, who in enumerate(whose):
        cells = "".join(
            _cell(share, right=column == place) for column, share in enumerate(confusions.shares[place].tolist())
        )
        lines.append(
            f'<tr><th class="name" title="{escape(names[who], quote=True)}">{escape(names[who])}</th>'
            f"<th>{faces.img(pictures[who], names[who])}</th>{cells}{_cell(confusions.others[place], right=None)}</tr>"
        )
    return (
        f'<table class="matrix"><thead><tr><th></th><th></th>{head}<th>others</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def errors(report: OpenSetReport, row: OpenRow, faces: Thumbnails) -> str:
    """Mated queries with a wrong name, most confident first: the query, its nearest reference, the right one."""
    answers, names, encodings = row.answers, report.collection.names, report.encodings
    cards = []
    for at in confident_errors(answers):
        query, near, right = (int(of[at]) for of in (answers.mated, answers.nearest, answers.nearest_right))
        who, named = names[answers.mated_truths[at]], names[answers.mated_named[at]]
        similarity = float(encodings[query] @ encodings[right])
        cards.append(
            _card(
                _face(faces, query, "asked", who),
                _face(faces, near, f"named, {answers.mated_scores[at]:.2f}", named),
                _face(faces, right, f"right, {similarity:.2f}", who),
            )
        )
    return f'<div class="errors">{"".join(cards)}</div>' if cards else "<p>There are none.</p>"


def strangers(report: OpenSetReport, row: OpenRow, faces: Thumbnails) -> str:
    """The strangers that came nearest to somebody enrolled."""
    answers, names = row.answers, report.collection.names
    cards = [
        _card(
            _face(faces, int(answers.strangers[at]), "a stranger", names[answers.stranger_truths[at]]),
            _face(
                faces,
                int(answers.stranger_nearest[at]),
                f"nearest, {answers.stranger_scores[at]:.2f}",
                names[answers.stranger_named[at]],
            ),
        )
        for at in nearest_strangers(answers)
    ]
    return f'<div class="errors two">{"".join(cards)}</div>'


def _card(*figures: str) -> str:
    return f'<div class="error">{"".join(figures)}</div>'


def _face(faces: Thumbnails, position: int, role: str, name: str) -> str:
    return f"<figure>{faces.img(position, name)}<figcaption>{role}<br><b>{escape(name)}</b></figcaption></figure>"


def _cell(share: float, right: bool | None) -> str:
    tone = "var(--accent)" if right else "var(--wrong)"
    if share < 0.005:
        return '<td class="cell" style="--tone:128 128 128;--strength:.06"></td>'
    if right is None:
        return f'<td class="cell" style="--tone:128 128 128;--strength:.15">{100 * share:.0f}</td>'
    return f'<td class="cell" style="--tone:{tone};--strength:{0.12 + 0.6 * share:.2f}">{100 * share:.0f}</td>'
