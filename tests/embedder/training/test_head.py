from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is PyTorch's; install kaodex[train]")

from data.errors import UnusableSource  # noqa: E402
from embedder import Encoder  # noqa: E402
from embedder.export import export_encoder  # noqa: E402
from embedder.network import Network  # noqa: E402
from embedder.preprocess import normalise, resize_square  # noqa: E402
from embedder.training.discriminant import fit_discriminant  # noqa: E402
from embedder.training.head import COLOURS_WEIGH, with_discriminant  # noqa: E402
from embedder.training.material import Material  # noqa: E402
from embedder.training.recipe import Recipe  # noqa: E402

SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8]}
RECIPE = Recipe(arguments=SMALL, dimension=4, input_size=32, discriminant=6)


def material(identities: int, pictures: int = 4) -> Material:
    """Squares of one colour for each identity, a little varied."""
    random = np.random.default_rng(1)
    colours = random.integers(40, 215, (identities, 3))
    squares = np.full((identities * pictures, 42, 42, 4), 255, np.uint8)
    noise = random.integers(-20, 21, (identities * pictures, 42, 42, 3))
    squares[..., :3] = np.repeat(colours, pictures, axis=0)[:, None, None] + noise
    return Material(
        squares=squares,
        places=np.arange(len(squares)),
        labels=np.repeat(np.arange(identities), pictures),
        collections=np.zeros(len(squares), np.int64),
        shares=(1.0,),
        real=identities,
        first_drawn=identities,
        identities=identities,
    )


def network() -> Network:
    torch.manual_seed(0)
    return Network(RECIPE.backbone, SMALL, dimension=4, stem=RECIPE.stem).eval()


def test_the_layer_is_the_discriminant_of_the_features() -> None:
    learnt, pictures = network(), material(12)
    fitted = with_discriminant(learnt, pictures, RECIPE)
    assert fitted.dimension == 6
    for name, value in learnt.backbone.state_dict().items():
        torch.testing.assert_close(fitted.backbone.state_dict()[name], value)
    shown = np.stack([resize_square(square[..., :3], 32) for square in pictures.squares])
    batch = torch.from_numpy(normalise(shown, RECIPE.mean, RECIPE.std))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        features = ((fitted.features(batch) + fitted.features(batch.flip(3))) / 2).float().numpy()
    blocks = np.split(features, np.cumsum(fitted.blocks())[:-1], axis=1)
    scaled = [one / (np.sqrt(one.var(0).sum()) + 1e-6) for one in blocks]
    scaled = np.concatenate([*scaled[:-1], COLOURS_WEIGH * scaled[-1]], axis=1)
    mean, projection = fit_discriminant(scaled, pictures.labels, 6)
    twin = (scaled - mean) @ projection
    twin /= np.linalg.norm(twin, axis=1, keepdims=True)
    linear = fitted.hypercolumn.linear
    found = features @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found @ found.T, twin @ twin.T, atol=0.02)


def test_it_is_exported_and_both_runtimes_agree(tmp_path: Path) -> None:
    fitted = with_discriminant(network(), material(12), RECIPE)
    export_encoder(
        fitted, tmp_path, name="t", input_size=32, mean=RECIPE.mean, std=RECIPE.std, flip_average=False,
        unknown_below=0.5, story={"licence": "none", "data": [], "figures": {}},
    )  # fmt: skip
    crops = [np.random.default_rng(one).integers(0, 256, (50, 40, 3)).astype(np.uint8) for one in range(5)]
    onnx = Encoder.load(tmp_path, device="cpu").encode(crops)
    pytorch = Encoder.load(tmp_path, device="torch-cpu").encode(crops)
    np.testing.assert_allclose((onnx * pytorch).sum(1), 1, atol=1e-3)


def test_it_looks_at_no_single_pictures_or_colourings() -> None:
    everyone = material(12)
    others = Material(**{**everyone.__dict__, "real": 8})
    fitted, twin = (with_discriminant(network(), one, RECIPE) for one in (others, material(12)))
    assert not torch.equal(fitted.hypercolumn.linear.weight, twin.hypercolumn.linear.weight)


def test_too_few_identities_are_refused() -> None:
    with pytest.raises(UnusableSource, match="more identities"):
        with_discriminant(network(), material(6), RECIPE)
