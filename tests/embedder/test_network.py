from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the network is PyTorch's; install kaodex[train]")

from data.errors import UnusableEncoder, UnusableSource  # noqa: E402
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
        ("resnet18", {"checkpoint_path": "README.md"}, "timm", "average", "may not set"),
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


@pytest.mark.parametrize(
    ("backbone", "arguments"),
    [
        ("vit_tiny_patch16_224", {"img_size": 32, "depth": 1}),
        ("swin_tiny_patch4_window7_224", {"img_size": 64, "depths": [1, 1, 1, 1], "embed_dim": 24}),
        ("mobilenetv3_small_050", {}),
    ],
)
def test_any_layout_of_features_becomes_a_map(backbone: str, arguments: dict[str, object]) -> None:
    network = Network(backbone, arguments, dimension=4, pooling="gem").eval()
    size = int(str(arguments.get("img_size", 64)))
    pictures = torch.randn(2, 3, size, size)
    features = network.backbone(pictures)
    seen = network._as_map(features)
    assert seen.shape[:2] == (2, network.embedding.in_features)
    places = {"vit": features[:, 1:].flatten(2), "swi": features.flatten(1, 2), "mob": features.flatten(2).mT}
    torch.testing.assert_close(seen.mean((2, 3)), places[backbone[:3]].mean(1))
    assert network(pictures).shape == (2, 4)


def test_a_size_that_a_backbone_cannot_take_is_told() -> None:
    network = Network("vit_tiny_patch16_224", {"img_size": 32, "depth": 1}, dimension=4)
    network.check_size(32)
    assert network.training
    with pytest.raises(UnusableEncoder, match="img_size=48"):
        network.check_size(48)


def test_pretrained_weights_that_cannot_be_had_are_told_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*arguments: object, pretrained: bool = False, **settings: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", no_connection)
    with pytest.raises(UnusableSource, match=r"cannot be had .*no route to host.*--init"):
        Network("resnet18", {}, dimension=4, pretrained=True)


def test_only_plain_json_describes_a_network() -> None:
    check_plain({"a": [1, 2.5, None, {"b": "text"}]}, "arguments")
    with pytest.raises(UnusableEncoder, match="plain JSON"):
        check_plain({"act_layer": torch.nn.ReLU}, "arguments")
    with pytest.raises(UnusableEncoder, match="described by"):
        build_network({"backbone": "resnet18"})
