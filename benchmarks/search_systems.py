"""What `benchmarks/search.py` compares: each system as its own documentation shows it, behind one small interface.

All are given the same float16 vectors under the positions 0, 1, 2 … and float32 queries. A graph or an inverted file is
searched as widely as its recall needs: `widths` are what is tried, the narrowest first.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vectors import BLOCK, DIMENSION

Rows = NDArray[np.float16]
Queries = NDArray[np.float32]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class VectorFile:
    """Float16 vectors in a plain file, read in blocks, so that a system's memory is its own."""

    path: Path
    count: int

    def blocks(self) -> Iterator[Rows]:
        """All vectors in order."""
        with self.path.open("rb") as file:
            for start in range(0, self.count, BLOCK):
                rows = min(BLOCK, self.count - start)
                yield np.fromfile(file, np.float16, rows * DIMENSION).reshape(rows, DIMENSION)

    def all(self) -> Queries:
        """All vectors in one array of float32."""
        held = np.empty((self.count, DIMENSION), np.float32)
        start = 0
        for block in self.blocks():
            held[start : start + len(block)] = block
            start += len(block)
        return held


class System:
    """One way to the nearest vectors; made in a process of its own."""

    name: str
    packages: Sequence[str]
    """Whose versions tell what was measured."""
    exact = True
    """Whether it finds the nearest of all by float32 products or better."""
    widths: Sequence[int] = ()
    bytes_per_vector: float

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Take all vectors in; what is kept on the disk goes into the folder."""
        raise NotImplementedError

    def widen(self, width: int) -> None:
        """Search more of the index from now on."""
        raise NotImplementedError

    def search(self, queries: Queries, k: int) -> Positions:
        """The k nearest positions of each query, of shape (queries, k)."""
        raise NotImplementedError


class KaodexVectors(System):
    """Kaodex's exact search over vectors in memory, without a gallery around it."""

    name = "Kaodex, vectors alone"
    packages: Sequence[str] = ("kaodex",)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Add them block by block."""
        from index.search import VectorSearch

        self._search = VectorSearch(DIMENSION, "cpu")
        for block in vectors.blocks():
            self._search.add(block)
        self.bytes_per_vector = DIMENSION * 2.0

    def search(self, queries: Queries, k: int) -> Positions:
        """As a shelf asks."""
        return self._search.search(queries, k)[1]


class KaodexGallery(System):
    """`Gallery.search` on a gallery's file: what a user gets."""

    name = "Kaodex, Gallery"
    packages: Sequence[str] = ("kaodex",)
    _batch = 8192

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Enrol them with their identities and no picture, and search once, which reads the gallery."""
        from index.gallery import Gallery

        folder = folder.parent / "gallery"  # also of the system with PyTorch: the file is the same
        folder.mkdir(exist_ok=True)
        self._gallery = Gallery.create(folder / "gallery.kaodex", device="cpu")
        self._gallery.choose_search("exact")
        if not len(self._gallery):
            self._enroll(vectors)
        nobody = np.eye(1, DIMENSION, dtype=np.float32)
        self._first = int(self._gallery.shelf("character").references[0])
        self.search(nobody, 1)
        self.bytes_per_vector = folder_size(folder) / vectors.count

    def _enroll(self, vectors: VectorFile) -> None:
        from vectors import EACH

        from index.records import EncoderStamp, NewReference

        stamp = EncoderStamp("synthetic", "none", DIMENSION)
        command = self._gallery.begin("benchmark")
        number = 0
        for block in vectors.blocks():
            for start in range(0, len(block), self._batch):
                new = []
                for encoding in block[start : start + self._batch]:
                    new.append(
                        NewReference(
                            identity=f"identity {number // EACH}",
                            sha256=hashlib.sha256(number.to_bytes(8, "little")).digest(),
                            source=f"{number}.jpg",
                            box=(0, 0, 128, 128),
                            region="whole",
                            detection=1.0,
                            hash=number,
                            encoding=encoding,
                            crop=b"",
                        )
                    )
                    number += 1
                self._gallery.enroll(new, stamp, command=command)

    def search(self, queries: Queries, k: int) -> Positions:
        """Ids of references, which were given in order, as positions."""
        return self._gallery.search(queries, k).references - self._first


class KaodexGalleryTorch(KaodexGallery):
    """The same where the program uses PyTorch, which Kaodex's search then uses too. Opens the other's file."""

    name = "Kaodex, Gallery, PyTorch in use"
    packages = ("kaodex", "torch")

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Import PyTorch, as an encoder on a GPU or a training does."""
        import torch  # noqa: F401

        super().build(vectors, folder)


