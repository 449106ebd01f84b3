"""The house stands as it was drawn: imports point downwards, and each room knows nothing of what is above it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"measure": 0, "data": 1, "embedder": 2, "index": 3, "bench": 4, "cli": 5}
MODULES = sorted(path for room in FLOORS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The packages that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute, so that the tree can be read from them"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path):
    floor = FLOORS[path.relative_to(ROOT).parts[0]]
    for package in imported(path) & set(FLOORS):
        assert FLOORS[package] <= floor, f"{path.relative_to(ROOT)} imports {package}, which is above it"


@pytest.mark.parametrize("path", [path for path in MODULES if path.relative_to(ROOT).parts[0] in ("measure", "data")])
def test_no_networks_below_the_embedder(path):
    assert not imported(path) & {"torch", "timm", "onnxruntime", "faiss"}, path


def test_no_room_for_odds_and_ends():
    assert not [path for path in MODULES if path.stem in ("utils", "util", "helpers", "common", "misc")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickles(path):
    assert not imported(path) & {"pickle", "marshal", "shelve", "dill", "joblib"}
