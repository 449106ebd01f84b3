"""Which score decides best between a stranger and somebody enrolled? The raw similarity beside normalised ones.

    python benchmarks/normalisation.py DATA... --identities FILE [--shots 2,5] [--splits 20]

Random splits of the named identities: 60 enrolled, 50 strangers, the rest a cohort for normalisation. References and
queries of an identity never come from one picture (perceptual hash, and the MD5 that a file name begins with). TPIR is
taken at the score that the given share of the split's strangers exceeds, identities weighing the same.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from open_set_plots import pictures

from data.near_duplicates import near_duplicate_groups, perceptual_hash
from data.pictures import read_picture
from data.splits import unite_groupings
from embedder import Encoder, crop_face, load_detector
from index.voting import SHARPNESS, vote

K = 5
COHORT = 30
"""How many of the nearest cohort encodings describe a neighbourhood."""
RATES = (0.1, 0.05, 0.02)


class Asked:
    """Queries against references: the top candidate by the product's vote, and what a score can be made of."""

    def __init__(self, queries: np.ndarray, references: np.ndarray, identities: np.ndarray, cohort: np.ndarray) -> None:
        similarities = queries @ references.T
        order = np.argsort(-similarities, axis=1)[:, :K]
        near = np.take_along_axis(similarities, order, 1).astype(np.float32)
        votes = vote(near, identities[order].astype(np.int64))
        self.named = votes.identities[:, 0]
        self.best = votes.scores[:, 0].astype(np.float64)
        self.weight = votes.weights[:, 0]
        self.runner_up = np.where(votes.identities[:, 1] >= 0, votes.scores[:, 1], near[:, -1]).astype(np.float64)
        own = identities[order] == self.named[:, None]
        reference = order[np.arange(len(queries)), np.where(own, near, -2).argmax(axis=1)]
        around_query = np.sort(queries @ cohort.T, axis=1)[:, -COHORT:]
        around_reference = np.sort(references @ cohort.T, axis=1)[:, -COHORT:][reference]
        self.query_mean, self.query_deviation = around_query.mean(axis=1), around_query.std(axis=1)
        self.reference_mean, self.reference_deviation = around_reference.mean(axis=1), around_reference.std(axis=1)


SCORES: dict[str, Callable[[Asked], np.ndarray]] = {
    # the best similarity of the top candidate: what the product decides by
    "none": lambda asked: asked.best,
    # the vote's weight as a similarity: several near references count for more than one
    "log-sum-exp": lambda asked: np.log(asked.weight) / SHARPNESS,
    # how far the runner-up is behind
    "runner-up": lambda asked: asked.best - asked.runner_up,
    # cross-domain similarity local scaling: 2 cos(x, y) - r(x) - r(y) (Conneau et al. 2018, section 2.3)
    "CSLS": lambda asked: 2 * asked.best - asked.query_mean - asked.reference_mean,
    "CSLS, half": lambda asked: 2 * asked.best - (asked.query_mean + asked.reference_mean) / 2,
    # adaptive symmetric score normalisation over the top of a cohort (Matejka et al. 2017, section 2)
    "adaptive s-norm": lambda asked: (
        (
            (asked.best - asked.query_mean) / asked.query_deviation
            + (asked.best - asked.reference_mean) / asked.reference_deviation
        )
        / 2
    ),
}


def threshold(scores: np.ndarray, identities: np.ndarray, rate: float) -> float:
    """The score that at most `rate` of the strangers exceed, each identity weighing the same."""
    order = np.argsort(-scores)
    exceeded = np.cumsum(weights(identities)[order])
    return float(scores[order][min(int(np.searchsorted(exceeded, rate + 1e-12, side="right")), len(order) - 1)])


def weights(identities: np.ndarray) -> np.ndarray:
    """One over the number of an identity's pictures, and over the number of identities."""
    _, whose, repeats = np.unique(identities, return_inverse=True, return_counts=True)
    return (1 / repeats)[whose] / len(repeats)


def split(identities: np.ndarray, groups: np.ndarray, shots: int, random: np.random.Generator) -> list[np.ndarray]:
    """Positions of references, queries, strangers' queries and cohort."""
    names = random.permutation(np.unique(identities))
    references, queries, strangers = [], [], []
    for name in names[:60]:
        of = np.flatnonzero(identities == name)
        kinds = random.permutation(np.unique(groups[of]))
        taken = kinds[: min(shots, max(1, len(kinds) - 1))]
        references += [random.choice(of[groups[of] == kind]) for kind in taken]
        queries += random.permutation(of[~np.isin(groups[of], taken)])[:15].tolist()
    for name in names[60:110]:
        strangers += random.permutation(np.flatnonzero(identities == name))[:15].tolist()
    cohort = np.flatnonzero(np.isin(identities, names[110:]))
    return [np.array(part) for part in (references, queries, strangers, cohort)]


def main() -> None:
    """Print a table for each number of references."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--identities", type=Path, required=True)
    parser.add_argument("--shots", default="2,5")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--encoder")
    options = parser.parse_args()
    encoder = Encoder.load(options.encoder, device="cpu")
    whole = load_detector("whole")
    chosen = pictures(options.data, options.identities, most=60)
    crops = [crop_face(picture, whole.find(picture)[0]) for picture in (read_picture(one.path) for one in chosen)]
    _, identities = np.unique([one.identity for one in chosen], return_inverse=True)
    encodings = encoder.encode(crops)
    groups = np.zeros(len(chosen), np.int64)
    for name in np.unique(identities):
        of = np.flatnonzero(identities == name)
        hashes = np.array([perceptual_hash(crops[at]) for at in of], np.uint64)
        sources = [re.match(r"[0-9a-f]{32}", chosen[at].path.name) for at in of]
        _, named = np.unique(
            [found[0] if found else str(at) for found, at in zip(sources, of, strict=True)], return_inverse=True
        )
        groups[of] = unite_groupings(near_duplicate_groups(hashes), named.astype(np.int64)) + groups.max() + 1
    for shots in map(int, options.shots.split(",")):
        random = np.random.default_rng(shots)
        found: dict[str, list[list[float]]] = {name: [] for name in SCORES}
        for _ in range(options.splits):
            references, queries, strangers, cohort = split(identities, groups, shots, random)
            known = (encodings[references], identities[references], encodings[cohort])
            mated, non_mated = Asked(encodings[queries], *known), Asked(encodings[strangers], *known)
            right = mated.named == identities[queries]
            for name, score in SCORES.items():
                bounds = [threshold(score(non_mated), identities[strangers], rate) for rate in RATES]
                weighed = weights(identities[queries]) * right
                found[name].append([float(weighed[score(mated) > bound].sum()) for bound in bounds])
        print(f"\n{shots} references, {options.splits} splits: TPIR at FPIR " + ", ".join(f"{r:.0%}" for r in RATES))
        base = np.array(found["none"])
        for name, rows in found.items():
            table, apart = np.array(rows), np.array(rows) - base
            error = apart.std(axis=0) / np.sqrt(len(apart))
            cells = "  ".join(
                f"{m:.3f} ({d:+.3f} ± {e:.3f})"
                for m, d, e in zip(table.mean(axis=0), apart.mean(axis=0), error, strict=True)
            )
            print(f"  {name:<16} {cells}")


if __name__ == "__main__":
    main()
