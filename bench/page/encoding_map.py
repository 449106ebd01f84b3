"""A map of the encodings in the plane: by principal components, and by t-SNE."""

from __future__ import annotations

from html import escape

import numpy as np
from jaxtyping import Float32, Float64, Int64

from bench.page.thumbnails import Thumbnails

MOST_POINTS = 1200
MOST_COLOURS = 24
_SIZE = 620


def evenly(identities: Int64[np.ndarray, " pictures"], most: int, seed: int = 0) -> Int64[np.ndarray, " fewer"]:
    """Positions of at most `most` pictures, drawn in turns from each identity; ascending."""
    order = np.random.default_rng(seed).permutation(len(identities))
    by_identity = order[np.argsort(identities[order], kind="stable")]
    _, starts, sizes = np.unique(identities[by_identity], return_index=True, return_counts=True)
    turn = np.arange(len(by_identity)) - np.repeat(starts, sizes)
    return np.sort(by_identity[np.argsort(turn, kind="stable")][:most])


def principal_components(
    encodings: Float32[np.ndarray, "pictures dim"], components: int = 2
) -> tuple[Float64[np.ndarray, "pictures components"], float]:
    """Coordinates along the directions of largest variance, and the share of the variance in them."""
    centred = encodings.astype(np.float64) - encodings.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    share = float((lengths[:components] ** 2).sum() / max((lengths**2).sum(), 1e-12))
    flat = left[:, :components] * lengths[:components]
    return np.pad(flat, ((0, 0), (0, components - flat.shape[1]))), share


def neighbour_map(encodings: Float32[np.ndarray, "pictures dim"]) -> Float64[np.ndarray, "pictures 2"]:
    """t-SNE (van der Maaten and Hinton 2008) of the first 50 principal components: near stays near, far says little."""
    from sklearn.manifold import TSNE

    reduced, _ = principal_components(encodings, min(50, *encodings.shape))
    perplexity = max(1.0, min(30.0, (len(encodings) - 1) / 3))
    placed = TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(reduced)
    return placed.astype(np.float64)


def hue(number: int) -> int:
    """A hue in degrees for each number, neighbours far apart (the golden angle)."""
    return round(number * 137.508) % 360


def medoid(encodings: Float32[np.ndarray, "pictures dim"], positions: Int64[np.ndarray, " own"]) -> int:
    """The position of the picture nearest to the mean of these."""
    return int(positions[np.argmax(encodings[positions] @ encodings[positions].mean(axis=0))])


def scatter(
    places: Float64[np.ndarray, "points 2"],
    identities: Int64[np.ndarray, " points"],
    pictures: Int64[np.ndarray, " points"],
    coloured: dict[int, int],
    names: tuple[str, ...],
    faces: Thumbnails | None = None,
    marked: dict[int, int] | None = None,
) -> str:
    """The points as inline SVG; `coloured` gives identities a hue, others are grey, `marked` the faces to lay on it."""
    face = 34 if len(marked or {}) > 10 else 46  # in the units of _SIZE: many faces would hide the points
    radius = 4 if len(places) <= 600 else 3
    low, high = places.min(axis=0), places.max(axis=0)
    margin = face / 2 + 4
    spread = np.where(high > low, high - low, 1.0)
    spots = margin + (places - low) / spread * (_SIZE - 2 * margin)
    parts = [f'<svg class="map" viewBox="0 0 {_SIZE} {_SIZE}" role="img">']
    for colour_first in (False, True):  # grey below, colours above
        for (x, y), who in zip(spots, identities.tolist(), strict=True):
            if (who in coloured) == colour_first:
                look = f'class="dot" style="--hue:{coloured[who]}"' if colour_first else 'class="other"'
                place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius}"'
                parts.append(f"<circle {look} {place}><title>{escape(names[who])}</title></circle>")
    for who, position in (marked or {}).items():
        at = np.flatnonzero(pictures == position)
        if faces and len(at):
            x, y = spots[at[0]] - face / 2
            parts.append(
                f'<g style="--hue:{coloured[who]}"><image href="{faces.uri(position)}" x="{x:.1f}" y="{y:.1f}" '
                f'width="{face}" height="{face}"><title>{escape(names[who])}</title></image>'
                f'<rect class="frame" x="{x:.1f}" y="{y:.1f}" width="{face}" height="{face}"/></g>'
            )
    return "".join([*parts, "</svg>"])
