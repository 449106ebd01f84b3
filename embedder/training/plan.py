"""From what a person asks for to everything that a run needs: recipe, identities, who is kept out, where to start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UnusableSource
from embedder.card import find_encoder, read_card
from embedder.training.identities import (
    Identity,
    collect_identities,
    collect_instances,
    draw_dev,
    read_excluded,
    split_off,
)
from embedder.training.material import check_material
from embedder.training.recipe import Recipe

GENTLE: dict[str, Any] = {"learning_rate": 5e-4, "margin_ramp": 0.0, "steps": 600}
"""Settings of a run that starts from an encoder: what it knows should be bent, not broken."""
OF_THE_NETWORK = ("backbone", "arguments", "stem", "pooling", "dimension")


@dataclass(frozen=True)
class Plan:
    """A run before it starts."""

    recipe: Recipe
    identities: tuple[Identity, ...]
    """To learn from."""
    instances: tuple[Identity, ...]
    dev: dict[str, list[Identity]]
    kept_out: int
    """Identities of the given folders that are not learnt from."""
    start: Path | None
    teacher: Path | None


def make_plan(
    data: Sequence[Path],
    settings: Mapping[str, Any],
    *,
    instances: Sequence[Path] = (),
    dev: str | None = None,
    init: str | None = None,
    teacher: str | None = None,
) -> Plan:
    """Look everything up and check it, so that nothing long starts in vain.

    settings: fields of the recipe that were asked for. dev: a JSON list, or how many identities to draw; None: a tenth.
    init, teacher: names or folders of encoders. Raises a KaodexError for what cannot be found or read, ValueError for
    impossible settings.
    """
    wanted = dict(settings)
    start = find_encoder(init) if init else None
    if start:
        wanted = {**_of_encoder(start, wanted), **wanted}
    elif wanted.get("pretrained"):
        wanted = {**_pretrained_colours(str(wanted.get("backbone", ""))), **wanted}
    teaching = find_encoder(teacher) if teacher else None
    if teaching:
        wanted["teacher"] = read_card(teaching).fingerprint
    if wanted.get("minutes") is not None and settings.get("steps") is None:
        wanted["steps"] = None
    everyone = collect_identities(data)
    if dev is not None and not dev.isdecimal():
        excluded = read_excluded(Path(dev))
    else:
        excluded = draw_dev(everyone, None if dev is None else int(dev), int(wanted.get("seed", Recipe.seed)))
    recipe = Recipe(**wanted, dev=excluded)
    identities, held = split_off(everyone, excluded)
    if recipe.discriminant and len(identities) <= recipe.discriminant:
        raise UnusableSource(
            f"--discriminant {recipe.discriminant} needs more identities than that, but {len(identities)} are learnt "
            "from; give a smaller number, or leave it out"
        )
    single = collect_instances(instances)
    check_material(recipe, identities, single)
    return Plan(recipe, tuple(identities), tuple(single), held, len(everyone) - len(identities), start, teaching)


def _of_encoder(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What a run takes over from the encoder that it starts from; raises UnusableSource for another network."""
    card = read_card(folder)
    for name in OF_THE_NETWORK:
        if name in wanted and wanted[name] != card.network[name]:
            raise UnusableSource(
                f"--init gives the network of '{card.name}', whose {name} is {card.network[name]}, not {wanted[name]}; "
                "leave that option out, or begin without --init"
            )
    if wanted.get("pretrained"):
        raise UnusableSource("--init and --pretrained both say where to start; give one of them")
    return {
        **GENTLE,
        **{name: card.network[name] for name in OF_THE_NETWORK},
        "head": card.network.get("head"),
        "input_size": card.input_size,
        "mean": card.mean,
        "std": card.std,
        "start": card.fingerprint,
    }


def _pretrained_colours(backbone: str) -> dict[str, Any]:
    """Mean and standard deviation that timm's weights of a backbone are used to."""
    import timm

    if not backbone or not timm.is_model(backbone):
        raise UnusableSource("--pretrained needs the --backbone whose weights to fetch; see timm.list_pretrained()")
    config = timm.get_pretrained_cfg(backbone)
    if config is None or not config.has_weights:
        raise UnusableSource(f"timm has no pretrained weights of '{backbone}'; see timm.list_pretrained()")
    return {"mean": tuple(map(float, config.mean)), "std": tuple(map(float, config.std))}
