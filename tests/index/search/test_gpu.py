"""The copy on a GPU, with FAISS's CPU indexes standing in for those of a GPU: all but the device itself."""

import logging

import numpy as np
import pytest

import index.search.gpu as gpu_module
from data.errors import MissingDependency
from index.search import VectorSearch
from index.search.gpu import GpuVectors, gpu_vectors

faiss = pytest.importorskip("faiss")


class Resources:
    def setTempMemory(self, size):
        assert 0 < size <= 1 << 30


class Configuration:
    useFloat16 = False
    device = 0


class Index(faiss.IndexFlatIP):
    """Like a GPU's: float16 numbers, k up to 2,048, so much room, nothing else."""

    room = 10**9

    def __init__(self, resources, dimension, configuration):
        super().__init__(dimension)
        assert configuration.useFloat16

    def add(self, vectors):
        if self.ntotal + len(vectors) > self.room:
            raise RuntimeError("Error: StandardGpuResources: alloc fail: out of memory\nat somewhere")
        super().add(vectors.astype(np.float16).astype(np.float32))

    def search(self, queries, k):
        assert k <= 2048
        return super().search(queries.astype(np.float16).astype(np.float32), k)


class Inverted(faiss.IndexIVFScalarQuantizer):
    """Like a GPU's inverted file."""

    room = 10**9
    longest = 10**9

    def __init__(self, resources, dimension, lists, kind, metric, by_residual, configuration):
        coarse = faiss.IndexFlatIP(dimension)
        super().__init__(coarse, dimension, lists, kind, metric, by_residual)
        self.referenced_objects = [coarse]

    def add(self, vectors):
        if self.ntotal + len(vectors) > self.room:
            raise RuntimeError("Error: out of memory")
        super().add(vectors)

    def search(self, queries, k):
        assert k <= 2048
        self.nprobe = min(self.nprobe, self.longest)
        return super().search(queries, k)


@pytest.fixture
def two_gpus(monkeypatch):
    class StandIn:
        METRIC_INNER_PRODUCT = faiss.METRIC_INNER_PRODUCT
        ScalarQuantizer = faiss.ScalarQuantizer
        GpuIndexIVFScalarQuantizerConfig = Configuration
        GpuIndexIVFScalarQuantizer = Inverted
        StandardGpuResources = Resources
        GpuIndexFlatConfig = Configuration
        GpuIndexFlatIP = Index

    monkeypatch.setattr(gpu_module, "faiss_library", lambda: StandIn)
    monkeypatch.setattr(gpu_module, "count_gpus", lambda: 2)
    monkeypatch.setattr(gpu_module, "WORTH_A_GPU", 100)
    monkeypatch.setattr(gpu_module, "_STEP", 64)


def unit(shape, seed):
    vectors = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("device", ["auto", "cuda:1"])
def test_the_gpu_answers_as_the_cpu_does(two_gpus, device):
    stored, asked = unit((1500, 16), 1).astype(np.float16), unit((9, 16), 2)
    on_gpu, on_cpu = VectorSearch(16, device), VectorSearch(16, "cpu")
    rng = np.random.default_rng(3)
    removed = np.zeros(0, bool)
    for start in range(0, 1500, 500):  # additions and removals in turns
        for search in (on_gpu, on_cpu):
            search.add(stored[start : start + 500])
        removed = np.concatenate([removed, np.zeros(500, bool)])
        for k in (1, 10, 300):
            for one, other in zip(on_gpu.search(asked, k, removed), on_cpu.search(asked, k, removed), strict=True):
                assert np.array_equal(one, other)
        removed |= rng.random(len(removed)) < 0.2
    assert on_gpu.device == ("cuda:0,cuda:1" if device == "auto" else "cuda:1")


def test_much_that_is_removed_leaves_the_copy(two_gpus, monkeypatch):
    monkeypatch.setattr(gpu_module, "MOST_REMOVED", 30)
    stored = unit((400, 16), 1).astype(np.float16)
    copy = GpuVectors(16, [0, 1])
    copy.follow(stored, None)
    removed = np.arange(400) < 25
    copy.follow(stored, removed)
    assert sum(index.ntotal for index in copy._indexes) == 400
    removed = np.arange(400) < 50
    copy.follow(stored, removed)
    assert sum(index.ntotal for index in copy._indexes) == 350
    removed[10] = False  # an undo brings one back: it is not in the copy any more
    copy.follow(stored, removed)
    found = copy.candidates(stored, stored[10:11].astype(np.float32), 1, removed)
    assert 10 in found.positions.tolist()


