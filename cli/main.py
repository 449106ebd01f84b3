"""The `kaodex` command itself: its subcommands are imported only when they are typed."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import click

from data.errors import GalleryDamaged, KaodexError

COMMANDS = {
    "enroll": "cli.enroll:enroll",
    "query": "cli.query:query",
    "calibrate": "cli.calibrate:calibrate",
    "gallery": "cli.gallery:gallery",
    "bench": "cli.bench:bench",
    "train": "cli.train:train",
    "train-detector": "cli.train_detector:train_detector",
    "encoders": "cli.encoders:encoders",
    "demo": "cli.demo:demo",
    "doctor": "cli.doctor:doctor",
}


class Commands(click.Group):
    """Subcommands by name, imported on use, so that `kaodex --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a new user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the command's module; None for a name that there is not."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        return getattr(import_module(module), attribute)


def _version() -> str:
    try:
        return version("kaodex")
    except PackageNotFoundError:
        return "unknown (not installed)"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="kaodex")
def kaodex() -> None:
    """Tell who a drawn character is.

    Enrol characters from folders of their pictures, ask about a picture, get a name or "unknown". Nothing is trained
    when somebody is added.

    \b
      kaodex demo                    see the whole job done on drawn characters
      kaodex enroll refs/            every folder in refs/ becomes an identity
      kaodex query picture.png       who is this?

    Exit codes: 0 all done, 1 some inputs failed (each is named), 2 wrong use, 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command; turn Kaodex's errors into a message and an exit code. Without `arguments`, those typed."""
    from cli.progress import talk

    try:
        kaodex(arguments, prog_name="kaodex", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        talk.print("interrupted")
        sys.exit(130)
    except KaodexError as error:
        talk.print(f"[bold red]error:[/] {_plain(str(error))}")
        sys.exit(1 if isinstance(error, GalleryDamaged) else 2)
    except OSError as error:
        talk.print(f"[bold red]error:[/] {_plain(error.strerror or str(error))}: {_plain(str(error.filename or ''))}")
        sys.exit(2)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    main()
