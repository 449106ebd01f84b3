"""Losses side by side: one network, one budget, several seeds; figures on dev identities that no run learns from.

    python benchmarks/losses.py ../shared/data/faces/* --dev ../shared/data/dev_identities.json --out runs/losses \
        --loss arcface:1,2,3 --loss supcon:1 --json losses.json --markdown losses.md

Each loss runs with its defaults (`embedder/training/formulas.py`), at `--input-size` and for `--steps`. Of each run:
rank-1 by the nearest reference of its own encodings, and of a discriminant fitted to the network that the loss left
(`--discriminant`), both as the mean over collections; intervals are 95 % bootstrap over the identities of all
collections, the seeds of a loss averaged first. Runs that are done are not repeated.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console

from embedder.network import Network
from embedder.training.dev_curve import dev_sets, encode_squares
from embedder.training.head import with_discriminant
from embedder.training.identities import Identity, collect_identities, read_excluded, split_off
from embedder.training.material import collect_material
from embedder.training.recipe import Recipe
from embedder.training.run import train
from embedder.training.validation import open_and_closed, rank1
from measure.interval import bootstrap_interval

console = Console(stderr=True, highlight=False)


def judged(
    network: Network, recipe: Recipe, dev: dict[str, list[Identity]], cache: Path
) -> dict[str, dict[str, object]]:
    """For each collection: rank-1 of each identity, and TPIR at FPIR 10 % and 1 %."""
    found = {}
    for collection, (squares, labels, groups, shots) in dev_sets(recipe, dev, cache, console.print).items():
        encodings = encode_squares(network, squares, recipe)
        whole = open_and_closed(encodings, labels, groups, shots=shots)
        found[collection] = {
            "rank1": rank1(encodings, labels, groups, references=shots).tolist(),
            "tpir_10": whole["tpir_10"],
            "tpir_1": whole["tpir_1"],
        }
    return found


def one_run(
    recipe: Recipe, data: list[Identity], dev: dict[str, list[Identity]], folder: Path, cache: Path, discriminant: int
) -> dict[str, object]:
    """Train and judge; or read what an earlier call found under the same settings."""
    done = folder / "judged.json"
    settings = [recipe.digest, discriminant, len(data), sum(len(one.files) for one in data)]
    if done.is_file() and (known := json.loads(done.read_text())).get("settings") == settings:
        return known
    began = time.monotonic()
    learnt = train(recipe, data, folder, cache=cache, say=console.print)
    seconds = time.monotonic() - began
    result: dict[str, object] = {
        "settings": settings,
        "seconds": seconds,
        "own": judged(learnt.network, recipe, dev, cache),
    }
    if discriminant:
        recipe = replace(recipe, discriminant=discriminant)
        material = collect_material(recipe, data, [], cache, console.print)
        result["discriminant"] = judged(with_discriminant(learnt.network, material, recipe), recipe, dev, cache)
    done.write_text(json.dumps(result))
    return result


def row(runs: list[dict[str, object]], kind: str) -> dict[str, object]:
    """The figures of one loss over its seeds."""
    names = list(runs[0][kind])
    means = [float(np.mean([np.mean(run[kind][name]["rank1"]) for name in names])) for run in runs]
    averaged = [np.mean([run[kind][name]["rank1"] for run in runs], axis=0) for name in names]
    return {
        "rank1": float(np.mean(means)),
        "seeds": means,
        "interval_95": bootstrap_interval(by_collection(averaged)),
        "tpir_10": float(np.mean([run[kind][name]["tpir_10"] for run in runs for name in names])),
        "tpir_1": float(np.mean([run[kind][name]["tpir_1"] for run in runs for name in names])),
        "collections": {name: float(np.mean([np.mean(run[kind][name]["rank1"]) for run in runs])) for name in names},
    }


def by_collection(per_identity: list[np.ndarray]) -> np.ndarray:
    """All identities' figures, weighted so that their plain mean is the mean over collections."""
    total = sum(len(one) for one in per_identity)
    return np.concatenate([one * total / (len(one) * len(per_identity)) for one in per_identity])


def table(rows: dict[str, dict[str, dict[str, object]]]) -> str:
    """The rows as Markdown, the best first."""
    lines = [
        "| loss | seeds | rank-1 | TPIR at 10 % | at 1 % | with discriminant: rank-1 | TPIR at 10 % | at 1 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, kinds in sorted(rows.items(), key=lambda item: -item[1]["own"]["rank1"]):
        cells = []
        for kind in ("own", "discriminant"):
            if kind in kinds:
                found = kinds[kind]
                low, high = found["interval_95"]
                cells += [f"{found['rank1']:.3f} ({low:.3f}-{high:.3f})"]
                cells += [f"{found[figure]:.3f}" for figure in ("tpir_10", "tpir_1")]
            else:
                cells += ["", "", ""]
        seeds = ", ".join(f"{one:.3f}" for one in kinds["own"]["seeds"])
        lines.append(f"| {name} | {seeds} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dev", required=True, type=click.Path(path_type=Path), help="JSON list of dev identities.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the runs.")
@click.option("--loss", "losses", multiple=True, required=True, metavar="NAME:SEEDS", help="arcface:1,2,3")
@click.option("--steps", default=500, show_default=True)
@click.option("--input-size", default=64, show_default=True)
@click.option("--discriminant", default=256, show_default=True, help="0: do not fit one.")
@click.option("--threads", default=1, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path))
@click.option("--markdown", type=click.Path(path_type=Path))
def main(
    data: tuple[Path, ...],
    dev: Path,
    out: Path,
    losses: tuple[str, ...],
    steps: int,
    input_size: int,
    discriminant: int,
    threads: int,
    json_file: Path | None,
    markdown: Path | None,
) -> None:
    """Train with each LOSS on DATA under one budget, and compare."""
    torch.set_num_threads(threads)
    excluded = read_excluded(dev)
    identities, held = split_off(collect_identities([one for one in data if one.is_dir()]), excluded)
    rows: dict[str, dict[str, dict[str, object]]] = {}
    for word in losses:
        name, _, seeds = word.partition(":")
        runs = []
        for seed in (seeds or "1").split(","):
            recipe = Recipe(
                name=name, loss=name, seed=int(seed), steps=steps, input_size=input_size, dev=excluded, dimension=256
            )
            folder = out / f"{name}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            runs.append(one_run(recipe, list(identities), held, folder, out / "cache", discriminant))
            own = runs[-1]["own"]
            console.print(f"{name}, seed {seed}: rank-1 {np.mean([np.mean(one['rank1']) for one in own.values()]):.3f}")
        rows[name] = {kind: row(runs, kind) for kind in ("own", "discriminant") if kind in runs[0]}
    if json_file:
        json_file.write_text(json.dumps({"steps": steps, "input_size": input_size, "losses": rows}, indent=2) + "\n")
    if markdown:
        markdown.write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
