"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import click

from data.errors import GalleryError
from data.gallery_place import GalleryPlace, MilvusAddress, gallery_place


class GalleryParameter(click.ParamType):
    """A gallery's file, or its URL on a Milvus server."""

    name = "gallery"

    def convert(
        self, value: str | GalleryPlace, param: click.Parameter | None, ctx: click.Context | None
    ) -> GalleryPlace:
        """The place; a mistake is told without what may be a token."""
        try:
            place = gallery_place(value)
        except GalleryError as error:
            self.fail(str(error), param, ctx)
        if isinstance(place, MilvusAddress):
            return place
        return Path(click.Path(dir_okay=False, path_type=Path).convert(place, param, ctx))


GALLERY = GalleryParameter()

gallery_option = click.option(
    "-g",
    "--gallery",
    type=GALLERY,
    metavar="FILE|URL",
    default=Path("gallery.kaodex"),
    envvar="KAODEX_GALLERY",
    show_default=True,
    show_envvar=True,
    help="The gallery: a file, or milvus://HOST:PORT/COLLECTION.",
)
encoder_option = click.option(
    "--encoder",
    default=None,
    metavar="NAME|FOLDER|onnx:FILE",
    help="The encoder for the kind that is asked for (characters, if none is); by default the one that made the "
    "gallery, or the shipped one.",
)
device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda:N",
    help="Where to encode and search; auto takes a GPU where there is one.",
)
DEFAULT_DETECTOR = "auto"
"""That of `embedder.detectors`; written here again because importing it would slow `--help`."""

detector_option = click.option(
    "--detector",
    default=DEFAULT_DETECTOR,
    show_default=True,
    metavar="auto|whole|NAME|FOLDER|cascade:PATH|onnx:PATH",
    help="How faces are found. auto: by the shipped detector; a picture that is itself a face crop is taken whole. "
    "whole: the centre square is the face. Or a detector by its name or folder, an OpenCV cascade, or a YOLOv8-style "
    "network.",
)
kind_option = click.option(
    "--kind",
    type=click.Choice(["character", "artist"]),
    default="character",
    show_default=True,
    help="What the identities are.",
)
search_option = click.option(
    "--search",
    type=click.Choice(["auto", "exact", "approximate"]),
    default="auto",
    show_default=True,
    help="auto: exact, and beyond the exact range by the gallery's index (`kaodex gallery index`) where it finds 99 % "
    "of the nearest.",
)


class EncoderNames(TypedDict, total=False):
    """What `Recognizer.open` is told of encoders."""

    encoder: str | None
    artist_encoder: str | None


def encoder_of(kind: str | None, name: str | None) -> EncoderNames:
    """The arguments of `Recognizer.open` for `--encoder NAME` of a kind; without a kind, characters are meant."""
    return {"artist_encoder": name} if kind == "artist" else {"encoder": name}


RULES = ("weighted", "nearest", "majority", "centroid")
"""Those of `index.voting`, the default first; written here again because importing them would slow `--help`."""

rule_option = click.option(
    "--rule",
    type=click.Choice(RULES),
    default=RULES[0],
    show_default=True,
    help="How the nearest references vote.",
)
k_option = click.option(
    "-k", default=5, show_default=True, type=click.IntRange(1, 100), help="How many nearest references vote."
)
fpir_option = click.option(
    "--fpir",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    envvar="KAODEX_FPIR",
    show_envvar=True,
    help="Of strangers, at most this share is given a name, on average.",
)
misid_option = click.option(
    "--misid",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Of enrolled identities' pictures, about this share is given a wrong name; closer calls are ambiguous.",
)
only_option = click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Ask about this identity alone, as if nobody else of its kind were enrolled; may be given several times.",
)
