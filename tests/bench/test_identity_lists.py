"""Lists of identities in their three forms."""

import json

import pytest

from bench.identity_lists import read_identity_list
from data.errors import UnusableSource


@pytest.mark.parametrize(
    "text",
    [
        "rem\n\n  ram \nrem\n",
        '["rem", "ram"]',
        '{"rule": "x", "characters": {"game": ["rem", "ram"], "film": ["asuka"]}}',
        "\ufeffrem\r\nram\r\n",
    ],
)
def test_every_form_gives_the_same_names(tmp_path, text):
    file = tmp_path / "names"
    file.write_bytes(text.encode())
    assert read_identity_list(file, "game") == ["rem", "ram"]


def test_names_are_in_nfc(tmp_path):
    (tmp_path / "names").write_text("カ\u3099ブ", "utf-8")
    assert read_identity_list(tmp_path / "names", "game") == ["ガブ"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n \n", "names no identity"),
        ("[]", "names no identity"),
        ("[1, 2]", "something else than names"),
        ("{not json", "begins like JSON"),
        (json.dumps({"characters": {"film": ["asuka"]}}), r"no list .*game.*its lists: film"),
        (json.dumps({"other": 1}), "its lists: none"),
    ],
)
def test_a_list_of_no_use_is_told(tmp_path, text, message):
    (tmp_path / "names").write_text(text)
    with pytest.raises(UnusableSource, match=message):
        read_identity_list(tmp_path / "names", "game")


def test_a_missing_list_is_told(tmp_path):
    with pytest.raises(UnusableSource, match="there is no"):
        read_identity_list(tmp_path / "names", "game")
    with pytest.raises(UnusableSource, match="cannot be read"):
        read_identity_list(tmp_path, "game")
