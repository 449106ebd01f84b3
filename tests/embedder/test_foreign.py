"""Encoders of others: the settings beside an ONNX file decide every pixel, and are refused where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.errors import MissingDependency, UnusableEncoder
from embedder import Encoder
from embedder.card import find_encoder
from embedder.foreign_settings import as_text, read_foreign
from embedder.onnx_file import external_files
from embedder.recipes import CCIP

onnx = pytest.importorskip("onnx", reason="making an ONNX file needs onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

WEIGHTS = np.random.default_rng(7).normal(size=(48, 768)).astype(np.float32)
SMALL = CCIP | {"name": "small", "size": 12, "dimension": 5, "licence": "MIT"}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAODEX_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "encoders"


def write_graph(
    path: Path,
    *,
    shape: tuple = ("N", 3, 12, 12),
    pool: int = 3,
    dimension: int = 5,
    names: tuple[str, str] = ("input", "output"),
    kind: int = TensorProto.FLOAT,
    output_shape: tuple | None = None,
    flatten: bool = True,
    domain: str = "",
    location: str | None = None,
    largest: float = 1.0,
) -> Path:
    """A network: mean over pool x pool squares, the first 48 of them times WEIGHTS; its output has any length."""
    taken, given = names
    axes = shape if shape[1] == 3 else (shape[0], shape[3], shape[1], shape[2])
    wide = 3 * (axes[2] // pool) * (axes[3] // pool) if isinstance(axes[2], int) else 48
    weights = numpy_helper.from_array(largest * np.resize(WEIGHTS, (wide, dimension)), "weights")
    path.parent.mkdir(parents=True, exist_ok=True)
    if location:
        where = path.parent / location
        if not location.startswith(".."):
            where.write_bytes(weights.raw_data)
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)
    half = kind == TensorProto.FLOAT16
    nodes = [
        helper.make_node("Transpose", [taken], ["t"], perm=[0, 1, 2, 3] if shape[1] == 3 else [0, 3, 1, 2]),
        helper.make_node("Cast", ["t"], ["first"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["first"], ["pooled"], kernel_shape=[pool, pool], strides=[pool, pool]),
        helper.make_node("Flatten", ["pooled"], ["flat"], domain=domain),
        helper.make_node("MatMul", ["flat", "weights"], ["found"]),
        helper.make_node("Cast", ["found"], ["cast"], to=kind if half else TensorProto.FLOAT),
        helper.make_node("Identity" if flatten else "Unsqueeze", ["cast"] if flatten else ["cast", "axis"], [given]),
    ]
    axis = [] if flatten else [numpy_helper.from_array(np.array([2], np.int64), "axis")]
    given_shape = output_shape or ((shape[0], dimension) if flatten else (shape[0], dimension, 1))
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(taken, kind, list(shape))],
        [helper.make_tensor_value_info(given, kind if half else TensorProto.FLOAT, list(given_shape))],
        [weights, *axis],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """make(settings, **graph): an ONNX file with its settings beside it."""

    def written(settings: dict | None = None, **graph: object) -> Path:
        path = write_graph(tmp_path / "models" / "net.onnx", **graph)
        (path.parent / "net.json").write_text(as_text(SMALL | (settings or {})))
        return path

    return written


def load(path: Path) -> Encoder:
    return Encoder.load(f"onnx:{path}")


def by_hand(crops: list[np.ndarray], settings: dict, pool: int, dimension: int) -> np.ndarray:
    """The same by Pillow and plain numpy, one crop after another."""
    height, width = (settings["size"],) * 2 if isinstance(settings["size"], int) else settings["size"]
    rows = []
    for crop in crops:
        picture = Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture, np.float64)
        if settings["colour"] == "bgr":
            pixels = pixels[:, :, ::-1]
        pixels = (pixels / settings["scale"] - settings["mean"]) / settings["std"]
        means = pixels.reshape(height // pool, pool, width // pool, pool, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
        row = means.ravel() @ np.resize(WEIGHTS, (means.size, dimension)).astype(np.float64)
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)


def test_ccip_is_fed_as_its_makers_feed_it(tmp_path: Path, crops: list[np.ndarray]) -> None:
    path = write_graph(tmp_path / "model_feat.onnx", shape=("batch", 3, 384, 384), pool=96, dimension=768)
    (tmp_path / "model_feat.json").write_text(as_text(CCIP))
    encoder = load(path)
    assert (encoder.name, encoder.dimension, encoder.input_size, encoder.strangers) == ("ccip", 768, 384, ())
    found = encoder.encode(crops, batch_size=7)
    np.testing.assert_allclose(found, by_hand(crops, CCIP, 96, 768), atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode([encoder.fit(crop) for crop in crops], batch_size=7), found)
    assert encoder.encode([]).shape == (0, 768)


@pytest.mark.parametrize(
    ("settings", "graph"),
    [
        ({}, {}),
        ({"colour": "bgr", "scale": 1, "mean": [100, 120, 140], "std": [50, 60, 70]}, {}),
        ({"layout": "nhwc"}, {"shape": ("N", 12, 12, 3)}),
        ({"size": [9, 18]}, {"shape": ("N", 3, 9, 18)}),
        ({}, {"shape": (1, 3, 12, 12)}),
        ({}, {"shape": (4, 3, 12, 12)}),
        ({"input": "pictures", "output": "vectors"}, {"names": ("pictures", "vectors")}),
        ({"dimension": None, "licence": None}, {}),
    ],
)
def test_every_setting_does_what_it_says(
    make: Callable[..., Path], crops: list[np.ndarray], settings: dict, graph: dict
) -> None:
    found = load(make(settings, **graph)).encode(crops, batch_size=10)
    np.testing.assert_allclose(found, by_hand(crops, SMALL | settings, 3, 5), atol=1e-5)


def test_half_precision_is_fed_half_precision(make: Callable[..., Path], crops: list[np.ndarray]) -> None:
    found = load(make(kind=TensorProto.FLOAT16)).encode(crops)
    assert found.dtype == np.float32
    assert (found * by_hand(crops, SMALL, 3, 5)).sum(axis=1).min() > 0.999


def test_the_square_rule_is_ours(make: Callable[..., Path]) -> None:
    encoder = load(make({"resize": "square"}))
    wide = np.random.default_rng(1).integers(0, 256, (24, 40, 3), np.uint8)
    blocks = wide[:, 8:32].reshape(12, 2, 12, 2, 3).mean(axis=(1, 3))
    assert np.abs(encoder.fit(wide) - blocks).max() <= 0.51
    np.testing.assert_allclose(encoder.encode([wide]), encoder.encode([wide[:, 8:32]]), atol=1e-6)


def test_fingerprint_follows_what_decides_an_encoding(make: Callable[..., Path]) -> None:
    original = load(make()).fingerprint
    assert load(make({"name": "other", "licence": "other", "source": "a shelf"})).fingerprint == original
    path = make()
    moved = path.rename(path.with_name("moved.onnx"))
    path.with_suffix(".json").rename(moved.with_suffix(".json"))
    assert load(moved).fingerprint == original
    changes: list[dict] = [{"colour": "bgr"}, {"resize": "square"}, {"scale": 1}, {"mean": [0] * 3}, {"std": [1] * 3}]
    others = [load(make(change)).fingerprint for change in changes] + [load(make(pool=6)).fingerprint]
    assert len({original, *others}) == len(others) + 1


def test_without_settings_the_error_prints_them(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "net.onnx", shape=("N", 12, 12, 3), names=("x", "y"))
    with pytest.raises(UnusableEncoder, match=r"Write .*net\.json like this") as caught:
        load(path)
    told = json.loads(str(caught.value).partition("\n")[2])
    assert (told["name"], told["size"], told["layout"], told["input"], told["output"], told["dimension"]) == (
        *("net", 12, "nhwc", "x", "y", 5),
    )
    assert [key for key, value in told.items() if value is None] == [
        *("resize", "mean", "std", "scale", "colour", "licence"),
    ]
    (tmp_path / "net.json").write_text(json.dumps(told))
    with pytest.raises(UnusableEncoder, match="resize, mean, std, scale, colour must be given"):
        load(path)
    (tmp_path / "net.json").write_text(json.dumps(told | SMALL | {"layout": "nhwc", "input": "x", "output": "y"}))
    assert load(path).dimension == 5


def test_ccip_is_known_by_its_file(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "model_feat.onnx", shape=("batch", 3, 384, 384), pool=96, dimension=768)
    with pytest.raises(UnusableEncoder) as caught:
        load(path)
    assert json.loads(str(caught.value).partition("\n")[2]) == CCIP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resize": "crop"}, "resize is square or stretch, not 'crop'"),
        ({"resize": "square", "size": [9, 18]}, "needs a square size"),
        ({"size": 4}, "from 8 to 4096"),
        ({"size": True}, "from 8 to 4096"),
        ({"size": [12, 12, 12]}, "height, width"),
        ({"mean": [0, 0]}, "three numbers"),
        ({"mean": 0.5}, "not describe an encoder"),
        ({"std": [1, 1, 0]}, "above 0"),
        ({"scale": float("nan")}, "above 0"),
        ({"colour": "grey"}, "colour is rgb or bgr"),
        ({"name": "a\nb"}, "name must be a word"),
        ({"dimension": 4}, "gives 5 numbers, its settings say 4"),
        ({"dimension": "5"}, "whole number"),
        ({"meen": [0, 0, 0]}, "unknown fields meen"),
        ({"input": "image"}, "takes input and gives output; its settings name the input 'image'"),
        ({"output": "encoding"}, "and the output 'encoding'"),
        ({"size": 24}, r"shape \(N, 3, 12, 12\), its settings make \(N, 3, 24, 24\)"),
        ({"layout": "nhwc"}, r"its settings make \(N, 12, 12, 3\)"),
        ({"scale": 1e-39}, "above 0"),
    ],
)
def test_wrong_settings_are_refused_in_words(make: Callable[..., Path], change: dict, message: str) -> None:
    with pytest.raises(UnusableEncoder, match=message):
        load(make(change))


def test_outputs_that_are_no_vectors_are_refused(make: Callable[..., Path]) -> None:
    with pytest.raises(UnusableEncoder, match=r"'output' of .* has the shape \(1, 5, 1\) for 1 pictures"):
        load(make(flatten=False))
    with pytest.raises(UnusableEncoder, match="not finite"):
        load(make(largest=np.inf))


def test_what_is_no_encoder_is_refused(make: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UnusableEncoder, match="is not a file"):
        load(tmp_path / "nothing.onnx")
    (tmp_path / "net.pkl").write_bytes(b"")
    with pytest.raises(UnusableEncoder, match=r"not named \*\.onnx"):
        load(tmp_path / "net.pkl")
    with pytest.raises(UnusableEncoder, match="CPU, not on 'cuda'"):
        Encoder.load(f"onnx:{make()}", device="cuda")
    with pytest.raises(UnusableEncoder, match="takes tensor"):
        load(make(kind=TensorProto.INT32))
    with pytest.raises(UnusableEncoder, match="not a network that ONNX Runtime can open"):
        load(make(domain="somebody.elses.operators"))
    path = make()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnusableEncoder, match="ONNX"):
        load(path)
    path.with_suffix(".json").write_text("[]")
    with pytest.raises(UnusableEncoder, match="one JSON object"):
        load(path)


def test_weights_beside_the_file_belong_to_the_fingerprint(make: Callable[..., Path], crops: list[np.ndarray]) -> None:
    path = make(location="net.onnx.data")
    assert external_files(path) == [path.parent / "net.onnx.data"]
    before = load(path)
    np.testing.assert_allclose(before.encode(crops), by_hand(crops, SMALL, 3, 5), atol=1e-5)
    assert set(read_foreign(path).files) == {"net.onnx", "net.onnx.data"}
    weights = path.parent / "net.onnx.data"
    weights.write_bytes(weights.read_bytes()[4:] + bytes(4))
    assert load(path).fingerprint != before.fingerprint
    weights.unlink()
    with pytest.raises(UnusableEncoder):
        load(path)


def test_weights_outside_the_folder_are_refused(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_bytes(WEIGHTS.tobytes())
    for location in ("../outside.bin", "link.bin"):
        path = make(location=location)
        if location == "link.bin":
            (path.parent / location).unlink()
            (path.parent / location).symlink_to(tmp_path / "outside.bin")
        with pytest.raises(UnusableEncoder, match="outside its own folder"):
            external_files(path)
        with pytest.raises(UnusableEncoder, match="escapes model directory"):  # ONNX Runtime's own word on it
            load(path)


def test_a_folder_of_ones_own_is_found_by_name(own_home: Path, make: Callable[..., Path]) -> None:
    by_file = load(make())
    write_graph(own_home / "mine" / "net.onnx")
    (own_home / "mine" / "net.json").write_text(as_text(SMALL))
    encoder = Encoder.load("mine")
    assert encoder.name == "mine" != by_file.name
    assert encoder.fingerprint == by_file.fingerprint
    assert "mine" in Encoder.available_encoders()
    with pytest.raises(UnusableEncoder, match="is an encoder of others"):  # and none to go on learning from
        find_encoder("mine")
    write_graph(own_home / "mine" / "second.onnx")
    with pytest.raises(UnusableEncoder, match="holds 2 ONNX files"):
        Encoder.load("mine")


def test_missing_runtime_names_the_extra(make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = make()
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match=r"kaodex\[cpu\]"):
        load(path)
