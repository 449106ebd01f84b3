"""Which files of a repository make an encoder: a choice that nothing but networks and words ever gets into."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from data.errors import UnusableEncoder
from embedder.card import CARD, ONNX, WEIGHTS, Card, read_card, shipped_encoders
from embedder.hub import Hub, Listing, Remote
from embedder.own_folder import proper
from embedder.recipes import recipe_for
from embedder.strangers import STRANGERS

README = "README.md"
KNOWN = (CARD, ONNX, WEIGHTS, STRANGERS, README)
"""Of a Kaodex encoder these files are taken, and never another."""


def kaodex_files(
    hub: Hub, listing: Listing, files: Sequence[str], name: str | None, digests: Mapping[str, str], staging: Path
) -> tuple[list[Remote], str]:
    """Look at a Kaodex encoder: its card comes first, and the card's hashes bind the other files."""
    if strange := [file for file in files if file not in KNOWN]:
        raise UnusableEncoder(f"of a Kaodex encoder only {', '.join(KNOWN)} are taken, not {', '.join(strange)}")
    told = hub.look(listing, CARD, digests.get(CARD))
    here = staged_file(staging, told)
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
    # Strangers always come along: a gallery asks for those that the card names.
    wanted = (*files, *({STRANGERS} & set(known))) if files else (*known, README)
    chosen = [file for file in KNOWN if file != CARD and file in wanted]
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
    require_name(name)
    return remotes, name


def foreign_files(
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
    require_name(name)
    digest = {file: digests.get(file, digests.get(PurePosixPath(file).name)) for file in files}
    return [hub.look(listing, file, digest[file]) for file in files], name


def _hashes(card: Card) -> dict[str, str]:
    strangers = card.fields.get("strangers")
    return card.files | ({STRANGERS: str(strangers["sha256"])} if strangers else {})


def local_name(remote: Remote) -> str:
    """What a file of a repository is called here: no folders."""
    return PurePosixPath(remote.path).name


def staged_file(staging: Path, remote: Remote) -> Path:
    """Where a file waits until all have come; by its digest, so that another version never goes on with it."""
    return staging / f"{remote.digest[:16]}-{local_name(remote)}"


def require_name(name: str) -> None:
    """Raise UnusableEncoder for what no pulled encoder may be called."""
    if not proper(name):
        raise UnusableEncoder(f"an encoder's name has letters, digits, '.', '_' and '-', not {name!r}: give --name")
    if name in shipped_encoders():
        raise UnusableEncoder(f"'{name}' ships with Kaodex: give what is pulled another --name")


def require_safe(file: str) -> None:
    """Raise UnusableEncoder for a path that leads out of its repository."""
    parts = PurePosixPath(file).parts
    if not parts or file.startswith("/") or ".." in parts or "\\" in file or not proper(parts[-1]):
        raise UnusableEncoder(f"{file!r} is no file's path inside a repository")
