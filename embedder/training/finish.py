"""The end of a run: the averaged network becomes an encoder folder, judged and described."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.errors import KaodexError
from embedder.card import read_card
from embedder.encoder import Encoder
from embedder.export import export_encoder
from embedder.training.curves import draw_curves
from embedder.training.identities import Identity
from embedder.training.judging import DevPictures, judge
from embedder.training.material import DRAWN
from embedder.training.model_card import model_card
from embedder.training.notes import read_curve
from embedder.training.recipe import Recipe
from embedder.training.run import Learnt

FLIP_WORTH = 0.005
"""Encoding each crop twice halves the speed: it must win at least half a point of rank-1 on the mean."""


def finish(
    recipe: Recipe,
    learnt: Learnt,
    learnt_from: Sequence[Identity],
    dev: Mapping[str, Sequence[Identity]],
    run: Path,
    *,
    story: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Export, judge with and without mirrored views, keep the better, and write card, README and curves.

    run: the folder of the run; the encoder lies in its folder `encoder`, which is returned. story: what the card tells
    besides (licence, provenance, commands). It appears whole, in the place of an earlier one; one that this very run
    has already finished is left as it is, with what was added to it since.
    """
    whole, folder = run / "encoder", run / "encoder.unfinished"
    if _is_finished(whole, recipe, learnt):
        say(f"{whole} is finished already")
        return whole
    shutil.rmtree(folder, ignore_errors=True)
    pictures = {collection: DevPictures(some) for collection, some in dev.items()}
    pictures = {collection: one for collection, one in pictures.items() if one.shots()}
    told = {
        "data": data_counts(recipe, learnt_from),
        "dev": {collection: len(some) for collection, some in dev.items()},
        "step": learnt.step,
        "recipe": asdict(recipe),
        **(story or {}),
    }
    judged = {}
    for flip in (False, True) if pictures else (False,):
        write(recipe, learnt, folder, flip, {}, told)
        judged[flip] = judge(Encoder.load(folder, device="cpu"), pictures) if pictures else {}
    flip = bool(pictures) and mean_rank1(judged[True]) - mean_rank1(judged[False]) >= FLIP_WORTH
    figures = dict(judged[flip])
    if pictures:
        figures["mean_rank1_with_and_without_mirrored_views"] = [mean_rank1(judged[True]), mean_rank1(judged[False])]
    write(recipe, learnt, folder, flip, figures, told)
    draw_curves(read_curve(run), folder / "curves.png", title=recipe.name, best=learnt.step)
    (folder / "README.md").write_text(model_card(Encoder.load(folder, device="cpu").card), encoding="utf-8")
    shutil.rmtree(whole, ignore_errors=True)
    folder.replace(whole)
    say(
        f"exported step {learnt.step:,}" + (" (the best by validation)" if pictures else "")
        + f", mirrored views {'averaged' if flip else 'not used'}"
    )  # fmt: skip
    return whole


def _is_finished(folder: Path, recipe: Recipe, learnt: Learnt) -> bool:
    try:
        card = read_card(folder).fields
    except KaodexError:
        return False
    return bool(card.get("step") == learnt.step and card.get("recipe") == json.loads(recipe.as_json()))


def write(
    recipe: Recipe, learnt: Learnt, folder: Path, flip: bool, figures: dict[str, Any], story: Mapping[str, Any]
) -> None:
    """Export the network with a card that tells what it learnt from and what was measured."""
    export_encoder(
        learnt.network,
        folder,
        name=recipe.name,
        input_size=recipe.input_size,
        mean=recipe.mean,
        std=recipe.std,
        flip_average=flip,
        unknown_below=figures.get("unknown_below", 0.5),
        story={
            "unknown_below_chosen": (
                "On dev identities: galleries of 10 random identities with 5 references each; 5 % of the "
                "queries of identities that were not enrolled have a best similarity above it."
                if "unknown_below" in figures
                else "Not measured: a placeholder."
            ),
            "licence": "unspecified",
            **story,
            "figures": figures,
        },
    )


def data_counts(recipe: Recipe, identities: Sequence[Identity]) -> list[dict[str, Any]]:
    """Identities and pictures of each collection that was learnt from; drawn characters have no number of pictures."""
    people = Counter(identity.collection for identity in identities)
    files: Counter[str] = Counter()
    for identity in identities:
        files[identity.collection] += len(identity.files)
    counts: list[dict[str, Any]] = [
        {"collection": name, "identities": people[name], "pictures": files[name]} for name in sorted(people)
    ]
    if recipe.drawn:
        counts.append({"collection": DRAWN, "identities": recipe.drawn, "pictures": "drawn anew each time"})
    return counts


def mean_rank1(figures: dict[str, Any]) -> float:
    """The mean over collections and numbers of references."""
    values = [one["rank1"] for one in figures["rank1"].values()]
    return round(sum(values) / len(values), 4)
