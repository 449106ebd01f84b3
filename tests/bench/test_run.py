"""The whole bench on painted pictures, with an encoder that a reader can compute by hand."""

import json

import numpy as np
import pytest
from PIL import Image

from bench import Protocol, load_collection, run_bench
from bench.report import COLUMNS, OPEN_SET
from data.errors import UnusableSource

QUICK = Protocol((1, 3), (1, 3), draws=3)


def test_colours_are_told_apart_and_the_report_keeps_its_contract(three_colours, mean_colour):
    told = []
    report = run_bench(load_collection(three_colours), mean_colour, QUICK, told.append)
    assert sum(told) == 24 and mean_colour.encoded == 24
    assert [(row.name, row.shots, row.variant.k) for row in report.rows] == [
        ("kaodex", 1, 1),
        ("kaodex", 1, 3),
        ("colour histogram", 1, 1),
        ("HOG + Lab", 1, 1),
        ("kaodex", 3, 1),
        ("kaodex", 3, 3),
        ("colour histogram", 3, 1),
        ("HOG + Lab", 3, 1),
    ]
    assert all(row.figure("rank1") == 1 for row in report.rows)
    written = json.loads(json.dumps(report.as_json(), allow_nan=False))
    promised = {"name", "shots", "k", "rule", "rank1", "rank5", "precision_at_k", "map", "fit_seconds", "query_ms"}
    for system in written["systems"]:
        assert promised | set(OPEN_SET) | {"intervals"} <= set(system)
        assert system["intervals"]["rank1"] == [1.0, 1.0]
    assert written["protocol"]["pictures"] == 24
    assert written["protocol"]["grouped_by"] == ["perceptual hash within 10 of 64 bits"]
    assert written["protocol"]["encoder"] == "mean-colour"
    assert [written["protocol"][key] for key in ("detector", "region", "faces")] == ["whole", "whole", None]
    assert {len(cells) for cells in report.cells()} == {len(COLUMNS)}


def test_without_groups_copies_are_found_by_their_hash(three_colours, mean_colour):
    for name in ("rot", "blau"):
        Image.open(three_colours / name / "0.png").resize((48, 48)).save(three_colours / name / "copy.webp")
    report = run_bench(load_collection(three_colours), mean_colour, QUICK)
    assert len(report.collection.paths) == 26 and report.groups == 24


def test_the_centre_square_is_what_is_encoded(tmp_path, mean_colour):
    seen = []
    for name in ("a", "b"):
        for number in range(3):
            pixels = np.random.default_rng(number).integers(0, 256, (40, 100, 3), dtype=np.uint8)
            (tmp_path / "refs" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "refs" / name / f"{number}.png")
            seen.append(pixels[:, 30:70])

    def encode(crops):
        assert all((crop == expected).all() for crop, expected in zip(crops, seen, strict=True))
        return np.eye(6, dtype=np.float32)

    mean_colour.encode = encode
    run_bench(load_collection(tmp_path / "refs", groups=[r"(\d)\.png"]), mean_colour, Protocol((1,), (1,), draws=1))


def test_unreadable_pictures_are_named_and_take_no_part(three_colours, mean_colour):
    (three_colours / "rot" / "3.png").write_bytes(b"no picture")
    report = run_bench(load_collection(three_colours, groups=[r"(.*)"]), mean_colour, QUICK)
    assert len(report.unreadable) == 1 and "rot/3.png" in report.unreadable[0]
    assert len(report.collection.paths) == 23 and report.groups == 23
    assert report.as_json()["protocol"]["unreadable"] == list(report.unreadable)


def test_too_few_pictures_are_told(three_colours, mean_colour):
    with pytest.raises(UnusableSource, match=r"at least 2 identities need 9 pictures.*fewer --shots"):
        run_bench(load_collection(three_colours), mean_colour, Protocol((8, 9)))
    report = run_bench(load_collection(three_colours), mean_colour, Protocol((1, 8), (1,), draws=1))
    assert "fewer than 2 identities have pictures for 8 references" in report.notes()[0]
    for picture in three_colours.rglob("*.png"):
        picture.write_bytes(b"")
    with pytest.raises(UnusableSource, match=r"24 could not be read, such as .*the file is empty"):
        run_bench(load_collection(three_colours), mean_colour, QUICK)