class KaodexGalleryApproximate(KaodexGallery):
    """The same gallery searched by its approximate index, which `kaodex gallery index` builds."""

    name = "Kaodex, Gallery, approximate"
    exact = False

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Enrol where nobody did, and build the index."""
        from index.approximate import build_now

        super().build(vectors, folder)
        self._gallery.keep_shelves()
        build_now(self._gallery.store, "character", force=True)
        self._gallery.choose_search("approximate")
        self.search(np.eye(1, DIMENSION, dtype=np.float32), 1)
        self.bytes_per_vector = folder_size(folder.parent / "gallery") / vectors.count


class KaodexRoute(KaodexVectors):
    """One of Kaodex's exact routes, taken whatever the size."""

    route: str

    @property
    def name(self) -> str:  # type: ignore[override]
        """The route's."""
        return self.route

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Let the search choose this route always."""
        from index.search import routes
        from index.search import vectors as searching

        if self.route == routes.Route.PROPOSAL:
            import torch  # noqa: F401, the route is taken where PyTorch is in use

            if not searching.can_propose():
                raise RuntimeError("this processor does not multiply bfloat16")
        chosen = routes.Route(self.route)
        searching.fastest_route = lambda *_, **__: chosen
        super().build(vectors, folder)


class ScanRoute(KaodexRoute):
    """FAISS over float16."""

    route = "scan"


class ProductRoute(KaodexRoute):
    """Matrix products in ONNX Runtime."""

    route = "product"


class ProposalRoute(KaodexRoute):
    """Products in bfloat16, ranked again."""

    route = "proposal"
    packages = ("kaodex", "torch")


class FaissFlat(System):
    """FAISS's exact index as it is mostly used."""

    name = "FAISS IndexFlatIP"
    packages = ("faiss-cpu|faiss-gpu",)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32."""
        import faiss

        self._take(faiss.IndexFlatIP(DIMENSION), vectors)
        self.bytes_per_vector = DIMENSION * 4.0

    def _take(self, index: Any, vectors: VectorFile) -> None:
        self._index = index
        for block in vectors.blocks():
            index.add(block.astype(np.float32))

    def search(self, queries: Queries, k: int) -> Positions:
        """All at once."""
        return self._index.search(queries, k)[1]


class FaissHalf(FaissFlat):
    """FAISS's scan over float16."""

    name = "FAISS IndexScalarQuantizer fp16"

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """The vectors as they are."""
        import faiss

        self._take(
            faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT), vectors
        )
        self.bytes_per_vector = DIMENSION * 2.0


class Numpy(System):
    """What one writes oneself."""

    name = "numpy product, argpartition"
    packages = ("numpy",)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32."""
        self._vectors = vectors.all()
        self.bytes_per_vector = DIMENSION * 4.0

    def search(self, queries: Queries, k: int) -> Positions:
        """32 queries at a time: the positions that `argpartition` gives take 8 bytes for each product."""
        found = np.empty((len(queries), k), np.int64)
        for start in range(0, len(queries), 32):
            near = queries[start : start + 32] @ self._vectors.T
            best = np.argpartition(near, -k, axis=1)[:, -k:]
            order = np.argsort(-np.take_along_axis(near, best, 1), axis=1)
            found[start : start + 32] = np.take_along_axis(best, order, 1)
        return found


class Torch(System):
    """PyTorch's product and topk on the processor."""

    name = "PyTorch mm, topk, float32"
    packages = ("torch",)
    _number = "float32"

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """A tensor of the kind."""
        import torch

        self._kind = getattr(torch, self._number)
        self._vectors = torch.empty(vectors.count, DIMENSION, dtype=self._kind)
        start = 0
        for block in vectors.blocks():
            self._vectors[start : start + len(block)] = torch.from_numpy(block)
            start += len(block)
        self.bytes_per_vector = float(DIMENSION * self._vectors.element_size())

    def search(self, queries: Queries, k: int) -> Positions:
        """All at once."""
        import torch

        with torch.inference_mode():
            near = torch.from_numpy(queries).to(self._kind) @ self._vectors.T
            return near.topk(k, dim=1).indices.numpy()


class TorchBfloat16(Torch):
    """The same with 8 bits of precision: fast where the processor multiplies them, and not exact."""

    name = "PyTorch mm, topk, bfloat16"
    exact = False
    _number = "bfloat16"


