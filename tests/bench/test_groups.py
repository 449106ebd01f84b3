"""Groups told by tables and patterns."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.groups import group_by_pattern, group_by_table, group_pictures, normal_name
from data.errors import UnusableSource
from data.folders import LabelledPicture

ROOT = Path("refs")


def pictures(*paths):
    return [LabelledPicture(path.split("/")[0], ROOT / path) for path in paths]


def same(grouping):
    """Who is grouped with whom, whatever the numbers."""
    return [[j for j, other in enumerate(grouping) if other == group] for group in grouping]


def test_a_table_groups_within_an_identity(tmp_path):
    table = tmp_path / "clusters.csv"
    table.write_text("identity,file,near_dup_cluster\nrem,1.png,0\nrem,2.png,0\nrem,3.png,1\nram,1.png,0\n")
    grouping = group_by_table(table, pictures("ram/1.png", "rem/1.png", "rem/2.png", "rem/3.png", "rem/4.png"))
    assert grouping[4] == -1
    assert same(grouping[:4]) == [[0], [1, 2], [1, 2], [3]]


def test_a_table_names_files_in_another_form(tmp_path):
    table = tmp_path / "clusters.csv"
    table.write_text("\ufeffidentity,width,file,group\nrem,7,0AB.webp-1.jpg,x\nrem,7,0ab.webp-2.jpg,x\n", "utf-8")
    assert same(group_by_table(table, pictures("rem/deep/0ab_1.jpg", "rem/0ab_2.jpg"))) == [[0, 1], [0, 1]]


def test_without_the_known_columns_the_first_other_is_the_group(tmp_path):
    table = tmp_path / "art.csv"
    table.write_text("identity,file,character,size\nrem,1.png,a,1\nrem,2.png,a,2\nrem,3.png,b,2\n")
    assert same(group_by_table(table, pictures("rem/1.png", "rem/2.png", "rem/3.png"))) == [[0, 1], [0, 1], [2]]


def test_names_that_become_one_share_a_group(tmp_path):
    table = tmp_path / "clusters.csv"
    table.write_text("identity,file,group\nrem,1.png,a\nrem,1.jpg,b\nrem,2.png,b\n")
    assert same(group_by_table(table, pictures("rem/1.png", "rem/1.jpg", "rem/2.png"))) == [[0, 1, 2]] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("identity,file,group\nrem,9.png,0\n", r"names none of the 1 pictures.*'9.png' of 'rem'.*'1.png' of 'rem'"),
        ("name,file,group\nrem,1.png,0\n", "needs identity, file"),
        ("identity,file\nrem,1.png\n", "needs identity, file"),
        ("identity,file,group\nrem,1.png,\n", "no row"),
        ("", "has the columns nothing"),
    ],
)
def test_a_table_that_says_nothing_is_told(tmp_path, text, message):
    table = tmp_path / "clusters.csv"
    table.write_text(text)
    with pytest.raises(UnusableSource, match=message):
        group_by_table(table, pictures("rem/1.png"))


def test_a_table_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(UnusableSource, match="there is no"):
        group_pictures([str(tmp_path / "missing.csv")], pictures("rem/1.png"), ROOT)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x80identity")
    with pytest.raises(UnusableSource, match="cannot be read"):
        group_by_table(tmp_path / "binary.csv", pictures("rem/1.png"))


def test_a_pattern_groups_across_identities():
    paths = [Path(path) for path in ("rem/aa_1.png", "ram/aa_2.png", "ram/bb_1.png", "ram/other.png")]
    grouping = group_by_pattern(r"/([a-z]{2})_", paths)
    assert grouping[3] == -1
    assert same(grouping[:3]) == [[0, 1], [0, 1], [2]]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("([0-9", "neither a CSV file nor a regular expression"), ("abc", "has no group"), ("(xyz)", "finds nothing")],
)
def test_a_pattern_that_says_nothing_is_told(pattern, message):
    with pytest.raises(UnusableSource, match=message):
        group_pictures([pattern], pictures("rem/1.png"), ROOT)


def test_table_and_pattern_are_united_and_silence_is_told(tmp_path):
    table = tmp_path / "clusters.csv"
    table.write_text("identity,file,group\nrem,aa_1.png,0\nrem,bb_1.png,0\n")
    found = pictures("rem/aa_1.png", "ram/aa_2.png", "rem/bb_1.png", "rem/cc_1.png")
    grouping, notes = group_pictures([str(table), "/(..)_"], found, ROOT)
    assert same(grouping) == [[0, 1, 2], [0, 1, 2], [0, 1, 2], [3]]
    assert len(notes) == 1 and "says nothing of 2 of 4 pictures" in notes[0]


@given(st.text(min_size=1).filter(lambda text: "/" not in text and text.strip(".")))
def test_normal_names_stay_as_they_are(text):
    once = normal_name(text)
    assert normal_name(once) == once


def test_normal_name_keeps_what_distinguishes():
    names = ["0001_s-.webp", "0001_s-_damaged.webp", "0001_s-01.webp", "レム1.png", "レム2.png", "a.pngs.png"]
    assert len({normal_name(name) for name in names}) == len(names)
    assert np.unique([normal_name("01668e.webp-1.jpg"), normal_name("01668e_1.jpg")]).size == 1
