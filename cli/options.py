"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

gallery_option = click.option(
    "-g",
    "--gallery",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("gallery.kaodex"),
    envvar="KAODEX_GALLERY",
    show_default=True,
    show_envvar=True,
    help="The gallery file.",
)
encoder_option = click.option(
    "--encoder",
    default=None,
    metavar="NAME|FOLDER",
    help="The encoder; by default the one that made the gallery, or the shipped one for a new gallery.",
)
device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda:N",
    help="Where to encode and search; auto takes a GPU where there is one.",
)
detector_option = click.option(
    "--detector",
    default="whole",
    show_default=True,
    metavar="whole|cascade:PATH",
    help="How faces are found: the whole picture is the face, or an OpenCV cascade file of yours.",
)
kind_option = click.option(
    "--kind",
    type=click.Choice(["character", "artist"]),
    default="character",
    show_default=True,
    help="What the identities are.",
)