def test_a_full_gpu_leaves_the_search_to_the_cpu_and_says_so_once(two_gpus, monkeypatch, caplog):
    monkeypatch.setattr(Index, "room", 300)
    stored, asked = unit((1000, 16), 1).astype(np.float16), unit((2, 16), 2)
    search = VectorSearch(16, "cuda:0")
    search.add(stored)
    with caplog.at_level(logging.WARNING):
        first = search.search(asked, 5)
        search.search(asked, 5)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("searching on the CPU: the GPU cannot hold 1,000 vectors") and told.endswith("of memory)")
    assert search.device == "cpu"
    plain = VectorSearch(16, "cpu")
    plain.add(stored)
    assert np.array_equal(first[1], plain.search(asked, 5)[1])


class TestInverted:
    """Where float16 does not fit."""

    @pytest.fixture
    def full(self, two_gpus, monkeypatch):
        monkeypatch.setattr(Index, "room", 600)
        stored = unit((3000, 16), 1).astype(np.float16)
        search = VectorSearch(16, "auto")
        search.add(stored)
        search.approximate_beyond = 2000
        return search, stored

    def test_an_inverted_file_takes_its_place_with_its_recall(self, full, caplog):
        search, stored = full
        asked = unit((50, 16), 2)
        plain = VectorSearch(16, "cpu")
        plain.add(stored)
        with caplog.at_level(logging.WARNING):
            near, where = search.search(asked, 10)
        (told,) = [record.getMessage() for record in caplog.records]
        assert "an inverted file in 8 bits takes their place (recall@10 0.99" in told or "recall@10 1.000" in told
        assert search.device == "cuda:0,cuda:1"
        exact = plain.search(asked, 10)
        same = np.mean([np.isin(one, other).mean() for one, other in zip(exact[1], where, strict=True)])
        assert same > 0.97
        found = np.isin(where, exact[1])
        assert set(np.round(near[found], 6)) <= set(np.round(exact[0].ravel(), 6))  # ranked by the stored numbers

    def test_it_follows_what_comes_and_goes(self, full):
        search, stored = full
        search.search(unit((1, 16), 2), 1)
        search.add(unit((10, 16), 3).astype(np.float16))
        removed = np.zeros(3010, bool)
        removed[7] = True
        asked = np.stack([search.vectors()[3005], stored[7]]).astype(np.float32)
        where = search.search(asked, 3, removed)[1]
        assert where[0, 0] == 3005 and 7 not in where

    def test_exact_stays_exact(self, full, caplog):
        search, _ = full
        search.approximate_beyond = None
        with caplog.at_level(logging.WARNING):
            search.search(unit((1, 16), 2), 1)
        assert search.device == "cpu" and "searching on the CPU" in caplog.text and "inverted" not in caplog.text

    def test_one_that_finds_too_little_is_not_used(self, full, caplog, monkeypatch):
        monkeypatch.setattr(Inverted, "longest", 1)
        search, stored = full
        with caplog.at_level(logging.WARNING):
            where = search.search(stored[:1].astype(np.float32), 5)[1]
        assert search.device == "cpu" and "finds only 0." in caplog.text and where[0, 0] == 0

    def test_one_that_does_not_fit_either(self, full, caplog, monkeypatch):
        monkeypatch.setattr(Inverted, "room", 100)
        search, _ = full
        with caplog.at_level(logging.WARNING):
            search.search(unit((1, 16), 2), 1)
        assert search.device == "cpu" and "cannot hold 3,000 vectors (Error: out of memory)" in caplog.text


def test_few_vectors_stay_on_the_cpu(two_gpus):
    search = VectorSearch(16, "auto")
    search.add(unit((50, 16), 1).astype(np.float16))
    search.search(unit((1, 16), 2), 1)
    assert search.device == "cpu"


def test_a_number_that_there_is_not(two_gpus):
    with pytest.raises(MissingDependency, match="FAISS sees 2 GPUs, not the one of device 'cuda:2'"):
        gpu_vectors(16, "cuda:2")
