"""The systems that every protocol measures by default: Kaodex, and rivals that keep references as it does."""

from __future__ import annotations

from bench.systems import System
from bench.systems.colour_histogram import ColourHistogram
from bench.systems.hog_lab import HogLab
from bench.systems.kaodex import Encodes, Kaodex
from bench.systems.views import KaodexByViews
from embedder import Encoder


def default_systems(encoder: Encodes) -> list[System]:
    """Kaodex; a 1-NN on colour histograms, and one on HOG and Lab colours, which sees shapes too."""
    return [Kaodex(encoder), ColourHistogram(), HogLab()]


def artist_systems(encoder: Encoder, face_encoder: Encodes) -> list[System]:
    """Kaodex by views; the encoder of faces on the picture's centre; and the two that learn nothing."""
    return [KaodexByViews(encoder), Kaodex(face_encoder, "face encoder"), ColourHistogram(), HogLab()]
