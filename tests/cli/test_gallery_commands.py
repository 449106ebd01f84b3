import json

import pytest

pytestmark = pytest.mark.usefixtures("use_fake_encoder")


@pytest.fixture
def enrolled(run, refs):
    run("enroll", refs)
    return run


def listed(run) -> dict[str, int]:
    lines = run("gallery", "list", "--json").out.splitlines()
    return {line["identity"]: line["references"] for line in map(json.loads, lines)}


def test_remove_rename_merge_undo(enrolled):
    run = enrolled
    assert run("gallery", "remove", "red").out.startswith("removed 4 references")
    assert listed(run) == {"blue": 4, "green": 4}
    assert "green is emerald now" in run("gallery", "rename", "green", "emerald").out
    assert "moved 4 references to blue" in run("gallery", "merge", "emerald", "blue", "--into", "blue").out
    assert listed(run) == {"blue": 8}
    assert "undone: merge emerald into blue" in run("gallery", "undo").out
    assert "undone: rename green to emerald" in run("gallery", "undo").out
    assert "undone: remove red" in run("gallery", "undo").out
    assert listed(run) == {"blue": 4, "green": 4, "red": 4}
    assert "undone: enroll" in run("gallery", "undo").out and listed(run) == {}
    nothing = run("gallery", "undo")
    assert nothing.code == 2 and "nothing to undo" in nothing.err


def test_single_references(enrolled):
    run = enrolled
    shown = run("gallery", "show", "green")
    number = shown.out.splitlines()[1].split()[0]
    assert "green/0.png" in shown.out
    assert run("gallery", "remove", "--reference", number).code == 0 and listed(run)["green"] == 3
    assert run("gallery", "remove", "--reference", number).code == 2


def test_wrong_names_are_met(enrolled):
    run = enrolled
    wrong = run("gallery", "remove", "gren")
    assert wrong.code == 2 and "did you mean green?" in wrong.err
    assert run("gallery", "remove").code == 2
    taken = run("gallery", "rename", "red", "blue")
    assert taken.code == 2 and "gallery merge" in taken.err


def test_names_and_references_are_not_removed_in_one_command(enrolled):
    assert enrolled("gallery", "remove", "red", "--reference", 1).code == 2
    assert listed(enrolled) == {"blue": 4, "green": 4, "red": 4}


def test_merging_somebody_who_is_not_there_is_refused(enrolled):
    wrong = enrolled("gallery", "merge", "grene", "--into", "grene")
    assert wrong.code == 2 and "did you mean green?" in wrong.err


def test_a_gallery_that_cannot_be_written_can_be_asked(enrolled, refs, monkeypatch):
    import index.sqlite.file as module

    enrolled("gallery", "export", "frozen.kaodex")
    monkeypatch.setattr(module, "_writable", lambda path: False)
    assert "red" in enrolled("query", refs / "red" / "0.png", "-g", "frozen.kaodex").out
    assert enrolled("gallery", "list", "-g", "frozen.kaodex").code == 0
    refused = enrolled("gallery", "remove", "red", "-g", "frozen.kaodex")
    assert refused.code == 2 and "may this user write" in refused.err


def test_show_tells_what_made_the_gallery(enrolled):
    shown = enrolled("gallery", "show").out
    assert "3 identities, 12 references, encoder fake (3 numbers" in shown and "enroll" in shown


def test_check_export_import(enrolled, tmp_path):
    run = enrolled
    assert "all well, 3 identities, 12 references" in run("gallery", "check").out
    assert run("gallery", "export", "copy.kaodex").code == 0
    again = run("gallery", "export", "copy.kaodex")
    assert again.code == 2 and "exists" in again.err
    imported = run("gallery", "import", "copy.kaodex", "-g", "second.kaodex")
    assert imported.code == 0 and "added 12 references" in imported.out
    assert "all well" in run("gallery", "check", "-g", "second.kaodex").out
    assert "12 were there already" in run("gallery", "import", "copy.kaodex", "-g", "second.kaodex").out


def test_a_damaged_file_is_told_with_a_cure(run, tmp_path):
    (tmp_path / "gallery.kaodex").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    answered = run("gallery", "check")
    assert answered.code == 1 and "bring back an export" in answered.err and "Traceback" not in answered.err
