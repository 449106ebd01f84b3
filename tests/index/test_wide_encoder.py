"""An encoder whose input is not square, from enrolment to an answer and to another encoder's gallery."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import UnusableEncoder
from index.gallery import Gallery
from index.recognizer import Recognizer
from index.reencoder import Reencoder
from tests.conftest import FakeEncoder


class WideEncoder(FakeEncoder):
    def fit(self, crop: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.resize(crop, (12, 8), interpolation=cv2.INTER_AREA), np.uint8)

    def encode(self, crops: list[np.ndarray], batch_size: int = 64) -> np.ndarray:
        assert {crop.shape for crop in crops} <= {(8, 12, 3)}
        return super().encode(crops, batch_size)


def test_a_wide_input_is_enrolled_asked_about_and_moved_to(refs: Path, tmp_path: Path) -> None:
    picture = refs / "red" / "0.png"
    with Recognizer(Gallery.create(tmp_path / "wide.kaodex"), WideEncoder("wide")) as recognizer:
        recognizer.enroll(refs)
        (answer,) = recognizer.query([picture])
        assert answer.faces[0].recognition.candidates[0].identity == "red"
    with Recognizer(Gallery.create(tmp_path / "square.kaodex"), FakeEncoder("square")) as recognizer:
        recognizer.enroll(refs)
    with Gallery.open(tmp_path / "square.kaodex") as gallery:
        Reencoder(gallery, WideEncoder("wide")).run()
        assert gallery.store.encoder("character").name == "wide"


def test_a_lost_encoder_is_asked_for_in_every_form(refs: Path, tmp_path: Path) -> None:
    path = tmp_path / "gallery.kaodex"
    with Recognizer(Gallery.create(path), FakeEncoder("theirs")) as recognizer:
        recognizer.enroll(refs)
    with pytest.raises(UnusableEncoder, match="--encoder FOLDER, or its file with --encoder onnx:FILE"):
        Recognizer.open(path)