class ScikitLearn(System):
    """scikit-learn's brute force. Of unit vectors the nearest by distance are the nearest by inner product."""

    name = "scikit-learn brute force"
    packages = ("scikit-learn",)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32."""
        from sklearn.neighbors import NearestNeighbors

        held = vectors.all()
        held /= np.linalg.norm(held, axis=1, keepdims=True)  # float16 left them a little longer or shorter than 1
        self._neighbours = NearestNeighbors(algorithm="brute", metric="sqeuclidean").fit(held)
        self.bytes_per_vector = DIMENSION * 4.0

    def search(self, queries: Queries, k: int) -> Positions:
        """All at once."""
        return self._neighbours.kneighbors(queries, k, return_distance=False)


class Hnswlib(System):
    """The HNSW graph of its inventors, with their usual settings: 16 links, 200 candidates while building."""

    name = "hnswlib"
    packages = ("hnswlib",)
    exact = False
    widths = (50, 100, 200, 400, 800, 1600)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32 in a graph; its file is as large as what it holds in memory."""
        import hnswlib

        self._index = hnswlib.Index(space="ip", dim=DIMENSION)
        self._index.init_index(max_elements=vectors.count, ef_construction=200, M=16)
        for block in vectors.blocks():
            self._index.add_items(block.astype(np.float32))
        self.bytes_per_vector = self._index.index_file_size() / vectors.count

    def widen(self, width: int) -> None:
        """`ef`: candidates while searching."""
        self._index.set_ef(width)

    def search(self, queries: Queries, k: int) -> Positions:
        """All at once."""
        return self._index.knn_query(queries, k)[0].astype(np.int64)


class UsearchExact(System):
    """usearch's exact search over an array."""

    name = "usearch exact"
    packages = ("usearch",)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32: over float16 it would round the queries too."""
        self._vectors = vectors.all()
        self.bytes_per_vector = DIMENSION * 4.0

    def search(self, queries: Queries, k: int) -> Positions:
        """All at once."""
        from usearch.index import MetricKind, search

        return search(self._vectors, queries, k, MetricKind.IP, exact=True).keys.reshape(-1, k).astype(np.int64)


class UsearchGraph(System):
    """usearch's HNSW graph over float16, with its own default settings."""

    name = "usearch graph"
    packages = ("usearch",)
    exact = False
    widths = (64, 128, 256, 512, 1024, 2048)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Block by block."""
        from usearch.index import Index

        self._index: Any = Index(ndim=DIMENSION, metric="ip", dtype="f16")
        start = 0
        for block in vectors.blocks():
            self._index.add(np.arange(start, start + len(block)), block)
            start += len(block)
        self.bytes_per_vector = self._index.memory_usage / vectors.count

    def widen(self, width: int) -> None:
        """Candidates while searching."""
        self._index.expansion_search = width

    def search(self, queries: Queries, k: int) -> Positions:
        """All at once."""
        return self._index.search(queries, k).keys.reshape(-1, k).astype(np.int64)


class LanceFlat(System):
    """A table of LanceDB without an index. Over float16 it rounds the queries too, so it misses a few of a thousand."""

    name = "LanceDB flat"
    packages = ("lancedb",)
    exact = False

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float16 columns on the disk."""
        import lancedb
        import pyarrow

        os.environ.setdefault("LANCE_LOG", "error")
        table: Any = None
        start = 0
        for block in vectors.blocks():
            rows = pyarrow.table(
                {
                    "id": pyarrow.array(np.arange(start, start + len(block))),
                    "vector": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.ravel()), DIMENSION),
                }
            )
            if table is None:
                table = lancedb.connect(folder).create_table("vectors", rows)
            else:
                table.add(rows)
            start += len(block)
        self._table = table
        self._finish()
        self.bytes_per_vector = folder_size(folder) / vectors.count

    def _finish(self) -> None: ...

    def _narrowed(self, search: Any) -> Any:
        return search.bypass_vector_index()

    def search(self, queries: Queries, k: int) -> Positions:
        """One request for the batch."""
        search = self._narrowed(self._table.search(list(queries), vector_column_name="vector").distance_type("dot"))
        found = search.select(["id", "_distance"]).limit(k).to_arrow()
        positions = np.full((len(queries), k), -1, np.int64)
        rows = found["query_index"].to_numpy() if "query_index" in found.column_names else np.zeros(len(found), int)
        places = np.arange(len(rows)) - np.searchsorted(rows, rows)
        positions[rows, places] = found["id"].to_numpy()
        return positions


