"""Every exception that Kaodex raises on purpose, as one tree.

    KaodexError
    ├── UnreadablePicture     a file that is not a usable picture
    ├── UnusableSource        a folder, list or protocol that cannot be worked with as it is
    ├── UnusableEncoder       an encoder or detector that is missing, damaged or not what its card says
    ├── MissingDependency     a package that this installation lacks
    ├── UnusableCluster       a Ray cluster that cannot be reached, or cannot do this work
    └── GalleryError          anything about a gallery
        ├── GalleryMissing    there is no gallery at that place
        ├── GalleryMismatch   made by another encoder, or by a newer Kaodex
        ├── GalleryDamaged    the file fails its own checks
        └── UnknownIdentity   a name that nobody in the gallery has

A message says what was wrong, where, and what to do instead. The command line alone turns these into exit codes.
"""

from __future__ import annotations

from pathlib import Path


class KaodexError(Exception):
    """The root: catch this to catch all that Kaodex raises on purpose."""


class UnreadablePicture(KaodexError):
    """A file that is not a usable picture, with its place and the reason."""

    def __init__(self, source: str | Path, reason: str) -> None:
        self.source = str(source)
        self.reason = reason
        super().__init__(f"{self.source}: {reason}")


class UnusableSource(KaodexError):
    """A folder, list or protocol that cannot be worked with as it is."""


class UnusableEncoder(KaodexError):
    """An encoder or detector that is missing, damaged, or not what its card says."""


class MissingDependency(KaodexError):
    """A package that this installation lacks; the message names the extra to install."""


class UnusableCluster(KaodexError):
    """A Ray cluster that cannot be reached, or cannot do this work."""


class GalleryError(KaodexError):
    """Anything about a gallery."""


class GalleryMissing(GalleryError):
    """There is no gallery at that place."""


class GalleryMismatch(GalleryError):
    """The gallery was made by another encoder, or by a newer Kaodex."""


class GalleryDamaged(GalleryError):
    """The gallery file fails its own checks."""


class UnknownIdentity(GalleryError):
    """A name that nobody in the gallery has."""
