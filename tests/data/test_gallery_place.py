from pathlib import Path

import pytest

from data.errors import GalleryError
from data.gallery_place import MilvusAddress, gallery_place


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("KAODEX_MILVUS_TOKEN", "KAODEX_MILVUS_CERTIFICATE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("text", ["gallery.kaodex", "a folder/b.kaodex", "milvus:/x/y", "/tmp/c"])
def test_what_is_no_url_is_a_file(text):
    assert gallery_place(text) == Path(text) == gallery_place(Path(text))


@pytest.mark.parametrize(
    ("url", "address", "uri"),
    [
        ("milvus://db/anime", MilvusAddress("db", 19530, "anime"), "http://db:19530"),
        ("milvus://db:19/anime/", MilvusAddress("db", 19, "anime"), "http://db:19"),
        ("Milvus://t%40k@[::1]:5/a_1?tls", MilvusAddress("::1", 5, "a_1", "t@k", True), "https://[::1]:5"),
        ("milvus://root:p%3Aw@db/x?tls=no", MilvusAddress("db", 19530, "x", "root:p:w"), "http://db:19530"),
        (
            "milvus://db/x?certificate=/etc/ca.pem",
            MilvusAddress("db", 19530, "x", "", True, "/etc/ca.pem"),
            "https://db:19530",
        ),
        ("milvus://db/x?search=server", MilvusAddress("db", 19530, "x", search="server"), "http://db:19530"),
    ],
)
def test_urls(url, address, uri):
    assert gallery_place(url) == address == gallery_place(address) and address.uri == uri


def test_token_and_certificate_from_the_environment(monkeypatch):
    monkeypatch.setenv("KAODEX_MILVUS_TOKEN", "hidden")
    monkeypatch.setenv("KAODEX_MILVUS_CERTIFICATE", "ca.pem")
    assert gallery_place("milvus://db/x") == MilvusAddress("db", 19530, "x", "hidden", True, "ca.pem")
    assert gallery_place("milvus://shown@db/x").token == "shown"


def test_no_text_of_an_address_holds_its_token():
    address = gallery_place("milvus://user:secret@db:1/x")
    for text in (str(address), repr(address), f"{address}", address.uri):
        assert "secret" not in text and "user" not in text
    assert gallery_place(str(address)) == MilvusAddress("db", 1, "x")


@pytest.mark.parametrize(
    "url",
    [
        "http://secret@db/x",
        "milvus://secret@db",
        "milvus://secret@/x",
        "milvus://secret@db/x/y",
        "milvus://secret@db/a-b",
        "milvus://secret@db:port/x",
        "milvus://secret@db/x#y",
        "milvus://secret@db/x?tsl=1",
        "milvus://secret@db/1x",
    ],
)
def test_a_mistake_is_told_without_the_token(url):
    with pytest.raises(GalleryError, match="milvus://HOST:PORT/COLLECTION") as told:
        gallery_place(url)
    assert "secret" not in str(told.value)