class LanceIndexed(LanceFlat):
    """The same table with its inverted file over unshortened vectors."""

    name = "LanceDB IVF_FLAT"
    exact = False
    widths = (5, 10, 20, 40, 80, 160)
    _probes = 20

    def _finish(self) -> None:
        from lancedb.index import IvfFlat

        self._table.create_index("vector", config=IvfFlat(distance_type="dot"))

    def widen(self, width: int) -> None:
        """Partitions that are looked into."""
        self._probes = width

    def _narrowed(self, search: Any) -> Any:
        return search.nprobes(self._probes)


class MilvusLite(System):
    """Milvus Lite with a flat index, in this process."""

    name = "Milvus Lite FLAT"
    packages = ("milvus-lite", "pymilvus")

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32 fields; flushed and loaded."""
        from pymilvus import DataType, MilvusClient

        self._client = MilvusClient(str(folder / "vectors.db"))
        schema = self._client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSION)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="IP")
        self._client.create_collection("vectors", schema=schema, index_params=index)
        number = 0
        for block in vectors.blocks():
            for start in range(0, len(block), 5000):
                rows = block[start : start + 5000].astype(np.float32)
                self._client.insert("vectors", [{"id": number + at, "vector": row} for at, row in enumerate(rows)])
                number += len(rows)
        self._client.flush("vectors")
        self._client.load_collection("vectors")
        self.bytes_per_vector = folder_size(folder) / vectors.count

    def search(self, queries: Queries, k: int) -> Positions:
        """One request for the batch."""
        found = self._client.search("vectors", list(queries), limit=k, search_params={"metric_type": "IP"})
        return np.array([[hit["id"] for hit in hits] for hits in found], np.int64)


class QdrantLocal(System):
    """The Qdrant client's own mode without a server, in memory."""

    name = "Qdrant local"
    packages = ("qdrant-client",)

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Float32 points without payload."""
        from qdrant_client import QdrantClient, models

        self._client = QdrantClient(":memory:")
        space = models.VectorParams(size=DIMENSION, distance=models.Distance.DOT)
        self._client.create_collection("vectors", vectors_config=space)
        start = 0
        for block in vectors.blocks():
            ids = range(start, start + len(block))
            self._client.upload_collection("vectors", vectors=block.astype(np.float32), ids=ids, batch_size=1000)
            start += len(block)
        self.bytes_per_vector = DIMENSION * 4.0

    def search(self, queries: Queries, k: int) -> Positions:
        """One request for the batch."""
        from qdrant_client import models

        asked = [models.QueryRequest(query=query.tolist(), limit=k) for query in queries]
        found = self._client.query_batch_points("vectors", asked)
        return np.array([[hit.id for hit in hits.points] for hits in found], np.int64)


SYSTEMS: dict[str, Callable[[], System]] = {
    "gallery": KaodexGallery,
    "gallery-torch": KaodexGalleryTorch,
    "vectors": KaodexVectors,
    "flat": FaissFlat,
    "fp16": FaissHalf,
    "numpy": Numpy,
    "torch": Torch,
    "torch-bf16": TorchBfloat16,
    "sklearn": ScikitLearn,
    "usearch-exact": UsearchExact,
    "lance": LanceFlat,
    "milvus-lite": MilvusLite,
    "qdrant": QdrantLocal,
    "gallery-approximate": KaodexGalleryApproximate,
    "hnswlib": Hnswlib,
    "usearch": UsearchGraph,
    "lance-ivf": LanceIndexed,
    "route-scan": ScanRoute,
    "route-product": ProductRoute,
    "route-proposal": ProposalRoute,
}
"""By the words that `--systems` takes, exact ones first."""

ROUTES = ("route-scan", "route-product", "route-proposal")
"""Those that `--routes` compares."""


def versions(system: System) -> list[str] | None:
    """The packages of a system with their versions; None where one is not installed."""
    found = [_installed(name) for name in system.packages]
    return None if None in found else [told for told in found if told]


def missing(system: System) -> list[str]:
    """Those of its packages that are not installed."""
    return [name.replace("|", " or ") for name in system.packages if _installed(name) is None]


def _installed(names: str) -> str | None:
    """Of alternatives with `|` between them, the first that is installed, with its version."""
    for name in names.split("|"):
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return None


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
