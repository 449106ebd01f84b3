"""Where name panels go: beside their faces, off the other faces and panels, inside the picture."""

from __future__ import annotations

from collections.abc import Sequence

from data.canvas.shapes import Area

OTHER_PANEL, OTHER_FACE, OWN_FACE = 4.0, 1.0, 0.5  # what hiding a pixel of each costs


def overlap(one: Area, other: Area) -> int:
    """The number of pixels that two areas share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def place_panels(
    faces: Sequence[Area], sizes: Sequence[tuple[int, int]], bounds: tuple[int, int], gap: int
) -> list[Area]:
    """One area of each given size (width, height) per face, each inside `bounds` (width, height) if it fits at all.

    Each takes the cheapest of the places around and in its face: above, below, at the sides, then inside; it pays for
    what it hides of panels already placed, of other faces and of its own, and earlier places win ties.
    """
    placed: list[Area] = []
    for own, (face, (width, height)) in enumerate(zip(faces, sizes, strict=True)):

        def cost(place: Area, own: int = own) -> float:
            hidden = sum(overlap(place, face) for other, face in enumerate(faces) if other != own)
            panels = sum(overlap(place, panel) for panel in placed)
            return OTHER_PANEL * panels + OTHER_FACE * hidden + OWN_FACE * overlap(place, faces[own])

        places = [_inside(place, bounds) for place in _around(face, width, height, gap)]
        placed.append(min(places, key=cost))
    return placed


def _around(face: Area, width: int, height: int, gap: int) -> list[Area]:
    x0, y0, x1, y1 = face
    above, below = y0 - gap - height, y1 + gap
    lefts = (x0, x1 - width, (x0 + x1 - width) // 2)
    corners = [(left, top) for top in (above, below) for left in lefts]
    sides = [(left, top) for left in (x1 + gap, x0 - gap - width) for top in (y0, y1 - height)]
    within = [(x0 + gap, y1 - gap - height), (x0 + gap, y0 + gap)]
    return [(left, top, left + width, top + height) for left, top in (*corners, *sides, *within)]


def _inside(place: Area, bounds: tuple[int, int]) -> Area:
    width, height = place[2] - place[0], place[3] - place[1]
    left = max(0, min(place[0], bounds[0] - width))
    top = max(0, min(place[1], bounds[1] - height))
    return left, top, left + width, top + height
