"""Folders of identities: what is found, in which order, and what first mistakes are told."""

import os
import unicodedata
from pathlib import Path

import pytest

from data import find_pictures, list_pictures
from data.errors import UnusableSource


def lay(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def labelled(found, root):
    return [(picture.identity, str(picture.path.relative_to(root))) for picture in found.pictures]


def test_identities_are_first_level_folders_and_order_is_natural(tmp_path):
    lay(tmp_path, "rem/10.png", "rem/2.PNG", "rem/old/1.jpg", "ram 10/a.webp", "ram 2/a.gif", "Emilia/a.tiff")
    assert labelled(find_pictures(tmp_path), tmp_path) == [
        ("Emilia", "Emilia/a.tiff"),
        ("ram 2", "ram 2/a.gif"),
        ("ram 10", "ram 10/a.webp"),
        ("rem", "rem/2.PNG"),
        ("rem", "rem/10.png"),
        ("rem", "rem/old/1.jpg"),
    ]
    assert find_pictures(tmp_path).identities == ("Emilia", "ram 2", "ram 10", "rem")


def test_hidden_other_and_loose_files_are_counted(tmp_path):
    lay(tmp_path, "rem/1.png", "rem/.thumb.png", "rem/notes.txt", ".git/x.png", "loose.png", "__MACOSX/rem/1.png")
    found = find_pictures(tmp_path)
    assert labelled(found, tmp_path) == [("rem", "rem/1.png")]
    assert (found.skipped_hidden, found.skipped_other) == (3, 1)
    assert found.loose == (tmp_path / "loose.png",)


def test_a_given_name_labels_a_whole_folder_or_one_picture(tmp_path):
    lay(tmp_path, "1.png", "deep/2.png", "readme.md")
    found = find_pictures(tmp_path, name=" レム ")
    assert labelled(found, tmp_path) == [("レム", "1.png"), ("レム", "deep/2.png")]
    assert found.skipped_other == 1 and found.loose == ()
    assert find_pictures(tmp_path / "1.png", name="rem").paths == (tmp_path / "1.png",)
    with pytest.raises(UnusableSource, match="not empty"):
        find_pictures(tmp_path, name="  ")


def test_two_unicode_forms_of_a_name_are_one_identity(tmp_path):
    name = "ガブリエル"
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert composed != decomposed
    lay(tmp_path, f"{decomposed}/1.png", "クロエ/1.png", f"{composed}/1.png", f"{composed}/2.png")
    found = find_pictures(tmp_path)
    assert found.identities == (composed, "クロエ")
    assert [picture.identity for picture in found.pictures] == [composed] * 3 + ["クロエ"]


def test_loops_of_links_end_and_linked_folders_are_followed(tmp_path):
    lay(tmp_path / "real", "1.png", "2.png")
    refs = lay(tmp_path / "refs", "rem/1.png")
    (refs / "rem" / "self").symlink_to(refs / "rem")
    (refs / "rem" / "root").symlink_to(refs)
    (refs / "ram").symlink_to(tmp_path / "real")
    (refs / "broken.png").symlink_to(refs / "broken.png")
    assert labelled(find_pictures(refs), refs) == [("ram", "ram/1.png"), ("ram", "ram/2.png"), ("rem", "rem/1.png")]
    assert find_pictures(refs).skipped_other == 1


def test_names_that_are_not_utf8_stay_usable(tmp_path):
    lay(tmp_path, os.fsdecode(b"caf\xe9/1.png"))
    (found,) = find_pictures(tmp_path).pictures
    assert found.identity == "caf\ufffd"
    assert found.path.exists()


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(UnusableSource, match="there is no"):
        find_pictures(tmp_path / "nowhere")


def test_an_empty_folder_is_told_what_to_type(tmp_path):
    lay(tmp_path, "rem/notes.txt", ".hidden")
    with pytest.raises(UnusableSource, match=r"no pictures in .*2 files passed over(.|\n)*kaodex enroll "):
        find_pictures(tmp_path)
    with pytest.raises(UnusableSource, match="no pictures in"):
        find_pictures(tmp_path, name="rem")


def test_loose_pictures_alone_are_told_what_to_type(tmp_path):
    folder = lay(tmp_path / "my pictures", "a.png", "b.png")
    with pytest.raises(UnusableSource, match=r"2 pictures in (.|\n)*kaodex enroll '.*my pictures' --as NAME"):
        find_pictures(folder)


def test_a_file_is_told_what_to_type(tmp_path):
    lay(tmp_path, "a.png")
    with pytest.raises(UnusableSource, match=r"one file(.|\n)*a.png --as NAME"):
        find_pictures(tmp_path / "a.png")


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("data.folders.os.scandir", refuse)
    with pytest.raises(UnusableSource, match="check its permissions"):
        find_pictures(tmp_path)


@pytest.mark.parametrize(
    ("files", "suspected"),
    [
        (["game/rem/1.png", "game/ram/1.png"], "game"),
        (["game/rem/1.png", "game/ram/1.png", "film/asuka/1.png"], "film"),
        (["rem/season1/1.png", "rem/season2/1.png", "ram/season1/1.png", "ram/season2/1.png"], None),
        (["rem/face/1.png", "ram/face/1.png"], None),
        (["rem/1.png", "ram/old/1.png", "ram/new/1.png"], None),
        (["rem/face/1.png"], None),
    ],
)
def test_one_level_too_high_is_suspected_where_it_is_likely(tmp_path, files, suspected):
    suspicion = find_pictures(lay(tmp_path, *files)).suspicion
    if suspected is None:
        assert suspicion is None
    else:
        assert f"kaodex enroll {tmp_path / suspected}" in suspicion


def test_queries_are_listed_as_given_with_folders_opened(tmp_path):
    lay(tmp_path, "in/10.png", "in/2.png", "in/deep/1.jpg", "in/x.txt", "b.png")
    listed = list_pictures([tmp_path / "b.png", str(tmp_path / "in"), tmp_path / "missing.png"])
    expected = ["b.png", "in/2.png", "in/10.png", "in/deep/1.jpg", "missing.png"]
    assert listed == [tmp_path / name for name in expected]


def test_no_queries_at_all_is_told(tmp_path):
    for nothing in ([], [tmp_path]):
        with pytest.raises(UnusableSource, match="no pictures in"):
            list_pictures(nothing)
