"""Pulling an encoder from the hub into the user's own folder: all of it, checked, or nothing of it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.errors import MissingDependency, UnusableEncoder
from embedder.card import CARD, ONNX, WEIGHTS, Card, read_card, shipped_encoders
from embedder.foreign import as_text, settings_file
from embedder.hub import Hub, Listing, Progress, Remote, unseen
from embedder.own_folder import encoders_folder, proper
from embedder.recipes import recipe_for
from embedder.strangers import STRANGERS

README = "README.md"
KNOWN = (CARD, ONNX, WEIGHTS, STRANGERS, README)
"""Of a Kaodex encoder these files are taken, and never another."""


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
        _require_name(name)
    for file in files:
        _require_safe(file)
    hub = Hub()
    listing = hub.listing(repository, revision)
    staging = encoders_folder() / ".pull" / repository.replace("/", "--")
    with _alone(staging):
        named = [file for file in files if file.endswith(".onnx") and file not in KNOWN]
        if CARD in listing.files and not named:
            wanted, name = _ours(hub, listing, files, name, digests, staging)
        else:
            wanted, name = _foreign(hub, listing, files, name, digests)
        if unused := set(digests) - {remote.path for remote in wanted} - {_local(remote) for remote in wanted}:
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
                if not _staged(staging, remote).is_file():
                    hub.fetch(listing, remote, _staged(staging, remote), progress)
            _install(staging, folder, wanted, listing)
        shutil.rmtree(staging, ignore_errors=True)
    onnx = next((_local(remote) for remote in wanted if remote.path.endswith(".onnx")), None)
    ours = (folder / CARD).is_file()
    return Pulled(
        name,
        folder,
        tuple(_local(remote) for remote in wanted),
        len(missing),
        None if ours or onnx is None else settings_file(folder / onnx),
    )


def _ours(
    hub: Hub, listing: Listing, files: Sequence[str], name: str | None, digests: Mapping[str, str], staging: Path
) -> tuple[list[Remote], str]:
    """Look at a Kaodex encoder: its card comes first, and the card's hashes bind the other files."""
    if strange := [file for file in files if file not in KNOWN]:
        raise UnusableEncoder(f"of a Kaodex encoder only {', '.join(KNOWN)} are taken, not {', '.join(strange)}")
    told = hub.look(listing, CARD, digests.get(CARD))
    here = _staged(staging, told)
    if not here.is_file():
        hub.fetch(listing, told, here)
    reading = staging / "card"
    reading.mkdir(exist_ok=True)
    shutil.copyfile(here, reading / CARD)
    card = read_card(reading)
    known = _hashes(card)
    if strange := [file for file in known if file not in KNOWN]:
        raise UnusableEncoder(f"the card of {listing.repository} names {', '.join(strange)}, which is never taken")
    if not {ONNX, WEIGHTS} & set(known):
        raise UnusableEncoder(f"the card of {listing.repository} names no network, {ONNX} or {WEIGHTS}")
    chosen = [file for file in KNOWN if file != CARD and (file in files if files else file in (*known, README))]
    remotes = [told]
    for file in chosen:
        if file not in listing.files:
            if file == README:
                continue
            raise UnusableEncoder(f"{listing.repository} lacks {file}, which its card names; ask its makers")
        known_digest = known.get(file)
        if file in digests and known_digest not in (None, digests[file]):
            raise UnusableEncoder(f"the card says another sha256 of {file} than --sha256: {known_digest}")
        remotes.append(hub.look(listing, file, known_digest or digests.get(file)))
    name = name or card.name
    _require_name(name)
    return remotes, name


def _foreign(
    hub: Hub, listing: Listing, files: Sequence[str], name: str | None, digests: Mapping[str, str]
) -> tuple[list[Remote], str]:
    """Look at an encoder of others: the ONNX file that was named, and its weights where they lie beside it."""
    networks = [file for file in files if file.endswith(".onnx")]
    offered = [file for file in listing.files if file.endswith(".onnx")]
    if len(networks) != 1:
        raise UnusableEncoder(
            f"{listing.repository} holds no {CARD}: name one ONNX file of it with --file"
            + (f", one of {', '.join(offered[:20])}" if offered else ", but it has none, and nothing else is taken")
        )
    stem = networks[0].removesuffix(".onnx")
    if strange := [file for file in files if not file.startswith(stem) or not file.endswith((".onnx", "data"))]:
        raise UnusableEncoder(
            f"{', '.join(strange)} is not taken: only ONNX files are, with their weights in {stem}.onnx.data; pickles "
            "and scripts never"
        )
    if absent := [file for file in files if file not in listing.files]:
        raise UnusableEncoder(
            f"{listing.repository} has no {', '.join(absent)}; its ONNX files: {', '.join(offered[:20]) or 'none'}"
        )
    known = recipe_for(PurePosixPath(networks[0]).name)
    name = name or (known["name"] if known else PurePosixPath(networks[0]).stem)
    _require_name(name)
    digest = {file: digests.get(file, digests.get(PurePosixPath(file).name)) for file in files}
    return [hub.look(listing, file, digest[file]) for file in files], name


def _install(staging: Path, folder: Path, wanted: Sequence[Remote], listing: Listing) -> None:
    ready, old = staging / "ready", staging / "old"
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir()
    for remote in wanted:
        if _held(folder, remote):
            shutil.copyfile(folder / _local(remote), ready / _local(remote))
        else:
            _staged(staging, remote).replace(ready / _local(remote))
    if not (ready / CARD).exists():
        _keep_settings(ready, folder, wanted, listing)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.replace(old)
    ready.replace(folder)


def _keep_settings(ready: Path, folder: Path, wanted: Sequence[Remote], listing: Listing) -> None:
    """The settings of an encoder of others: the user's own where there are some, else those that we know."""
    network = next(remote for remote in wanted if remote.path.endswith(".onnx"))
    path = ready / _local(network)
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


def _hashes(card: Card) -> dict[str, str]:
    strangers = card.fields.get("strangers")
    return card.files | ({STRANGERS: str(strangers["sha256"])} if strangers else {})


def _local(remote: Remote) -> str:
    return PurePosixPath(remote.path).name


def _held(folder: Path, remote: Remote) -> bool:
    file = folder / _local(remote)
    return file.is_file() and remote.matches(file)


def _staged(staging: Path, remote: Remote) -> Path:
    return staging / f"{remote.digest[:16]}-{_local(remote)}"


def _require_name(name: str) -> None:
    if not proper(name):
        raise UnusableEncoder(f"an encoder's name has letters, digits, '.', '_' and '-', not {name!r}: give --name")
    if name in shipped_encoders():
        raise UnusableEncoder(f"'{name}' ships with Kaodex: give what is pulled another --name")


def _require_safe(file: str) -> None:
    parts = PurePosixPath(file).parts
    if not parts or file.startswith("/") or ".." in parts or "\\" in file or not proper(parts[-1]):
        raise UnusableEncoder(f"{file!r} is no file's path inside a repository")


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
