"""Where in a picture the agreement with an artist lies: its views, asked one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from embedder.views import View
from index.answers import Evidence, Neighbour, Recognition, ViewAgreement
from index.gallery import Gallery
from index.shelf import Shelf


def with_evidence(
    recognition: Recognition,
    views: Sequence[View],
    encodings: Float32[np.ndarray, "views dim"],
    gallery: Gallery,
    only: Sequence[str] | None = None,
) -> Recognition:
    """The answer about a picture with the views that it stands on.

    Each view is compared with the reference of the best candidate that is nearest to the picture, and with that of the
    second candidate, or where there is none of the artist whose mean comes next. A candidate's score is the similarity
    of that reference to the picture's encoding, which is the views' mean at unit length; so the parts add up: the mean
    of the views' leanings, divided by the length of their mean, is the difference of the two scores. Each of the
    nearest references is told which view comes nearest to it.
    """
    if not recognition.candidates:
        return recognition
    shelf = gallery.calibrator("artist", only).shelf
    first = gallery.store.identity("artist", recognition.candidates[0].identity)
    second = _runner_up(recognition, first, encodings, shelf, gallery)
    own = encodings @ _nearest_of(first, encodings, shelf)
    other = None if second is None else encodings @ _nearest_of(second, encodings, shelf)
    agreements = tuple(
        ViewAgreement(view.name, view.box, float(own[at]), None if other is None else float(other[at]))
        for at, view in enumerate(views)
    )
    against = None if second is None else gallery.store.names([second])[second]
    return replace(
        recognition,
        neighbours=_with_views(recognition.neighbours, views, encodings, gallery),
        evidence=Evidence(recognition.candidates[0].identity, against, agreements),
    )


def _runner_up(
    recognition: Recognition, first: int, encodings: Float32[np.ndarray, "views dim"], shelf: Shelf, gallery: Gallery
) -> int | None:
    if len(recognition.candidates) > 1:
        return gallery.store.identity("artist", recognition.candidates[1].identity)
    near = shelf.search_centroids(encodings.mean(axis=0, keepdims=True), 2).identities[0].tolist()
    return next((who for who in near if who not in (first, -1)), None)


def _nearest_of(
    identity: int, encodings: Float32[np.ndarray, "views dim"], shelf: Shelf
) -> Float32[np.ndarray, " dim"]:
    """The encoding of an artist's reference that is nearest to all views together."""
    references = np.asarray(shelf.encodings[np.flatnonzero(shelf.identities == identity)], np.float32)
    return references[(references @ encodings.mean(axis=0)).argmax()]


def _with_views(
    neighbours: Sequence[Neighbour],
    views: Sequence[View],
    encodings: Float32[np.ndarray, "views dim"],
    gallery: Gallery,
) -> tuple[Neighbour, ...]:
    """The same, each with the name of the view that is nearest to it."""
    held = gallery.store.vectors("artist", [near.reference for near in neighbours])
    nearest = (encodings @ held.encodings.astype(np.float32).T).argmax(axis=0).tolist()
    names = {reference: views[at].name for reference, at in zip(held.references.tolist(), nearest, strict=True)}
    return tuple(replace(near, view=names.get(near.reference)) for near in neighbours)
