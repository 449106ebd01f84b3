"""A gallery that the server searches answers as one in memory does; and what stands in the way of that is left out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import GalleryError
from data.gallery_place import MilvusAddress
from index.gallery import Gallery
from index.milvus import MilvusStore, served
from index.milvus.connection import Connection
from index.milvus.served import ServedReferences
from index.milvus.shelf import ServedShelf
from index.records import EncoderStamp, NewReference, Vectors
from index.search import nearest

STAMP = EncoderStamp("fake", "f" * 64, 8)


class Server(Connection):
    """Rows in memory, searched by a product."""

    def __init__(self, encodings: np.ndarray, index: str = "FLAT") -> None:
        self.encodings = encodings
        self.kind = index
        self.asked = 0

    def index(self, collection: str, field: str) -> str:
        return self.kind

    def nearest(self, collection, field, queries, k, without=()):
        self.asked += 1
        similarities = queries @ self.encodings.astype(np.float32).T
        similarities[:, list(without)] = -np.inf
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
        near = np.full((len(queries), k), -np.inf, np.float32)
        keys = np.full((len(queries), k), -1, np.int64)
        near[:, : order.shape[1]] = np.take_along_axis(similarities, order, 1)
        keys[:, : order.shape[1]] = np.where(np.isneginf(near[:, : order.shape[1]]), -1, order)
        return near, keys


def unit(count: int, seed: int, spread: int = 3) -> np.ndarray:
    """Unit vectors on a coarse grid, so that many are equally near to a query."""
    grid = np.random.default_rng(seed).integers(-spread, spread + 1, (count, 4)) + 0.5
    return (grid / np.linalg.norm(grid, axis=1, keepdims=True)).astype(np.float16)


def references_on(server: Server, enrolled: np.ndarray) -> ServedReferences:
    def read(ids, identities):
        return Vectors(ids, identities, ids.astype(np.uint64), ids.astype(np.uint64) + 7, server.encodings[ids])

    return ServedReferences(server, "rows", enrolled, enrolled % 3, read)


@settings(max_examples=40)
@given(
    st.integers(1, 60),
    st.lists(st.booleans(), min_size=60, max_size=60),
    st.integers(1, 9),
    st.integers(1, 12),
    st.data(),
)
def test_the_server_finds_what_a_search_in_memory_finds(rows, enrolled, k, most_hits, data):
    server = Server(unit(rows, seed=rows))
    ids = np.flatnonzero(enrolled[:rows])
    k = max(1, min(k, len(ids)))
    queries = unit(5, seed=k).astype(np.float32)
    removed = np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))), bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served, "MOST_HITS", max(k, most_hits))
        patch.setattr(served, "_QUERIES_AT_ONCE", 2)
        here = references_on(server, ids).vectors()
        for gone in (None, removed):
            expected = nearest(server.encodings[ids], queries, k, gone)
            for found, right in zip(here.nearest(queries, k, gone), expected, strict=True):
                assert np.array_equal(found, right)


def test_what_is_asked_again_is_not_in_the_way_again():
    server = Server(unit(1000, seed=1, spread=50))
    query = server.encodings[:1].astype(np.float32)
    order = np.argsort(-(query @ server.encodings.astype(np.float32).T)[0])
    enrolled = np.sort(order[400:])  # the 400 nearest rows do not count
    here = references_on(server, enrolled)
    _, found = here.nearest(query, 3)
    assert set(enrolled[found[0]]) == set(order[400:403].tolist())
    asked = server.asked
    assert np.array_equal(here.nearest(query, 3)[1], found) and server.asked == asked + 1
    again = ServedReferences(server, "rows", enrolled, enrolled % 3, here._read, here)
    assert np.array_equal(again.nearest(query, 3)[1], found) and server.asked == asked + 2


def test_too_much_in_the_way_is_told_with_its_cure(monkeypatch):
    monkeypatch.setattr(served, "_MOST_LEFT_OUT", 20)
    server = Server(unit(100, seed=1, spread=50))
    query = server.encodings[:1].astype(np.float32)
    order = np.argsort(-(query @ server.encodings.astype(np.float32).T)[0])
    with pytest.raises(GalleryError, match="kaodex gallery copy"):
        references_on(server, np.sort(order[50:])).nearest(query, 3)


def test_an_approximate_index_is_asked_for_more_and_ranked_here():
    server = Server(unit(300, seed=2, spread=50), index="IVF_SQ8")
    plain = server.nearest

    def blurred(collection, field, queries, k, without=()):
        near, keys = plain(collection, field, queries, k, without)
        return near, keys[:, ::-1]  # in the wrong order, as compressed encodings may put them

    server.nearest = blurred
    queries = unit(6, seed=9).astype(np.float32)
    here = references_on(server, np.arange(300))
    assert not here.exact
    for found, right in zip(here.nearest(queries, 5), nearest(server.encodings, queries, 5), strict=True):
        assert np.array_equal(found, right)


def test_as_many_queries_are_asked_at_once_as_are_answered_in_seconds(monkeypatch):
    pytest.importorskip("pymilvus", reason='pymilvus is missing: pip install "kaodex[milvus]"')
    clock, asked = [0.0], []

    class Client:
        def search(self, collection, data, **_):
            asked.append(len(data))
            clock[0] += 0.2 * len(data)  # seconds
            return [[{"id": int(query[0]), "distance": query[0]}] for query in data]

    monkeypatch.setattr("index.milvus.connection.monotonic", lambda: clock[0])
    monkeypatch.setattr("pymilvus.MilvusClient", lambda *_, **__: Client())
    connection = Connection(MilvusAddress("nowhere", 1, "x"))
    queries = np.arange(70, dtype=np.float32)[:, None]
    for _ in range(2):
        near, keys = connection.nearest("rows", "encoding", queries, 2)
        assert np.array_equal(keys[:, 0], np.arange(70)) and (keys[:, 1] == -1).all()
        assert np.array_equal(near[:, 0], queries[:, 0]) and np.isneginf(near[:, 1]).all()
    assert set(asked[:8]) == {8} and max(asked) == 8
    for least, most, sizes in ((0.1, 0.5, [8, 4, 2, 2]), (0.9, 9.0, [2, 4, 8, 8])):
        clock, asked = [0.0], []
        monkeypatch.setattr("index.milvus.connection._SHORT", least)
        monkeypatch.setattr("index.milvus.connection._LONG", most)
        connection.nearest("rows", "encoding", queries, 2)
        assert asked[:4] == sizes and sum(asked) == 70


def test_a_server_that_became_slow_is_asked_one_query_at_a_time_before_it_is_given_up(monkeypatch):
    pytest.importorskip("pymilvus", reason='pymilvus is missing: pip install "kaodex[milvus]"')
    from pymilvus.exceptions import MilvusException

    asked, most = [], [1]

    class Client:
        def search(self, collection, data, **_):
            asked.append(len(data))
            if len(data) > most[0]:
                raise MilvusException(message="Deadline Exceeded")
            return [[{"id": int(query[0]), "distance": query[0]}] for query in data]

    monkeypatch.setattr("pymilvus.MilvusClient", lambda *_, **__: Client())
    monkeypatch.setattr("index.milvus.connection._SHORT", 0.0)
    connection = Connection(MilvusAddress("nowhere", 1, "x"))
    queries = np.arange(10, dtype=np.float32)[:, None]
    assert np.array_equal(connection.nearest("rows", "encoding", queries, 1)[1][:, 0], np.arange(10))
    assert asked == [8] + [1] * 10
    most[0] = 0
    with pytest.raises(GalleryError, match="Deadline Exceeded"):
        connection.nearest("rows", "encoding", queries, 1)


def test_rows_that_were_just_read_are_not_read_again():
    server = Server(unit(50, seed=3))
    here, asked = references_on(server, np.arange(0, 50, 2)), []
    read = here._read
    here._read = lambda ids, identities: asked.append(ids.tolist()) or read(ids, identities)
    rows = here.rows("encodings")
    assert rows.shape == (25, 4) and len(rows) == 25
    assert np.array_equal(rows[np.array([5, 1, 5])], server.encodings[[10, 2, 10]])
    assert np.array_equal(here.rows("hashes")[np.array([1, 5])], np.array([9, 17], np.uint64))
    assert np.array_equal(rows[np.arange(25) == 7], server.encodings[[14]]) and np.array_equal(rows[1], rows[1:2][0])
    assert asked == [[2, 10], [14]]


@pytest.mark.parametrize("search", ["client", "server", "auto"])
def test_an_index_beside_a_file_is_refused_whoever_searches(search):
    store = MilvusStore.__new__(MilvusStore)  # whose address is all that is asked for
    store.path = MilvusAddress("localhost", 1, "x", search=search)
    gallery = Gallery(store)
    gallery.choose_search("exact")
    with pytest.raises(GalleryError) as told:
        gallery.choose_search("approximate")
    assert str(told.value).startswith("milvus://localhost:1/x is kept on a server, and --search approximate asks")
    assert "which searches it" not in str(told.value) and "leave it out" in str(told.value)


# -- a real server -----------------------------------------------------------------------------------------------------


def new(identity: str, picture: int) -> NewReference:
    direction = np.random.default_rng(int(identity[3:])).normal(size=8)
    vector = direction + 0.4 * np.random.default_rng(1000 + picture).normal(size=8)
    return NewReference(
        identity=identity,
        sha256=(picture // 2).to_bytes(32, "big"),
        source=f"refs/{picture}.png",
        box=(picture % 2 * 20, 0, picture % 2 * 20 + 10, 10),
        region="face",
        detection=0.75,
        hash=(picture * 0x9E3779B97F4A7C15) % 2**64,
        encoding=(vector / np.linalg.norm(vector)).astype(np.float16),
        crop=b"crop",
    )


def queries(seed: int, count: int = 5) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def told(gallery: Gallery, rule: str, only: list[str] | None = None) -> list[dict]:
    answers = gallery.recognize(queries(5, 20), fpir=0.2, rule=rule, only=only)
    return [answer.as_json() for answer in answers]


@pytest.mark.slow
def test_a_gallery_answers_the_same_whoever_searches(milvus_place, monkeypatch):
    monkeypatch.setattr(MilvusStore, "keep_calibration", lambda *_: None)  # else one reads what the other found
    here, there = (replace(milvus_place, search=search) for search in ("client", "server"))
    with Gallery.create(here, device="cpu") as client, Gallery.open(there, device="cpu") as server:
        client.enroll([new(f"who{number % 13}", number) for number in range(120)], STAMP)
        server.enroll([new("who50", 500), new("who51", 501)], STAMP, kind="character stranger")
        for change in (
            lambda: None,
            lambda: client.remove(["who3", "who4"]),
            lambda: server.enroll([new("who20", 200), new("who5", 201)], STAMP),
            lambda: client.undo(),
            lambda: server.merge(["who1", "who2"], "who2"),
        ):
            change()
            held = client.shelf("character")
            shelf = server.shelf("character")
            assert isinstance(shelf, ServedShelf) and not isinstance(held, ServedShelf) and len(shelf) == len(held)
            for k in (1, 7, 150):
                expected, found = client.search(queries(k), k), server.search(queries(k), k)
                for name, column in vars(expected).items():
                    assert np.array_equal(column, getattr(found, name)), name
        for rule in ("weighted", "centroid"):
            assert told(server, rule) == told(client, rule)
        assert told(server, "weighted", ["who5", "who6", "who7"]) == told(client, "weighted", ["who5", "who6", "who7"])
        known = client.calibrator("character").neighbourhoods(64)
        again = server.calibrator("character").neighbourhoods(64)
        assert np.array_equal(again.samples, known.samples) and np.array_equal(again.others, known.others)
        for one, other in ((again.strangers, known.strangers), (again.mated, known.mated)):
            assert np.array_equal(one.references, other.references)
            assert np.array_equal(one.similarities, other.similarities)
        some = server.shelf("character").references[[3, 70, -1]].tolist()
        assert server.near_duplicates(some) == client.near_duplicates(some)
        assert server.store.searched_by("character") == "by the server, exactly (index FLAT)"
        assert client.store.searched_by("character") == client.store.searched_by("artist") == ""


@pytest.mark.slow
def test_the_size_decides_who_searches_where_the_address_does_not(milvus_place, monkeypatch):
    with Gallery.create(milvus_place, device="cpu") as gallery:
        gallery.enroll([new(f"who{number}", number) for number in range(4)], STAMP)
        assert type(gallery.shelf("character")) is not ServedShelf
    monkeypatch.setattr("index.milvus.store.MOST_IN_MEMORY", 3)
    with Gallery.open(milvus_place, device="cpu") as gallery:
        assert type(gallery.shelf("character")) is ServedShelf
        assert type(gallery.shelf("artist")) is not ServedShelf and len(gallery.shelf("artist")) == 0


def choose_index(gallery: Gallery, kind: str, **settings: int) -> None:
    """Give the references another index, as somebody who runs the server may."""
    store = gallery.store
    assert isinstance(store, MilvusStore)
    milvus, collection = store._connection._client, f"{store.path.collection}_character"
    milvus.release_collection(collection)
    milvus.drop_index(collection, "encoding")
    index = milvus.prepare_index_params()
    index.add_index("encoding", index_type=kind, metric_type="IP", params=settings)
    milvus.create_index(collection, index)
    milvus.load_collection(collection)


@pytest.mark.slow
def test_an_index_of_the_servers_own_choice(milvus_place):
    with Gallery.create(replace(milvus_place, search="server"), device="cpu") as gallery:
        references = [new(f"who{number % 10}", number) for number in range(200)]
        gallery.enroll(references, STAMP)
        choose_index(gallery, "HNSW", M=8, efConstruction=64)
        try:
            assert "approximately (index HNSW)" in gallery.store.searched_by("character")
            asked = np.stack([one.encoding for one in references[:20]]).astype(np.float32)
            found = gallery.search(asked, 5)
            right = nearest(np.stack([one.encoding for one in references]), asked, 5)
            assert np.array_equal(found.similarities, np.clip(right[0], -1, 1))
        finally:
            choose_index(gallery, "FLAT")
