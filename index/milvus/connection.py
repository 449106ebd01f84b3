"""What is asked of a Milvus server: collections, rows in, rows out; and its complaints in the user's words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from data.errors import GalleryError, MissingDependency
from data.gallery_place import TOKEN_VARIABLE, MilvusAddress

PATIENCE = 30.0
"""Seconds after which a server that does not answer is given up."""

_LONGEST_TEXT = 65_535
_MOST_BYTES = 4_000_000
_MOST_KEYS = 1024

MOST_HITS = 16_384
"""How many neighbours a server gives for a query at most."""

_HITS_AT_ONCE = 262_144
_MOST_QUERIES = 1024
_LONG, _SHORT = 4.0, 1.0
"""Seconds of one request above which the next asks for fewer queries, and below which for more."""


class Connection:
    """One client of one server. Every method raises GalleryError where the server refuses, or cannot be reached.

    Reads are strongly consistent: they see all that was written before, by whatever client.
    """

    def __init__(self, address: MilvusAddress) -> None:
        """Raises MissingDependency without pymilvus."""
        try:
            import pymilvus
        except ImportError as error:
            raise MissingDependency(
                'a gallery on a Milvus server needs pymilvus: pip install "kaodex[milvus]"'
            ) from error
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs each failed call; here every one is raised
        self._address = address
        self._queries_at_once = 8
        with self._told():
            self._client = pymilvus.MilvusClient(
                address.uri,
                token=address.token,
                timeout=PATIENCE,
                dedicated=True,  # two galleries in one process close each its own
                **({"secure": True} if address.tls else {}),
                **({"server_pem_path": address.certificate} if address.certificate else {}),
            )

    def close(self) -> None:
        """Let go of the server."""
        with self._told():
            self._client.close()

    def description(self, collection: str) -> str | None:
        """What a collection says of itself; None where there is none of this name."""
        with self._told():
            if not self._client.has_collection(collection, timeout=PATIENCE):
                return None
            return str(self._client.describe_collection(collection, timeout=PATIENCE)["description"])

    def create(
        self,
        collection: str,
        description: str,
        key: str,
        fields: Mapping[str, tuple[type, int]],
        vector: tuple[str, int],
    ) -> None:
        """Make a collection, or find it made like this; `fields` are of a type and, for text, of a length in bytes.

        `key` is the name of the field that tells rows apart, `vector` the name and the dimension of its vectors.
        """
        from pymilvus import DataType

        kinds = {int: DataType.INT64, float: DataType.DOUBLE, str: DataType.VARCHAR}
        with self._told():
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False, description=description)
            for name, (kind, length) in fields.items():
                options = {"max_length": length or _LONGEST_TEXT} if kind is str else {}
                schema.add_field(name, kinds[kind], is_primary=name == key, **options)
            schema.add_field(vector[0], DataType.FLOAT_VECTOR, dim=vector[1])
            index = self._client.prepare_index_params()
            index.add_index(vector[0], index_type="FLAT", metric_type="IP")
            self._client.create_collection(
                collection,
                schema=schema,
                index_params=index,
                num_shards=1,  # rows of one insert are then seen together
                consistency_level="Strong",
                timeout=PATIENCE,
            )

    def load(self, collection: str) -> None:
        """Have the server hold a collection in memory, which it must to read from it."""
        with self._told():
            self._client.load_collection(collection, timeout=PATIENCE)

    def insert(self, collection: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, in as few requests as their size allows; those of one request are seen together."""
        for some in _pieces(rows):
            with self._told():
                self._client.insert(collection, some, timeout=PATIENCE)

    def replace(self, collection: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows in place of those with their keys."""
        for some in _pieces(rows):
            with self._told():
                self._client.upsert(collection, some, timeout=PATIENCE)

    def find(
        self, collection: str, condition: str, fields: Sequence[str], *, fresh: bool = True
    ) -> list[dict[str, Any]]:
        """The rows for which a condition of Milvus's language holds.

        Without `fresh`, the server need not wait for what was written within the last seconds.
        """
        with self._told():
            found = self._client.query(
                collection,
                filter=condition,
                output_fields=list(fields),
                consistency_level="Strong" if fresh else "Eventually",
                timeout=PATIENCE,
            )
            return [dict(row) for row in found]

    def find_among(
        self, collection: str, field: str, values: Iterable[int | str], fields: Sequence[str], *, fresh: bool = True
    ) -> Iterator[dict[str, Any]]:
        """The rows whose field has one of these values, in no order; `fresh` is as in `find`."""
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), _MOST_KEYS):
            some = json.dumps(wanted[start : start + _MOST_KEYS], ensure_ascii=False)
            yield from self.find(collection, f"{field} in {some}", fields, fresh=fresh)

    def index(self, collection: str, field: str) -> str:
        """The type of the index over a field of vectors, in Milvus's words: `FLAT`, `HNSW`, `IVF_FLAT` …"""
        with self._told():
            names = self._client.list_indexes(collection, field_name=field, timeout=PATIENCE)
            described = self._client.describe_index(collection, names[0], timeout=PATIENCE) if names else {}
            return str((described or {}).get("index_type", ""))

    def nearest(
        self,
        collection: str,
        field: str,
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        without: Sequence[int] = (),
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        """The k rows whose vectors are nearest to each query by inner product, as the collection's index finds them.

        `without` are rows that are left out, by their field `id`; k is at most MOST_HITS. Past the last: similarity
        -inf, key -1. As many queries are asked at once as the server answers within a few seconds.
        """
        similarities = np.full((len(queries), k), -np.inf, np.float32)
        keys = np.full((len(queries), k), -1, np.int64)
        condition = f"id not in {json.dumps(list(without))}" if without else ""
        most = max(1, _HITS_AT_ONCE // k)
        start = 0
        while start < len(queries):
            some = min(self._queries_at_once, most)
            began = monotonic()
            try:
                with self._told():
                    found = self._client.search(
                        collection,
                        data=queries[start : start + some].tolist(),
                        anns_field=field,
                        filter=condition,
                        limit=k,
                        search_params={"metric_type": "IP", "params": _effort(k)},
                        consistency_level="Strong",
                        timeout=PATIENCE,
                    )
            except GalleryError as error:
                if some == 1 or "Deadline Exceeded" not in str(error):
                    raise
                self._queries_at_once = 1  # the server became slow: one at a time, or it is given up
                continue
            for row, hits in enumerate(found, start):
                similarities[row, : len(hits)] = [hit["distance"] for hit in hits]
                keys[row, : len(hits)] = [hit["id"] for hit in hits]
            start += some
            seconds = monotonic() - began
            if seconds > _LONG:
                self._queries_at_once = max(1, some // 2)
            elif seconds < _SHORT and start <= len(queries):  # a full request
                self._queries_at_once = min(_MOST_QUERIES, max(self._queries_at_once, 2 * some))
        return similarities, keys

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The server's complaints in the user's words, and never with the token."""
        import grpc
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, grpc.RpcError) as error:
            told = getattr(error, "message", "") or getattr(error, "details", str)() or str(error)
            words = str(told).strip().splitlines()[0]
            for secret in {self._address.token, self._address.token.partition(":")[2]} - {""}:
                words = words.replace(secret, "…")
        else:
            return
        raise GalleryError(
            f"{self._address}: {words[:300]}: does the server run, is it reached from here, and is the token right "
            f"(milvus://TOKEN@HOST:PORT/COLLECTION, or {TOKEN_VARIABLE})? What was enrolled is kept, and the same "
            "command goes on from there"
        ) from None


def _pieces(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows in runs of at most about _MOST_BYTES."""
    some: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        added = sum(
            len(value) * (1 if isinstance(value, str) else 4) for value in row.values() if hasattr(value, "__len__")
        )
        if some and size + added > _MOST_BYTES:
            yield some
            some, size = [], 0
        some.append(row)
        size += added
    if some:
        yield some


def _effort(k: int) -> dict[str, int]:
    """How hard an approximate index should try; an exact one takes no notice."""
    return {"ef": max(256, 2 * k), "nprobe": 64}
