"""The Hugging Face hub, as far as an encoder needs it: what a repository holds, and one file of it, checked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from data.errors import MissingDependency, UnusableEncoder
from embedder.card_file import sha256
from embedder.hub_errors import from_transport, in_our_words

ATTEMPTS = 4
"""Failures in a row, nothing coming between them, after which a download gives up."""
STEP = 64 * 1024
"""Bytes that are written at a time; a cut connection loses less than this."""
ROOM_LEFT = 16 * 1024 * 1024
"""Bytes of disk that a download leaves free."""

Progress = Callable[[str, int, int | None], None]
"""Told of a file, the bytes that are here, and the bytes that it has, where that is known."""


def unseen(file: str, here: int, size: int | None) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Listing:
    """A repository at one commit."""

    repository: str
    commit: str
    files: tuple[str, ...]
    licence: str | None


@dataclass(frozen=True)
class Remote:
    """One file of a repository: its size in bytes where the hub tells it, and its digest.

    The digest is a sha256 (64 digits; files of git LFS) or the id of a git blob (40 digits; small files).
    """

    path: str
    size: int | None
    digest: str

    def matches(self, file: Path) -> bool:
        """Whether the file's bytes have the digest."""
        if len(self.digest) == 64:
            return sha256(file) == self.digest
        content = file.read_bytes()  # a file that is no LFS file has at most 10 MB on the hub
        blob = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
        blob.update(content)
        return blob.hexdigest() == self.digest


class Hub:
    """The hub at `HF_ENDPOINT`, or huggingface.co; with the user's own token, which is never shown."""

    def __init__(self) -> None:
        try:
            import huggingface_hub
        except ImportError as error:
            raise MissingDependency("pulling encoders needs huggingface_hub: pip install 'kaodex[hub]'") from error
        self._hub = huggingface_hub
        self.endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")

    def listing(self, repository: str, revision: str | None) -> Listing:
        """What the repository holds at a branch, tag or commit. Raises UnusableEncoder where it cannot be had."""
        with in_our_words(self.endpoint, repository, revision):
            found = self._hub.HfApi(endpoint=self.endpoint).model_info(repository, revision=revision)
        if not found.sha or not re.fullmatch("[0-9a-f]{40}", found.sha):
            raise UnusableEncoder(f"{self.endpoint} names no commit of {repository}; is it a Hugging Face hub?")
        told = found.card_data.to_dict() if found.card_data else {}
        licence = told.get("license_name") if told.get("license") == "other" else told.get("license")
        return Listing(
            repository,
            found.sha,
            tuple(one.rfilename for one in found.siblings or ()),
            licence if isinstance(licence, str) else None,
        )

    def look(self, listing: Listing, path: str, digest: str | None = None) -> Remote:
        """A file's size and digest; `digest` is a sha256 that the caller knows, and then the one that counts.

        Raises UnusableEncoder where the hub tells neither a sha256 nor a git id, or another sha256 than the known one.
        """
        with in_our_words(self.endpoint, listing.repository, listing.commit):
            told = self._hub.get_hf_file_metadata(self._url(listing, path), token=self._token(), endpoint=self.endpoint)
        etag = (told.etag or "").lower()
        proper = re.fullmatch("[0-9a-f]{64}|[0-9a-f]{40}", etag) is not None
        if digest and len(etag) == 64 and proper and etag != digest:
            raise UnusableEncoder(
                f"{listing.repository} has another {path}: its sha256 is {etag}, not the wanted {digest}"
            )
        if not digest and not proper:
            raise UnusableEncoder(f"{self.endpoint} tells no checksum of {path}: give it with --sha256 {path}=HEX")
        return Remote(path, told.size, digest or etag)

    def fetch(self, listing: Listing, remote: Remote, target: Path, progress: Progress = unseen) -> None:
        """Fetch a file to `target`, which is there only when its bytes are the right ones.

        What an earlier attempt left is gone on with, whoever cut it off. Raises UnusableEncoder.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        there = part.stat().st_size if part.exists() else 0
        if remote.size is not None and there > remote.size:
            part.unlink()
            there = 0
        _require_room(target.parent, (remote.size or 0) - there)
        with in_our_words(self.endpoint, listing.repository, listing.commit), part.open("ab") as file:
            self._receive(listing, remote, file, progress)
        if not remote.matches(part):
            part.unlink()
            raise UnusableEncoder(
                f"{remote.path} of {listing.repository} came damaged: its digest is not {remote.digest[:12]}…; "
                "nothing of it was kept, pull again"
            )
        part.replace(target)

    def _receive(self, listing: Listing, remote: Remote, file: BinaryIO, progress: Progress) -> None:
        # hf_hub_download begins anew when a process was cut off, and in steps of 10 MB; this keeps what came.
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        url, failures = self._url(listing, remote.path), 0
        headers = build_hf_headers(token=self._token(), library_name="kaodex") | {"Accept-Encoding": "identity"}
        while (there := file.seek(0, os.SEEK_END)) != remote.size:
            progress(remote.path, there, remote.size)
            asked = headers | ({"Range": f"bytes={there}-"} if there else {})
            try:
                with get_session().stream(
                    "GET", url, headers=asked, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, follow_redirects=True
                ) as answer:
                    if answer.status_code >= 400:
                        answer.read()
                        hf_raise_for_status(answer)
                    if there and answer.status_code != 206:  # a server that knows no ranges begins anew
                        file.truncate(0)
                        there = 0
                    for chunk in answer.iter_bytes(STEP):
                        there += len(chunk)
                        if remote.size is not None and there > remote.size:
                            raise UnusableEncoder(f"{remote.path} is larger than {self.endpoint} said; pull again")
                        file.write(chunk)
                        failures = 0
                        progress(remote.path, there, remote.size)
                if remote.size is None:
                    return
                if there != remote.size:
                    file.truncate(0)
                    raise UnusableEncoder(f"{remote.path} is shorter than {self.endpoint} said; pull again")
            except Exception as error:
                failures += 1
                if failures >= ATTEMPTS or not from_transport(error):
                    raise
                time.sleep(failures)
        progress(remote.path, there, remote.size)

    def _url(self, listing: Listing, path: str) -> str:
        return self._hub.hf_hub_url(listing.repository, path, revision=listing.commit, endpoint=self.endpoint)

    def _token(self) -> Any:
        return self._hub.get_token() or False


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > 0 and free < needed + ROOM_LEFT:
        raise UnusableEncoder(
            f"{folder} has room for {free / 1e6:,.0f} MB, and {needed / 1e6:,.0f} MB are to come: make room, "
            "or let KAODEX_HOME name a folder on another disk"
        )
