from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.detectors.tiles import GRID, SLACK, Span, Tile, tiles


@given(
    height=st.integers(1, 12_000),
    width=st.integers(1, 12_000),
    largest=st.sampled_from([64, 256, 1024]),
    most=st.sampled_from([1, 1 << 20, 1 << 21]),
)
@settings(max_examples=40)
def test_every_face_lies_wholly_in_the_tile_that_owns_its_centre(height, width, largest, most) -> None:
    found = tiles(height, width, largest=largest, most=most)
    margin = (largest // 2 + SLACK + GRID - 1) // GRID * GRID
    for tile in found:
        assert tile.rows.start % GRID == tile.columns.start % GRID == 0
        size = (tile.rows.stop - tile.rows.start) * (tile.columns.stop - tile.columns.start)
        assert size <= max(most, (512 + 2 * margin) ** 2)
    generator = np.random.default_rng(height * width)
    edges = [[edge for tile in found for edge in (span(tile).first, span(tile).last)] for span in (columns, rows)]
    centres = np.stack(
        [
            np.clip([*generator.uniform(0, length, 30), *generator.choice(edge, 10)], 0, length - 1e-9)
            for edge, length in zip(edges, (width, height), strict=True)
        ],
        axis=1,
    )
    owned = np.zeros(len(centres), int)
    for tile in found:
        ours = tile.owns(centres)
        owned += ours
        for span, length, centre in zip((tile.columns, tile.rows), (width, height), centres[ours].T, strict=True):
            assert (np.maximum(0, centre - largest / 2) >= span.start).all()
            assert (np.minimum(length, centre + largest / 2) <= span.stop).all()
    assert owned.min() > 0


def columns(tile: Tile) -> Span:
    return tile.columns


def rows(tile: Tile) -> Span:
    return tile.rows


@pytest.mark.parametrize(("height", "width", "count"), [(1400, 1400, 1), (2000, 3000, 4), (20, 50_000, 1), (1, 1, 1)])
def test_no_more_tiles_than_needed(height: int, width: int, count: int) -> None:
    assert len(tiles(height, width, largest=256, most=1 << 21)) == count
