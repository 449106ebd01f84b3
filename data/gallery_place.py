"""Where a gallery is: a file, or a collection on a Milvus server."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from data.errors import GalleryError

SCHEME = "milvus://"
DEFAULT_PORT = 19530
TOKEN_VARIABLE = "KAODEX_MILVUS_TOKEN"
CERTIFICATE_VARIABLE = "KAODEX_MILVUS_CERTIFICATE"
SEARCHES = ("client", "server", "auto")
"""Who searches a gallery on a server."""

_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_FORM = "write milvus://HOST:PORT/COLLECTION, with ?tls where the server asks for it"


@dataclass(frozen=True)
class MilvusAddress:
    """A gallery on a Milvus server; as text, without its token."""

    host: str
    port: int
    collection: str
    """What the names of the gallery's collections begin with."""
    token: str = field(default="", repr=False)
    """A token, or `user:password`."""
    tls: bool = False
    certificate: str = ""
    """A file with the certificate that signed the server's, where the system does not know it."""
    search: str = "auto"
    """Who searches: `client`, `server`, or by size."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}{host}:{self.port}/{self.collection}"

    @property
    def uri(self) -> str:
        """What a client of Milvus connects to, without the token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


GalleryPlace = Path | MilvusAddress


def gallery_place(place: str | Path | MilvusAddress) -> GalleryPlace:
    """The place that a text names: a file, unless it is a URL.

    A token stands before the host (`milvus://TOKEN@HOST:PORT/COLLECTION`, or `user:password@`) or in the variable
    KAODEX_MILVUS_TOKEN; `?tls` asks for TLS, `?tls&certificate=FILE` (or KAODEX_MILVUS_CERTIFICATE) trusts a
    certificate of one's own. `?search=client` and `?search=server` say who searches; without, the size decides.

    >>> gallery_place("milvus://secret@example.org/anime").uri
    'http://example.org:19530'

    Raises GalleryError for a URL that is none of Milvus's, without repeating what may be a token.
    """
    if not isinstance(place, str):
        return place
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", place):
        return Path(place)
    if not place.lower().startswith(SCHEME):
        raise GalleryError(f"a gallery is a file or a collection on a Milvus server: {_FORM}")
    try:
        parts = urlsplit(place)
        port = parts.port or DEFAULT_PORT
        options = parse_qs(parts.query, keep_blank_values=True)
    except ValueError:
        raise GalleryError(f"this URL of a gallery cannot be understood: {_FORM}") from None
    collection = parts.path.strip("/")
    if not parts.hostname or parts.fragment or not _COLLECTION.fullmatch(collection):
        raise GalleryError(
            f"this URL of a gallery cannot be understood: {_FORM}; the collection's name has letters, digits and _"
        )
    search = options.get("search", ["auto"])[0]
    if options.keys() - {"tls", "certificate", "search"} or search not in SEARCHES:
        raise GalleryError(
            f"a URL of a gallery has the options tls, certificate and search={'|'.join(SEARCHES)}, no other: {_FORM}"
        )
    certificate = options.get("certificate", [""])[0] or os.environ.get(CERTIFICATE_VARIABLE, "")
    given = ":".join(unquote(part) for part in (parts.username, parts.password) if part)
    return MilvusAddress(
        host=parts.hostname,
        port=port,
        collection=collection,
        token=given or os.environ.get(TOKEN_VARIABLE, ""),
        tls=bool(certificate) or ("tls" in options and options["tls"][0].lower() not in ("0", "false", "no", "off")),
        certificate=certificate,
        search=search,
    )
