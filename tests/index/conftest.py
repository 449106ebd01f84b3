"""A real Milvus server, started for the tests that ask for one and stopped after them."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.gallery_place import MilvusAddress

TOKEN = "root:Milvus"
QUICK = {
    "proxy.timeTickInterval": 20,  # what a strongly consistent read waits for, in ms
    "queryCoord.checkInterval": 100,  # what making a collection waits for, in ms
    "queryCoord.distPullInterval": 100,
    "common.session.ttl": 10,  # seconds until a server that was killed is given up by the next one
}
"""Settings with which the tests wait a tenth of what a server makes them wait as it comes."""

PATIENCE = 120.0
"""Seconds that a server may take to come up on a busy machine."""


class RunningMilvus:
    """The server of the package `milvus`, with users and TLS, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        from milvus import MilvusServer

        self._server = MilvusServer()
        self._server.set_base_dir(str(folder / "server"))
        self._server.config.set("authorization_enabled", True)
        for setting, value in QUICK.items():
            self._server.config.set(setting, value)
        self.certificate = ""
        if shutil.which("openssl"):
            self.certificate = str(folder / "certificate.pem")
            subprocess.run(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
                f"-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out {self.certificate}",
                shell=True,
                check=True,
                cwd=folder,
                stderr=subprocess.DEVNULL,
            )
            self._server.config.set("server_pem_path", self.certificate)
            self._server.config.set("server_key_path", str(folder / "key.pem"))
            self._server.config.set("tls_mode", 1)
        self.start()

    def start(self) -> None:
        """Start it, again with the same data, and wait until it answers."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the package leaves sockets to the garbage collector
            self._server.start()
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        """The package waits for the server's process to listen; its parts come up one after the other after that."""
        from pymilvus import MilvusClient
        from pymilvus.exceptions import MilvusException

        address = self.address("nothing")
        end = time.monotonic() + PATIENCE
        while True:
            try:
                client = MilvusClient(
                    address.uri, token=address.token, server_pem_path=address.certificate, dedicated=True
                )
                client.list_collections()
                client.close()
                return
            except MilvusException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        os.kill(self._server.server_proc.pid, signal.SIGKILL)
        self._server.server_proc.wait()
        self._server.config.configs["proxy_port"] = self._server.listen_port  # where its clients look for it
        self._server.stop()

    def stop(self) -> None:
        """End it."""
        self._server.stop()

    def address(self, collection: str) -> MilvusAddress:
        """Where a gallery on it is."""
        return MilvusAddress(
            "localhost",
            self._server.listen_port,
            collection,
            token=TOKEN,
            tls=bool(self.certificate),
            certificate=self.certificate,
        )


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory) -> Iterator[RunningMilvus]:
    for package in ("pymilvus", "milvus"):
        pytest.importorskip(package, reason=f'{package} is missing: pip install "kaodex[milvus,dev]"')
    folder = tmp_path_factory.mktemp("milvus")
    server = RunningMilvus(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)  # a gigabyte of unpacked programs


def forget(address: MilvusAddress) -> None:
    """Delete all rows of a gallery; its collections, which take seconds to make, stay."""
    from pymilvus import MilvusClient

    client = MilvusClient(address.uri, token=address.token, server_pem_path=address.certificate, dedicated=True)
    for collection in client.list_collections():
        if collection.startswith(f"{address.collection}_"):
            key = "key" if collection.endswith(("_journal", "_blobs")) else "id"
            client.delete(collection, filter=f'{key} != ""' if key == "key" else "id >= 0")
    client.close()


@pytest.fixture
def milvus_place(milvus_server, request: pytest.FixtureRequest) -> Iterator[MilvusAddress]:
    """The address of an empty gallery on a real server: one for each file of tests (encodings of one length)."""
    address = milvus_server.address(request.module.__name__.rpartition(".")[2])
    yield address
    forget(address)


@pytest.fixture
def fresh_milvus_place(milvus_server) -> MilvusAddress:
    """An address at which nothing ever was."""
    return milvus_server.address(f"fresh_{secrets.token_hex(4)}")
