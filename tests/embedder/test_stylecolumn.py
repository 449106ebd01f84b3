from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the network is PyTorch's; install kaodex[train]")

from data.errors import UnusableEncoder  # noqa: E402
from embedder.hypercolumn import COLOUR_WIDTH, LUMA_CHROMA  # noqa: E402
from embedder.network import Network, build_network  # noqa: E402
from embedder.stylecolumn import Palette, statistics  # noqa: E402

SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 16]}
HEAD = {"stages": 5, "colours": 6, "kind": "style"}


def test_statistics_are_roots_of_means_and_deviations() -> None:
    maps = torch.randn(2, 3, 4, 5)
    found = statistics(maps).numpy()
    for n in range(2):
        for c in range(3):
            values = maps[n, c].numpy().astype(np.float64)
            assert found[n, c] == pytest.approx(np.sqrt(max(values.mean(), 0) + 1e-6), abs=1e-5)
            assert found[n, 3 + c] == pytest.approx(np.sqrt(values.var() + 1e-6), abs=1e-5)


def test_statistics_do_not_depend_on_where_something_is() -> None:
    maps = torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(statistics(maps), statistics(maps.flip(2).roll(3, 3)))


def test_the_palette_equals_loops() -> None:
    random = np.random.default_rng(0)
    picture = random.random((6, 6, 3))
    counted = random.uniform([0, -0.5, -0.5], [1, 0.5, 0.5], (5, 3))
    palette = Palette(5)
    palette.set_colours(torch.from_numpy(counted).float(), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    found = palette(torch.from_numpy(((picture - 0.5) / 0.25).transpose(2, 0, 1)[None]).float())[0].reshape(2, 5)

    pixels = picture @ np.array(LUMA_CHROMA).T
    near = np.exp(-((pixels[:, :, None] - counted) ** 2).sum(3) / (2 * COLOUR_WIDTH**2))
    shares = near / near.sum(2, keepdims=True)
    weights = np.zeros((6, 6))
    for row in range(6):
        for column in range(6):
            here = pixels[row, column, 0]
            below = pixels[min(row + 1, 5), column, 0]
            beside = pixels[row, min(column + 1, 5), 0]
            weights[row, column] = abs(below - here) + abs(beside - here) + 1e-6
    weights /= weights.sum()
    np.testing.assert_allclose(found[0], np.sqrt(shares.mean((0, 1)) + 1e-6), atol=1e-4)
    np.testing.assert_allclose(found[1], np.sqrt((weights[:, :, None] * shares).sum((0, 1)) + 1e-6), atol=1e-4)


def test_a_network_with_a_style_column_is_rebuilt_from_its_description() -> None:
    network = Network("resnet18", SMALL, dimension=6, stem="small", head=HEAD).eval()
    pictures = torch.randn(2, 3, 64, 64)
    encodings = network(pictures)
    torch.testing.assert_close(encodings.norm(dim=1), torch.ones(2))
    features = network.features(pictures)
    assert features.shape[1] == sum(network.blocks()) == network.hypercolumn.linear.in_features
    assert len(network.blocks()) == 6 and network.blocks()[-1] == 12
    again = build_network(network.description)
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.eval()(pictures), encodings)


@pytest.mark.parametrize("kind", ["nothing known", ["style"], 3])
def test_an_unknown_kind_of_head_is_refused(kind: object) -> None:
    with pytest.raises(UnusableEncoder, match="a head is described like"):
        Network("resnet18", SMALL, dimension=4, stem="small", head=HEAD | {"kind": kind})
