"""`kaodex bench --protocol closed`: the seed papers' systems and Kaodex on one split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from cli.progress import progress, talk

if TYPE_CHECKING:
    from bench.closed_report import ClosedReport
    from bench.collection import Collection
    from bench.systems import System
    from bench.systems.entry import Entry
    from bench.systems.photographs import Weights
    from embedder.detectors import Detector
    from embedder.encoder import Encoder

systems_option = click.option(
    "--systems",
    metavar="all|NAME,...",
    help="Which systems, by name or family, such as kaodex,hand-made,pixels-svm. Those that must refit do so in every "
    "draw.  [closed: all that were made for the kind; else kaodex and its floors]",
)
random_option = click.option(
    "--random-init",
    is_flag=True,
    help="Run networks of photographs with random weights, and mark their rows so; without it a row whose weights the "
    "hub does not give says that, and is not measured.",
)
weights_option = click.option(
    "--weights",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take the weights of networks of photographs from DIR/MODEL.safetensors, such as resnet18.tv_in1k.safetensors,"
    " instead of the hub.",
)
tune_option = click.option(
    "--tune",
    is_flag=True,
    help="With --protocol closed: also search settings (C, k, depth, trees, kernels) on the pictures to learn from; a "
    "row for what was found, and the curves in the folder of --report.",
)
budget_option = click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="MINUTES",
    help="With --protocol closed: give up any single fit or search that takes longer, and say so in its row; a network "
    "is stopped after the last epoch that fits, and its row marked.",
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --protocol closed: keep figures there, by system, settings, split, pictures and machine, and do not "
    "measure again what is there.",
)
most_option = click.option(
    "--pictures-per-identity",
    "most",
    type=click.IntRange(2),
    metavar="N",
    help="With --protocol closed: take at most N random pictures of each identity.",
)
markdown_option = click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the tables and notes into FILE too, in place of the section that the protocol has there.",
)
section_option = click.option(
    "--section",
    metavar="NAME",
    help="What --markdown calls the section, where FILE has several about DATA.  [DATA's name; 'NAME artists' with "
    "--kind artist]",
)


def chosen_entries(
    systems: str, encoder: Encoder, weights: Weights, usual: Sequence[System] | None, kind: str
) -> tuple[Entry, ...]:
    """The rows that the user named; `usual` are those that keep references, or None for those of characters.

    Raises UnusableSource for a name that there is not, MissingDependency.
    """
    from bench.systems.catalogue import catalogue, choose
    from bench.systems.learned import require_learning
    from bench.systems.photographs import require_networks

    entries = choose(catalogue(encoder, weights, usual), systems, artists=kind == "artist")
    if any(entry.kind for entry in entries):
        require_learning()
    if any(entry.network for entry in entries):
        require_networks()
    return entries


@dataclass(frozen=True)
class Closed:
    """What the user asked of this protocol."""

    systems: str | None
    tune: bool
    budget: float | None
    cache: Path | None
    most: int | None
    folder: Path | None
    seed: int
    random: bool
    weights: Path | None
    kind: str

    def run(
        self, collection: Collection, encoder: Encoder, detector: Detector, usual: Sequence[System] | None
    ) -> ClosedReport:
        """Measure, and draw what was asked for; `usual` are the systems that keep references, if not the default."""
        from bench.closed_run import Terms, run_closed, sample, to_search
        from bench.kept_figures import KeptFigures
        from bench.systems.photographs import Weights

        weights = Weights(self.weights, self.random)
        entries = chosen_entries(self.systems or "all", encoder, weights, usual, self.kind)
        if self.most:
            collection = sample(collection, self.most, self.seed)
        kept = KeptFigures.of_run(self.cache, collection, self.seed, detector, self.kind)
        terms = Terms(self.seed, self.budget and 60 * self.budget, self.tune, weights)
        rows = len(entries) + (len(to_search(entries)) if self.tune else 0)
        with progress("measuring", len(collection.paths) + rows) as advance:

            def tell(text: str) -> None:
                talk.print(escape(text))
                advance(1)

            report = run_closed(
                collection, encoder, entries, terms, kept, advance, tell, detector=detector, kind=self.kind
            )
        if self.folder:
            from bench.closed_pictures import draw_pictures

            drawn = draw_pictures(report, self.folder)
            if report.searches:
                from bench.tuning_curves import draw_curves

                draw_curves(report.searches, self.folder / "tuning.png")
                drawn.append(self.folder / "tuning.png")
            for picture in drawn:
                talk.print(f"drawn: {escape(str(picture))}")
        return report
