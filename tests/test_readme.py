"""The README tells the truth: its commands exist, its links lead somewhere, its Python runs, its JSON is right."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, kaodex

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_every_command_is_told():
    text = (ROOT / "README.md").read_text()
    for name in COMMANDS:
        assert f"`kaodex {name} " in text or f"`kaodex {name}`" in text, name
    for name in ("gallery", "encoders"):
        group = kaodex.get_command(None, name)
        told = "|".join(re.findall(rf"`kaodex {name} ([a-z|\\]+)", text)).replace("\\", "").split("|")
        assert sorted(set(told)) == sorted(group.commands)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_the_documents_exist(document):
    for command in re.findall(r"(?:^|`)kaodex ([a-z][a-z-]*)", document.read_text(), re.M):
        assert command in COMMANDS, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_the_documents_have_the_options_they_show(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where nothing is: a file that is missing is no fault of the document
    for block in re.findall(r"```sh\n(.*?)```", document.read_text(), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.replace("-m cli.main ", "kaodex "), comments=True)
            if "kaodex" not in words:
                continue
            command, arguments, context = kaodex, words[words.index("kaodex") + 1 :], click.Context(kaodex)
            while isinstance(command, click.Group):
                name, *arguments = arguments
                command = command.get_command(context, name)
            assert command is not None, line
            try:
                command.make_context(name, arguments)
            except click.BadParameter as error:
                assert "does not exist" in error.message, line


def test_the_losses_are_told_with_their_defaults():
    pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")
    from embedder.training.formulas import FORMULAS, SUB_CENTRES

    text = (ROOT / "docs" / "training.md").read_text()
    told = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    told = {cells[0].strip("`"): cells[1:] for cells in told if len(cells) == 5 and cells[0].startswith("`")}
    assert told.keys() - {"--loss"} == FORMULAS.keys()
    for name, formula in FORMULAS.items():
        margin = "" if formula.margin is None else f"{formula.margin:g} {formula.unit}" + ", ramped" * formula.ramps
        kind = formula.kind + (f", {SUB_CENTRES} centres each" if name.startswith("subcenter") else "")
        scale = "" if formula.scale is None else f"{formula.scale:g}"
        assert told[name] == [kind, margin, scale, ", ".join(f"`{miner}`" for miner in formula.miners)]


def test_the_python_runs(refs, tmp_path, use_fake_encoder, monkeypatch, capsys):
    (tmp_path / "picture.png").write_bytes((refs / "red" / "0.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "identified red 1.0\n"


def test_the_json_has_the_fields_of_an_answer(refs, use_fake_encoder, tmp_path):
    from kaodex import Recognizer

    (shown,) = blocks("json")
    with Recognizer.open(tmp_path / "gallery.kaodex", create=True) as recognizer:
        recognizer.enroll(refs)
        (answer,) = recognizer.query([refs / "red" / "0.png"])

    def shape(value):
        if isinstance(value, dict):
            return {key: shape(held) for key, held in value.items()}
        return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None

    assert shape(json.loads(shown)) == shape(answer.as_json())


def test_the_public_names():
    import kaodex as package

    assert package.__all__ == ["Encoder", "Gallery", "KaodexError", "Recognizer"]
    assert all(hasattr(package, name) for name in package.__all__)
