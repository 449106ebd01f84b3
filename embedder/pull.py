"""Pulling an encoder from the hub into the user's own folder: all of it, checked, or nothing of it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.errors import MissingDependency, UnusableEncoder
from embedder.card import CARD
from embedder.foreign_settings import as_text, settings_file
from embedder.hub import Hub, Listing, Progress, Remote, unseen
from embedder.own_folder import encoders_folder
from embedder.pull_choice import (
    KNOWN,
    foreign_files,
    kaodex_files,
    local_name,
    require_name,
    require_safe,
    staged_file,
)
from embedder.recipes import recipe_for


@dataclass(frozen=True)
class Pulled:
    """What a pull did: the encoder's name and folder, the files that it has, and how many of them were fetched now."""

    name: str
    folder: Path
    files: tuple[str, ...]
    fetched: int
    settings: Path | None
    """For an encoder of others: where its settings are, or must still be written."""


def pull(
    repository: str,
    revision: str | None = None,
    *,
    files: Sequence[str] = (),
    name: str | None = None,
    digests: Mapping[str, str] | None = None,
    replace: bool = False,
    progress: Progress = unseen,
) -> Pulled:
    """Fetch an encoder; `digests` are sha256 by file that the caller insists on.

    A repository with an `encoder.json` is a Kaodex encoder, of which `files` may choose a part; of any other one,
    `files` names the ONNX file (and the weights beside it, where it has such). Raises UnusableEncoder,
    MissingDependency.
    """
    digests = {file: digest.lower() for file, digest in (digests or {}).items()}
    if name is not None:
        require_name(name)
    for file in files:
        require_safe(file)
    hub = Hub()
    listing = hub.listing(repository, revision)
    staging = encoders_folder() / ".pull" / repository.replace("/", "--")
    with _alone(staging):
        named = [file for file in files if file.endswith(".onnx") and file not in KNOWN]
        if CARD in listing.files and not named:
            wanted, name = kaodex_files(hub, listing, files, name, digests, staging)
        else:
            wanted, name = foreign_files(hub, listing, files, name, digests)
        if unused := set(digests) - {remote.path for remote in wanted} - {local_name(remote) for remote in wanted}:
            raise UnusableEncoder(f"--sha256 names {', '.join(sorted(unused))}, which is not among what is pulled")
        folder = encoders_folder() / name
        missing = [remote for remote in wanted if not _held(folder, remote)]
        if folder.exists() and missing and not replace:
            raise UnusableEncoder(
                f"{folder} holds another encoder: give this one another --name, or exchange it with --replace "
                "(galleries made with the old one then want the old one)"
            )
        if missing:
            for remote in missing:
                if not staged_file(staging, remote).is_file():
                    hub.fetch(listing, remote, staged_file(staging, remote), progress)
            _install(staging, folder, wanted, listing)
        shutil.rmtree(staging, ignore_errors=True)
    onnx = next((local_name(remote) for remote in wanted if remote.path.endswith(".onnx")), None)
    ours = (folder / CARD).is_file()
    return Pulled(
        name,
        folder,
        tuple(local_name(remote) for remote in wanted),
        len(missing),
        None if ours or onnx is None else settings_file(folder / onnx),
    )


def _install(staging: Path, folder: Path, wanted: Sequence[Remote], listing: Listing) -> None:
    ready, old = staging / "ready", staging / "old"
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir()
    for remote in wanted:
        if _held(folder, remote):
            shutil.copyfile(folder / local_name(remote), ready / local_name(remote))
        else:
            staged_file(staging, remote).replace(ready / local_name(remote))
    if not (ready / CARD).exists():
        _keep_settings(ready, folder, wanted, listing)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.replace(old)
    ready.replace(folder)


def _keep_settings(ready: Path, folder: Path, wanted: Sequence[Remote], listing: Listing) -> None:
    """The settings of an encoder of others: the user's own where there are some, else those that we know."""
    network = next(remote for remote in wanted if remote.path.endswith(".onnx"))
    path = ready / local_name(network)
    own = settings_file(folder / path.name)
    if own.is_file():
        shutil.copyfile(own, settings_file(path))
        return
    known = recipe_for(path.name)
    if known is None or not _fits(path, known):
        return
    told = known | {"name": folder.name, "licence": listing.licence or known["licence"]}
    told["source"] = f"{listing.repository}@{listing.commit}/{network.path}"
    settings_file(path).write_text(as_text(told), encoding="utf-8")


def _fits(path: Path, known: Mapping[str, object]) -> bool:
    from embedder.foreign_runtime import template

    try:
        return template(path) == known
    except MissingDependency:
        return True  # the first use will tell


def _held(folder: Path, remote: Remote) -> bool:
    file = folder / local_name(remote)
    return file.is_file() and remote.matches(file)


@contextmanager
def _alone(staging: Path) -> Iterator[None]:
    """No other process pulls the same repository meanwhile."""
    staging.parent.mkdir(parents=True, exist_ok=True)
    staging.mkdir(exist_ok=True)
    with staging.with_name(f"{staging.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnusableEncoder(f"another pull of this repository is running ({staging}); wait for it") from error
        staging.mkdir(exist_ok=True)
        yield
