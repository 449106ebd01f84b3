"""Whole commands on a gallery that a Milvus server keeps; and the server's end in the middle of one."""

import io
import json
import sys
from dataclasses import replace

import pytest

from cli.main import main
from data.errors import GalleryError, GalleryMissing
from index.gallery import Gallery
from index.milvus import MilvusStore
from index.milvus.connection import Connection

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """run("query", "a.png"): what the command exited with and printed, all of it."""
    monkeypatch.chdir(tmp_path)

    def typed(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        capfd.readouterr()
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, "".join(capfd.readouterr())

    return typed


def url(address) -> str:
    """The address as it is typed, with its token; the server searches."""
    tls = f"&tls&certificate={address.certificate}" if address.tls else ""
    return f"{str(address).replace('://', f'://{address.token}@')}?search=server{tls}"


def test_a_server_that_dies_during_an_enrolment(
    run, refs, use_fake_encoder, milvus_server, fresh_milvus_place, monkeypatch
):
    address = fresh_milvus_place
    monkeypatch.setattr("index.enroller.BATCH", 4)
    commit, commits = MilvusStore._commit, []

    def dies(self, *arguments, **options):
        commits.append(arguments)
        if len(commits) == 3:  # the encoder's stamp, the first batch; the second one's rows are written
            monkeypatch.setattr("index.milvus.connection.PATIENCE", 3.0)
            milvus_server.kill()
        return commit(self, *arguments, **options)

    monkeypatch.setattr(MilvusStore, "_commit", dies)
    code, told = run("enroll", refs, "-g", url(address))
    assert code == 2 and str(address) in told and "the same command goes on from there" in told
    assert "Traceback" not in told and "Milvus@" not in told and "root:" not in told
    assert run("gallery", "list", "-g", url(address))[0] == 2
    milvus_server.start()
    monkeypatch.setattr("index.milvus.connection.PATIENCE", 30.0)
    monkeypatch.setattr(MilvusStore, "_commit", commit)
    with Gallery.open(address, device="cpu") as gallery:
        assert len(gallery) == 4
    code, told = run("enroll", refs, "-g", url(address))
    assert code == 0 and "3 identities with 12 references" in told
    code, told = run("gallery", "check", "-g", url(address))
    assert code == 0 and "all well, 3 identities, 12 references" in told and "Milvus@" not in told
    with Gallery.open(address, device="cpu") as gallery:
        pictures = [one.sha256 for name in ("red", "green", "blue") for one in gallery.references(name)]
        assert len(pictures) == len(set(pictures)) == 12
    code, told = run("query", refs / "red" / "0.png", "--json", "-g", url(address))
    assert code == 0 and json.loads(told)["faces"][0]["candidates"][0]["identity"] == "red"
    code, told = run("gallery", "copy", url(address), "here.kaodex")
    assert code == 0 and "here.kaodex holds 12 references, as milvus://" in told and "Milvus@" not in told
    assert "calibrated anew; the history and what was removed stayed behind" in told
    assert run("gallery", "list", "-g", "here.kaodex")[1].count("4") >= 3
    code, told = run("gallery", "show", "-g", url(address))
    assert code == 0 and "revision 12" in told and "search: by the server, exactly" in told and "Milvus@" not in told
    code, told = run("gallery", "reencode", "-g", url(address))
    assert code == 2 and "kaodex gallery copy" in told


def test_a_wrong_token_is_told_and_not_repeated(milvus_server):
    for token in ("root:guessed-secret", ""):
        address = replace(milvus_server.address("x"), token=token)
        with pytest.raises(GalleryError, match="KAODEX_MILVUS_TOKEN") as told:
            Gallery.open(address)
        assert "secret" not in str(told.value) and not isinstance(told.value, GalleryMissing)


def test_where_no_server_is(milvus_server, monkeypatch):
    monkeypatch.setattr("index.milvus.connection.PATIENCE", 1.0)
    with pytest.raises(GalleryError, match=r"milvus://localhost:9/x: .* does the server run"):
        Gallery.open(replace(milvus_server.address("x"), port=9, tls=False, certificate=""))


def test_other_peoples_collections_are_left_alone(milvus_server):
    address = milvus_server.address("foreign")
    connection = Connection(address)
    connection.create("foreign_journal", "somebody's own", "key", {"key": (str, 8)}, ("vector", 2))
    connection.close()
    for opening in (Gallery.open, Gallery.create):
        with pytest.raises(GalleryError, match="no gallery of Kaodex"):
            opening(address)
