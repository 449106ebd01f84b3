from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import MissingDependency, UnusableEncoder
from embedder import Encoder
from embedder.card import ONNX, WEIGHTS
from embedder.preprocess import prepare


def edit_card(folder: Path, **changes: object) -> None:
    path = folder / "encoder.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_encodings_are_unit_vectors_whatever_the_batch(tiny_encoder: Path, crops: list[np.ndarray]) -> None:
    encoder = Encoder.load(tiny_encoder, device="cpu")
    encodings = encoder.encode(crops)
    assert encodings.shape == (len(crops), encoder.dimension) == (23, 12)
    assert encodings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(encodings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(crops, batch_size=5), encodings, atol=1e-5)
    singles = np.concatenate([encoder.encode([crop]) for crop in crops])
    np.testing.assert_allclose(singles, encodings, atol=1e-5)
    assert encoder.encode([]).shape == (0, 12)
    with pytest.raises(ValueError, match="batch_size"):
        encoder.encode(crops, batch_size=0)


def test_working_ahead_changes_no_bit(tiny_encoder: Path, crops: list[np.ndarray]) -> None:
    encoder = Encoder.load(tiny_encoder, device="cpu")
    one_by_one = [encoder.encode(crops[start : start + 5]) for start in range(0, len(crops), 5)]
    np.testing.assert_array_equal(encoder.encode(crops, batch_size=5), np.concatenate(one_by_one))
    with pytest.raises(ValueError, match="crop 1 must be a uint8 array"):
        encoder.encode([*crops[:16], np.zeros((0, 4, 3), np.uint8)], batch_size=5)


def test_many_crops_spread_over_the_cores_and_change_no_bit(
    tiny_encoder: Path, crops: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = crops + crops[:7]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    together = Encoder.load(tiny_encoder, device="cpu")
    assert together._runtime.on_one_core() is None
    expected = together.encode(many)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    spread = Encoder.load(tiny_encoder, device="cpu")
    alone, used = spread._runtime.on_one_core(), []
    forward = alone.forward
    monkeypatch.setattr(alone, "forward", lambda batch: used.append(len(batch)) or forward(batch))
    np.testing.assert_array_equal(spread.encode(many), expected)
    views = 2 if spread.card["flip_average"] else 1
    assert sorted(used) == [10] * 3 * views
    used.clear()
    np.testing.assert_array_equal(spread.encode(many[:11]), expected[:11])
    assert not used, "too few to spread"
    with pytest.raises(ValueError, match="crop 9 must be a uint8 array"):
        spread.encode([*many[:29], np.zeros((0, 4, 3), np.uint8)])


def test_both_runtimes_agree(tiny_encoder: Path, crops: list[np.ndarray]) -> None:
    onnx, torch = Encoder.load(tiny_encoder, device="cpu"), Encoder.load(tiny_encoder, device="torch-cpu")
    assert onnx.fingerprint == torch.fingerprint
    assert (onnx.runtime, torch.runtime) == ("onnxruntime cpu", "pytorch torch-cpu".replace("torch-", ""))
    assert (onnx.encode(crops) * torch.encode(crops)).sum(axis=1).min() > 1 - 1e-4


def test_flip_average_is_the_sum_of_both(tiny_encoder: Path, own_encoder: Path, crops: list[np.ndarray]) -> None:
    edit_card(own_encoder, flip_average=False)
    both, one = Encoder.load(tiny_encoder, device="cpu"), Encoder.load(own_encoder, device="cpu")
    squares = [crop[:20, :20] for crop in crops if min(crop.shape[:2]) >= 20]
    by_hand = one.encode(squares) + one.encode([np.ascontiguousarray(crop[:, ::-1]) for crop in squares])
    by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
    np.testing.assert_allclose(both.encode(squares), by_hand, atol=1e-4)


def test_fingerprint_follows_what_decides_an_encoding(tiny_encoder: Path, own_encoder: Path) -> None:
    original = Encoder.load(tiny_encoder, device="cpu").fingerprint
    assert len(original) == 64 and int(original, 16) >= 0
    edit_card(own_encoder, name="renamed", licence="another", unknown_below=0.1)
    assert Encoder.load(own_encoder, device="cpu").fingerprint == original
    edit_card(own_encoder, flip_average=False)
    without_flip = Encoder.load(own_encoder, device="cpu").fingerprint
    card = json.loads((own_encoder / "encoder.json").read_text())
    edit_card(own_encoder, input=card["input"] | {"mean": [0, 0, 0]})
    assert len({original, without_flip, Encoder.load(own_encoder, device="cpu").fingerprint}) == 3


@pytest.mark.parametrize(("file", "device"), [(ONNX, "cpu"), (WEIGHTS, "torch-cpu")])
def test_damage_is_refused(own_encoder: Path, file: str, device: str) -> None:
    path = own_encoder / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnusableEncoder, match=r"damaged.*sha256"):
        Encoder.load(own_encoder, device=device)
    path.unlink()
    with pytest.raises(UnusableEncoder, match="lacks its file"):
        Encoder.load(own_encoder, device=device)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 9}, "use a newer Kaodex"),
        ({"dimension": 0}, "at least 1"),
        ({"dimension": 13}, "gives 12 numbers, its card says 13"),
        ({"unknown_below": 2}, "cosine"),
        ({"input": {"size": 32}}, "no field 'resize'"),
        ({"input": {"size": 32, "resize": "other", "mean": [0] * 3, "std": [1] * 3}}, "resize rule"),
        ({"files": {"../model.onnx": "0"}}, "own folder"),
        ({"files": []}, "not a usable card"),
    ],
)
def test_wrong_card_says_what_is_wrong(own_encoder: Path, change: dict[str, object], message: str) -> None:
    edit_card(own_encoder, **change)
    with pytest.raises(UnusableEncoder, match=message) as caught:
        Encoder.load(own_encoder, device="cpu")
    assert "again" in str(caught.value) or "newer" in str(caught.value)


