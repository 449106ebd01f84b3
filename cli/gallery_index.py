"""`kaodex gallery index`: an index for galleries beyond the exact range."""

from __future__ import annotations

import click
from rich.markup import escape

from cli.options import gallery_option, kind_option
from cli.output import answers
from cli.progress import progress, talk
from data.gallery_place import GalleryPlace


@click.command("index")
@kind_option
@click.option("--force", is_flag=True, help="Also where the exact search is fast enough, or an index is there already.")
@gallery_option
def index_gallery(kind: str, force: bool, gallery: GalleryPlace) -> None:
    """Build the approximate index of a large gallery now, and measure what it finds.

    For galleries beyond the exact range, 2,000,000 references unless KAODEX_EXACT_UP_TO says otherwise. The index is a
    file beside the gallery; an interrupted command leaves nothing of it. `kaodex gallery show` tells how well it finds.
    """
    from index.approximate import build_now, described
    from index.gallery import Gallery

    with Gallery.open(gallery) as opened:
        opened.shelf(kind)  # writes the snapshot that the index is built from
    with Gallery.open(gallery) as opened:  # without the vectors in memory
        try:
            with progress("indexing", opened.store.count(kind), "references") as advance:
                about = build_now(opened.store, kind, force=force, advance=advance)
        except KeyboardInterrupt:
            talk.print("interrupted: nothing is left of the index, and the search goes on as before")
            raise SystemExit(130) from None
        answers().print(f"search: {escape(described(opened.store, kind))}")
    if about is None:
        talk.print("nothing to do; --force builds an index all the same")
    else:
        talk.print(f"built in {about.seconds:,.0f} s")
