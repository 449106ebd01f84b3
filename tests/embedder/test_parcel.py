"""What arrives elsewhere is the same encoder and the same detector, with nothing left to read here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data.errors import UnusableEncoder
from embedder import Encoder, load_detector
from embedder.detectors.auto import Auto
from embedder.parcel import pack_detector, pack_encoder


@pytest.fixture
def scene() -> np.ndarray:
    picture = np.full((300, 400, 3), 128, np.uint8)
    for left in (100, 244):
        picture[60:92, left : left + 32] = 255, 0, 0
    return picture


@pytest.mark.parametrize("device", ["cpu", "torch-cpu"])
def test_an_encoder_folder(own_encoder: Path, crops: list[np.ndarray], device: str) -> None:
    encoder = Encoder.load(own_encoder, device=device)
    parcel = pack_encoder(encoder)
    shutil.rmtree(own_encoder)
    arrived = parcel.unpack(device)
    assert (arrived.name, arrived.fingerprint) == (encoder.name, encoder.fingerprint)
    np.testing.assert_array_equal(arrived.encode(crops), encoder.encode(crops))


def test_an_onnx_file_of_others_with_weights_beside_it(tmp_path: Path, crops: list[np.ndarray]) -> None:
    pytest.importorskip("onnx", reason="making an ONNX file needs onnx")
    from embedder.foreign_settings import as_text
    from tests.embedder.test_foreign import SMALL, write_graph

    folder = tmp_path / "theirs"
    file = write_graph(folder / "model.onnx", location="weights.bin")
    file.with_suffix(".json").write_text(as_text(SMALL))
    encoder = Encoder.load(f"onnx:{file}")
    parcel = pack_encoder(encoder)
    assert sorted(parcel.files) == ["model.json", "model.onnx", "weights.bin"]
    expected = encoder.encode(crops)
    shutil.rmtree(folder)
    arrived = parcel.unpack("cpu")
    assert arrived.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(arrived.encode(crops), expected)


def test_an_encoder_whose_files_are_gone(own_encoder: Path) -> None:
    encoder = Encoder.load(own_encoder, device="cpu")
    parcel = pack_encoder(encoder)
    del parcel.files["model.onnx"]
    with pytest.raises(UnusableEncoder, match="lacks its file"):
        parcel.unpack("cpu")


@pytest.mark.parametrize("spec", ["whole", "auto"])
def test_a_detector_by_its_word(spec: str, scene: np.ndarray) -> None:
    detector = load_detector(spec)
    arrived = pack_detector(detector).unpack()
    assert repr(arrived) == repr(detector)
    assert arrived.find(scene) == detector.find(scene)
    assert arrived.find(scene[:64, :64]) == detector.find(scene[:64, :64])


def test_a_detector_folder_alone_and_behind_auto(tmp_path: Path, scene: np.ndarray) -> None:
    pytest.importorskip("onnx", reason="making a network needs onnx")
    from tests.embedder.detectors.red_squares import write_detector

    folder = write_detector(tmp_path / "mine")
    detector = load_detector(str(folder))
    expected = detector.find(scene)
    assert len(expected) == 2
    parcels = pack_detector(detector), pack_detector(Auto(detector))
    shutil.rmtree(folder)
    for parcel, name in zip(parcels, (detector.name, "auto"), strict=True):
        arrived = parcel.unpack()
        assert arrived.name == name and arrived.find(scene) == expected


def test_a_network_of_others_keeps_the_name_that_it_had(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="making a network needs onnx")
    from tests.embedder.detectors.test_yolo import picture, write

    detector = load_detector(f"onnx:{write(tmp_path / 'theirs.onnx')}")
    shown = picture((250, 0, 0), (0, 0, 0), (0, 0, 0), (200, 0, 0))
    expected = detector.find(shown)
    parcel = pack_detector(detector)
    (tmp_path / "theirs.onnx").unlink()
    arrived = parcel.unpack()
    assert arrived.name == detector.name and arrived.find(shown) == expected != []


def test_a_cascade(tmp_path: Path, shared_data: Path) -> None:
    file = shutil.copy(shared_data / "lbpcascade_animeface.xml", tmp_path / "own.xml")
    detector = load_detector(f"cascade:{file}")
    parcel = pack_detector(detector)
    Path(file).unlink()
    arrived = parcel.unpack()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    assert arrived.name == detector.name and arrived.find(noise) == detector.find(noise)


def test_a_detector_of_a_program_is_refused() -> None:
    class Own:
        name = "own"

        def find(self, picture: np.ndarray) -> list:
            return []

    with pytest.raises(UnusableEncoder, match="own cannot be sent to other machines: give auto"):
        pack_detector(Own())
