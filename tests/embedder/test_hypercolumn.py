from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the network is PyTorch's; install kaodex[train]")

from data.errors import UnusableEncoder  # noqa: E402
from embedder.hypercolumn import COLOUR_WIDTH, HEIGHTS, LUMA_CHROMA, ColourLayout, pooled, regions  # noqa: E402
from embedder.network import Network, build_network  # noqa: E402

SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 16]}
HEAD = {"stages": 3, "colours": 5}


def test_regions_are_weights_from_top_to_bottom() -> None:
    weights = regions(9, 7, whole=True, like=torch.zeros(1)).reshape(4, 9, 7)
    torch.testing.assert_close(weights.sum((1, 2)), torch.ones(4))
    torch.testing.assert_close(weights, weights.flip(2))
    centres = [(one.sum(1) * torch.linspace(0, 1, 9)).sum().item() for one in weights]
    assert centres[0] < centres[1] < centres[2]
    torch.testing.assert_close(weights[3], torch.full((9, 7), 1 / 63))


def test_pooling_equals_loops() -> None:
    maps = torch.randn(2, 3, 4, 5)
    weights = regions(4, 5, whole=True, like=maps).reshape(4, 4, 5)
    found = pooled(maps, whole=True).reshape(2, 4, 3)
    for n in range(2):
        for r in range(4):
            for c in range(3):
                mean = sum(float(weights[r, i, j] * maps[n, c, i, j]) for i in range(4) for j in range(5))
                assert float(found[n, r, c]) == pytest.approx(np.sqrt(max(mean, 0) + 1e-6), abs=1e-5)


def test_colour_layout_equals_gaussians_in_luma_and_chroma() -> None:
    random = np.random.default_rng(0)
    picture = random.random((6, 6, 3))
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    counted = random.uniform([0, -0.5, -0.5], [1, 0.5, 0.5], (5, 3))
    layout = ColourLayout(5)
    layout.set_colours(torch.from_numpy(counted).float(), mean, std)
    found = layout(torch.from_numpy(((picture - mean) / std).transpose(2, 0, 1)[None]).float())[0].reshape(3, 5)

    weights = regions(6, 6, whole=False, like=torch.zeros(1)).numpy().reshape(len(HEIGHTS), 36)
    pixels = picture.reshape(36, 3) @ np.array(LUMA_CHROMA).T
    near = np.exp(-((pixels[:, None] - counted[None]) ** 2).sum(2) / (2 * COLOUR_WIDTH**2))
    shares = near / near.sum(1, keepdims=True)
    np.testing.assert_allclose(found.numpy(), np.sqrt(weights @ shares + 1e-6), atol=1e-4)


def test_colours_do_not_depend_on_the_mirror_but_on_the_height() -> None:
    layout = ColourLayout(4)
    layout.set_colours(torch.rand(4, 3), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    picture = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(layout(picture), layout(picture.flip(3)))
    assert (layout(picture) - layout(picture.flip(2))).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("backbone", "arguments", "stem"),
    [("resnet18", SMALL, "small"), ("resnet18", SMALL, "timm"), ("mobilenetv3_small_050", {}, "timm")],
)
def test_a_network_with_a_hypercolumn_is_rebuilt_from_its_description(
    backbone: str, arguments: dict[str, object], stem: str
) -> None:
    network = Network(backbone, arguments, dimension=6, stem=stem, head=HEAD).eval()
    pictures = torch.randn(2, 3, 64, 64)
    encodings = network(pictures)
    torch.testing.assert_close(encodings.norm(dim=1), torch.ones(2))
    features = network.features(pictures)
    assert features.shape[1] == sum(network.blocks()) == network.hypercolumn.linear.in_features
    expected = features @ network.hypercolumn.linear.weight.T + network.hypercolumn.linear.bias
    torch.testing.assert_close(encodings, torch.nn.functional.normalize(expected, dim=1))
    again = build_network(network.description)
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.eval()(pictures), encodings)


def test_it_learns_by_gradient_too() -> None:
    network = Network("resnet18", SMALL, dimension=6, stem="small", head=HEAD)
    network(torch.randn(4, 3, 32, 32))[:, 0].sum().backward()
    assert all(bool(torch.isfinite(one.grad).all()) for one in network.parameters() if one.grad is not None)
    assert network.hypercolumn.linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("head", [{"stages": 3}, {"stages": 0, "colours": 5}, {"stages": 3, "colours": "5"}])
def test_heads_that_make_no_sense_are_refused(head: object) -> None:
    with pytest.raises(UnusableEncoder, match="a head is described like"):
        Network("resnet18", SMALL, dimension=4, stem="small", head=head)


def test_more_stages_than_there_are_is_refused() -> None:
    with pytest.raises(UnusableEncoder, match="stages to look at"):
        Network("resnet18", SMALL, dimension=4, head={"stages": 30, "colours": 5})
