"""The benchmarks are scripts: they import each other from their own folder."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Import one of them by its name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module
