from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the network is PyTorch's; install kaodex[train]")

from data.errors import UnusableEncoder  # noqa: E402
from embedder.network import GeneralisedMean, Network, build_network, check_plain  # noqa: E402

SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8]}


def test_unit_vectors_and_a_description_that_rebuilds() -> None:
    network = Network("resnet18", SMALL, dimension=5, pooling="gem", stem="small").eval()
    encodings = network(torch.randn(3, 3, 40, 40))
    assert encodings.shape == (3, 5)
    torch.testing.assert_close(encodings.norm(dim=1), torch.ones(3))
    again = build_network(network.description)
    assert again.description == network.description
    again.load_state_dict(network.state_dict())


def test_generalised_mean_is_its_formula() -> None:
    features = torch.rand(2, 3, 4, 5) + 0.1
    pooling = GeneralisedMean(3.0)
    torch.testing.assert_close(pooling(features), ((features**3).sum((2, 3)) / 20) ** (1 / 3))
    torch.testing.assert_close(GeneralisedMean(1.0)(features), features.mean((2, 3)))


@pytest.mark.parametrize(
    ("backbone", "arguments", "stem", "pooling", "message"),
    [
        ("no_such_net", {}, "timm", "average", "knows no backbone"),
        ("resnet18", {"no_such_argument": 1}, "timm", "average", "cannot build"),
        ("resnet18", {"pretrained": True}, "timm", "average", "may not set"),
        ("resnet18", {"pretrained_cfg": {"file": "x"}}, "timm", "average", "may not set"),
        ("resnet18", SMALL, "other", "average", "stem one of"),
        ("resnet18", SMALL, "small", "maximum", "pooling is one of"),
        ("mobilenetv3_small_050", {}, "small", "average", "plain ResNets"),
    ],
)
def test_wrong_descriptions_are_refused(
    backbone: str, arguments: dict[str, object], stem: str, pooling: str, message: str
) -> None:
    with pytest.raises(UnusableEncoder, match=message):
        Network(backbone, arguments, dimension=4, stem=stem, pooling=pooling)


def test_only_plain_json_describes_a_network() -> None:
    check_plain({"a": [1, 2.5, None, {"b": "text"}]}, "arguments")
    with pytest.raises(UnusableEncoder, match="plain JSON"):
        check_plain({"act_layer": torch.nn.ReLU}, "arguments")
    with pytest.raises(UnusableEncoder, match="described by"):
        build_network({"backbone": "resnet18"})