def test_unreadable_card(own_encoder: Path) -> None:
    (own_encoder / "encoder.json").write_text("{")
    with pytest.raises(UnusableEncoder, match="cannot be read as JSON"):
        Encoder.load(own_encoder)


def test_unknown_names_list_the_choices(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(UnusableEncoder, match="no encoder 'nobody'; use one of: "):
        Encoder.load("nobody")
    with pytest.raises(UnusableEncoder, match=r"holds no encoder\.json"):
        Encoder.load(tmp_path)
    with pytest.raises(UnusableEncoder, match="no device 'tpu'; use auto, cpu"):
        Encoder.load(tiny_encoder, device="tpu")


def test_absent_gpu_is_said(
    tiny_encoder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    for device in ("cuda", "cuda:7"):
        caplog.clear()
        assert Encoder.load(tiny_encoder, device=device).runtime == "pytorch cpu"
        assert caplog.messages == ["encoding on the CPU: PyTorch sees no GPU here"]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    caplog.clear()
    assert Encoder.load(tiny_encoder, device="cuda:7").runtime == "pytorch cpu"
    assert caplog.messages == ["encoding on the CPU: PyTorch sees no cuda:7, only 2 GPUs"]


def test_missing_runtime_names_the_extra(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match=r"kaodex\[cpu\]"):
        Encoder.load(tiny_encoder, device="cpu")
    monkeypatch.setattr("embedder.torch_runtime.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"torch.*kaodex\[gpu\]"):
        Encoder.load(tiny_encoder, device="torch-cpu")


def test_one_line_repr(tiny_encoder: Path) -> None:
    text = repr(Encoder.load(tiny_encoder, device="cpu"))
    assert "\n" not in text
    assert "'tiny', dimension=12, input_size=32, runtime='onnxruntime cpu'" in text


def test_importing_and_loading_without_a_gpu_leaves_torch_alone(tiny_encoder: Path) -> None:
    script = (
        "import sys, embedder\n"
        "heavy = {'torch', 'timm', 'cv2', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import embedder.runtime\n"
        f"encoder = embedder.Encoder.load({str(tiny_encoder)!r}, device='cpu')\n"
        "assert 'torch' not in sys.modules and 'timm' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_preprocessing_is_what_the_runtime_gets(tiny_encoder: Path, crops: list[np.ndarray]) -> None:
    encoder = Encoder.load(tiny_encoder, device="cpu")
    taken = encoder.card["input"]
    batch = prepare(crops, taken["size"], taken["mean"], taken["std"])
    np.testing.assert_allclose(encoder._encode_batch(batch, encoder._runtime), encoder.encode(crops), atol=1e-5)
