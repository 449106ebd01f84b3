"""A table goes between its own markers and nowhere else."""

import pytest


def test_only_what_is_between_the_markers_changes(script, tmp_path):
    put_table = script("document_table").put_table
    document = tmp_path / "a.md"
    document.write_text("1\n<!-- x -->\nold \\1\n<!-- end of x -->\n2\n<!-- xy -->\n<!-- end of xy -->\n")
    put_table(document, "x", "new \\0 \n")
    assert document.read_text() == "1\n<!-- x -->\nnew \\0\n<!-- end of x -->\n2\n<!-- xy -->\n<!-- end of xy -->\n"
    put_table(document, "xy", "more")
    assert "<!-- xy -->\nmore\n<!-- end of xy -->" in document.read_text()
    with pytest.raises(ValueError, match="needs the lines <!-- z -->"):
        put_table(document, "z", "")
