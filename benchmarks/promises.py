"""Promised and found FPIR: does a gallery name as many strangers as it says?

    python benchmarks/promises.py --data ../shared/data --encoder faces-1 --cache encodings/ --json promises.json
    python benchmarks/promises.py --data ../shared/data --kind artist --cache encodings/ --drawn 800

Five tables. Own: random halves of the dev identities, one half enrolled, the other strangers. Foreign: strangers of
another collection than the gallery's, for whom nothing is promised. Borrowed: small galleries that ask the encoder's
bank of strangers. Drawn: thousands of drawn characters, for rates that the dev identities are too few for. Few:
galleries with hardly enough identities for their rate, where leaving one identity out is not quite being a stranger.

With --kind artist the identities are artists, by whole pictures of which no two of one artist show the same character:
the listed artists, too few for any but a coarse rate, and drawn ones, of whom every sixteen draw the same characters.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import reduce
from math import inf
from pathlib import Path

import numpy as np

from bench.calibrated import CalibratedReferences
from bench.collection import load_collection
from bench.descriptions import describe
from bench.groups import group_by_hash
from bench.open_set import OpenDraw, draw_open_set
from bench.run import prepare
from bench.systems import Variant
from bench.systems.kaodex import Kaodex
from bench.systems.views import KaodexByViews
from data.drawn import draw_face
from data.drawn.studio import draw_studio
from data.near_duplicates import perceptual_hash
from data.splits import usable_identities
from embedder import Encoder
from embedder.picture_style import style_fingerprint
from index.calibrator import Population
from index.conformal import NullScores, WorstOf, identities_needed
from index.gallery import Gallery
from index.kind_encoders import DEFAULTS
from index.records import EncoderStamp, NewReference
from measure import beta_binomial_interval, mean_per_identity, share_interval

ARTISTS = {"half bodies": "art/arknights", "portraits": "faces/kancolle"}
FIRST_STUDIO, STUDIO = 3000, 16
"""Studios that no training and no other test draws, and the artists of one."""
COLLECTIONS = ("holoen", "kancolle", "arknights", "umamusume", "priconne", "sekai")
ASKED = Variant("weighted", 5)
DRAWN_REFERENCES, DRAWN_PICTURES = 2, 4
DRAWN_CHUNK = 100
FIRST_DRAWN_CHARACTER = 5_000_000
BARELY = 10
"""How many identities more than a rate needs at least."""
SAME_PICTURE = 0.9995
"""Two encodings as near as this are taken for one picture, or a copy of it."""


@dataclass(frozen=True)
class Encoded:
    """Encodings of labelled pictures."""

    encodings: np.ndarray
    identities: np.ndarray
    groups: np.ndarray
    hashes: np.ndarray

    def joined(self, other: Encoded) -> Encoded:
        """These and others, with nobody and no group in common."""
        return Encoded(
            np.concatenate([self.encodings, other.encodings]),
            np.concatenate([self.identities, other.identities + self.identities.max() + 1]),
            np.concatenate([self.groups, other.groups + self.groups.max() + 1]),
            np.concatenate([self.hashes, other.hashes]),
        )


@dataclass(frozen=True)
class Line:
    """One line of a table: a promise, and what strangers found over all splits."""

    test: str
    gallery: int
    strangers: int
    promised: float
    found: float
    ratio: float
    low: float
    high: float
    splits: int
    inside: int | None
    """In how many splits the rate found lies within the beta-binomial interval (95 %) of a single gallery."""
    note: str = ""

    def told(self) -> str:
        """The line, to print."""
        inside = "" if self.inside is None else f"{self.inside} of {self.splits}"
        return (
            f"{self.test:<34} {self.gallery:>7,} {self.strangers:>9,} {100 * self.promised:>8g} % "
            f"{100 * self.found:>7.3f} %  {100 * self.low:>6.2f}-{100 * self.high:<6.2f} {self.ratio:>6.2f} "
            f"{inside:>9}  {self.note}"
        )


HEAD = (
    f"{'':<34} {'gallery':>7} {'strangers':>9} {'promised':>10} {'found':>9}  {'95 %':<13} {'ratio':>6} {'inside':>9}"
)


def encoded(data: Path, name: str, encoder: Encoder, cache: Path) -> Encoded:
    """The dev identities of a collection, from the cache where they are in it."""
    path = cache / f"{name}-{encoder.fingerprint[:12]}.npz"
    if not path.is_file():
        table = data / "faces" / f"{name}_near_duplicates.csv"
        told = ([str(table)] if table.is_file() else []) + (["([0-9a-f]{32})"] if name == "holoen" else [])
        collection = load_collection(data / "faces" / name, data / "dev_identities.json", told)
        described = describe(collection.paths, [Kaodex(encoder)])
        kept = collection.only(described.readable)
        groups = group_by_hash(kept.identities, described.hashes) if kept.groups is None else kept.groups
        save(path, Encoded(described.features[Kaodex.name], kept.identities, groups, described.hashes))
    return load(path)


def drawn(count: int, encoder: Encoder, cache: Path, tell: Callable[[int], None]) -> Encoded:
    """Drawn characters of four pictures each, by artists of their own; the cache is filled chunk by chunk."""
    parts = []
    for first in range(0, count, DRAWN_CHUNK):
        path = cache / f"drawn-{first}-{encoder.fingerprint[:12]}.npz"
        if not path.is_file():
            whose = np.repeat(np.arange(DRAWN_CHUNK), DRAWN_PICTURES)
            pictures = [
                draw_face(FIRST_DRAWN_CHARACTER + first + who, artist=int(number * 7919 % 100_003), picture=number)
                for number, who in enumerate(whose.tolist(), start=DRAWN_PICTURES * first)
            ]
            hashes = np.array([perceptual_hash(picture) for picture in pictures], np.uint64)
            save(path, Encoded(encoder.encode(pictures), whose, np.arange(len(whose)), hashes))
        parts.append(load(path))
        tell(first + DRAWN_CHUNK)
    number = np.concatenate([part.identities + DRAWN_CHUNK * at for at, part in enumerate(parts)])
    return Encoded(
        np.concatenate([part.encodings for part in parts]),
        number,
        np.arange(len(number)),
        np.concatenate([part.hashes for part in parts]),
    )


def by_artist(data: Path, folder: str, encoder: Encoder, cache: Path) -> Encoded:
    """The listed artists of a folder with a table of characters, from the cache where they are in it."""
    path = cache / f"artists-{Path(folder).name}-{style_fingerprint(encoder.fingerprint)[:12]}.npz"
    if not path.is_file():
        collection = load_collection(data / folder, data / "dev_identities.json", kind="artist")
        ready = prepare(collection, [KaodexByViews(encoder)], None, None, "artist")
        features, hashes = ready.described.features[KaodexByViews.name], ready.described.hashes
        save(path, Encoded(features, ready.collection.identities, ready.groups, hashes))
    return load(path)


def drawn_artists(count: int, encoder: Encoder, cache: Path, tell: Callable[[int], None]) -> Encoded:
    """Drawn artists of four pictures each, studio by studio; the cache is filled likewise."""
    system, parts = KaodexByViews(encoder), []
    for number in range(-(-count // STUDIO)):
        path = cache / f"studio-{number}-{style_fingerprint(encoder.fingerprint)[:12]}.npz"
        if not path.is_file():
            pictures = list(draw_studio(FIRST_STUDIO + number, STUDIO, DRAWN_PICTURES).reshape(-1, 128, 128, 3))
            hashes = np.array([perceptual_hash(picture) for picture in pictures], np.uint64)
            whose = np.repeat(np.arange(STUDIO), DRAWN_PICTURES)
            save(path, Encoded(system.describe(pictures), whose, np.arange(len(whose)), hashes))
        parts.append(load(path))
        tell(STUDIO * (number + 1))
    return reduce(Encoded.joined, parts)


def save(path: Path, content: Encoded) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, **asdict(content))
    unfinished.replace(path)


def load(path: Path) -> Encoded:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Encoded(**{name: arrays[name] for name in arrays.files})


def found_by(
    null: NullScores | WorstOf, gallery: CalibratedReferences, asking: Encoded, which: np.ndarray, rate: float
) -> np.ndarray:
    """For each stranger asking, the share of its pictures that is given a name."""
    answered = gallery.ask(asking.encodings[which], ASKED)
    p_values = null.p_values(answered.scores, answered.named)
    _, whose = np.unique(asking.identities[which], return_inverse=True)
    return mean_per_identity((p_values <= rate).astype(np.float64), whose, int(whose.max()) + 1)


def enrolled(pictures: Encoded, references: np.ndarray) -> CalibratedReferences:
    """A gallery of these references."""
    return CalibratedReferences(
        pictures.encodings[references], pictures.identities[references], pictures.hashes[references], ASKED.k
    )


def split(pictures: Encoded, shots: int, number: int, share: float = 0.5) -> OpenDraw:
    """One random split, always the same for its number."""
    return draw_open_set(pictures.identities, pictures.groups, shots, share, (4, shots, number))


def own(
    test: str, pictures: Encoded, shots: int, rates: list[float], splits: int, strangers: float = 0.5
) -> list[Line]:
    """A share of the identities ask as strangers; the others are enrolled, and the gallery calibrates itself."""
    found: dict[float, list[np.ndarray]] = {rate: [] for rate in rates}
    for number in range(splits):
        draw = split(pictures, shots, number, strangers)
        gallery = enrolled(pictures, draw.references)
        null, _ = gallery.calibrate(ASKED)
        for rate in rates:
            if null.count >= identities_needed(rate, null.typical_share):
                found[rate].append(found_by(null, gallery, pictures, draw.strangers, rate))
    lines = []
    for rate, each in found.items():
        if each:
            inside = 0
            for shares in each:
                low, high = beta_binomial_interval(rate, len(draw.enrolled), len(shares))
                inside += low <= shares.mean() <= high
            lines.append(line(test, len(draw.enrolled), rate, each, inside))
    return lines


def line(test: str, gallery: int, rate: float, each: list[np.ndarray], inside: int | None, note: str = "") -> Line:
    """Mean over splits; the interval is over strangers of one split where there is one, else over splits' means."""
    means = np.array([shares.mean() for shares in each])
    low, high = share_interval(each[0]) if len(each) == 1 else np.percentile(means, [2.5, 97.5])
    return Line(
        test, gallery, max(len(shares) for shares in each), rate, float(means.mean()), float(means.mean() / rate),
        float(low), float(high), len(each), inside, note,
    )  # fmt: skip


def borrowed(encoder: Encoder, pictures: Encoded, sizes: list[int], rates: list[float], splits: int) -> list[Line]:
    """Real galleries too small to calibrate themselves, with the encoder's bank, asked by real strangers.

    The bank holds the dev identities too. In each split one part of them is enrolled, half of the others ask, and only
    the rest stay in the bank.
    """
    whole = tuple(Population(*strangers) for strangers in encoder.strangers)
    known_as = [in_test(population, pictures) for population in whole]
    usable = usable_identities(pictures.identities, pictures.groups, 2)
    lines = []
    for size in sizes:
        if size + 2 > len(usable):
            continue
        found: dict[float, list[np.ndarray]] = {rate: [] for rate in rates}
        for number in range(splits):
            draw = split(pictures, 2, number, share=1 - size / len(usable))
            others = np.random.default_rng((4, size, number)).permutation(
                np.unique(pictures.identities[draw.strangers])
            )
            asking = draw.strangers[np.isin(pictures.identities[draw.strangers], others[: len(others) // 2])]
            taking_part = np.concatenate([draw.enrolled, others[: len(others) // 2]])
            bank = tuple(
                Population(population.encodings[kept], population.identities[kept])
                for population, who in zip(whole, known_as, strict=True)
                for kept in [~np.isin(who, taking_part)]
            )
            gallery = enrolled(pictures, draw.references)
            with tempfile.TemporaryDirectory() as folder, shelved(pictures, draw, encoder, Path(folder)) as real:
                calibrator = real.calibrator("character")
                for rate in rates:
                    promise = calibrator.promise(rate, 0.01, k=ASKED.k, rule=ASKED.rule, bank=bank)
                    if promise.basis == "borrowed" and promise.null.units >= identities_needed(rate):
                        found[rate].append(found_by(promise.null, gallery, pictures, asking, rate))
        note = "bank: " + " and ".join(f"{len(np.unique(one.identities)):,}" for one in bank)
        lines += [
            line(f"borrowed, gallery of {size}", len(draw.enrolled), rate, each, None, note)
            for rate, each in found.items()
            if each
        ]
    return lines


def in_test(population: Population, pictures: Encoded) -> np.ndarray:
    """For each encoding of the bank, which identity of the test it is of; -1 for none."""
    encodings = population.encodings.astype(np.float32)
    near = np.full(len(encodings), -1.0, np.float32)
    whose = np.full(len(encodings), -1)
    for start in range(0, len(pictures.encodings), 1024):
        similarities = encodings @ pictures.encodings[start : start + 1024].T
        best = similarities.argmax(axis=1)
        nearer = similarities[np.arange(len(best)), best] > near
        whose[nearer] = pictures.identities[start + best[nearer]]
        near = np.maximum(near, similarities.max(axis=1))
    named = dict(zip(population.identities[near > SAME_PICTURE], whose[near > SAME_PICTURE], strict=True))
    return np.array([named.get(who, -1) for who in population.identities])


def shelved(pictures: Encoded, draw: OpenDraw, encoder: Encoder, folder: Path) -> Gallery:
    """A real gallery with the references of a draw."""
    gallery = Gallery.create(folder / "gallery.kaodex", device="cpu")
    gallery.enroll(
        [
            NewReference(
                identity=f"{pictures.identities[at]:06d}",
                sha256=hashlib.sha256(str(at).encode()).digest(),
                source=str(at),
                box=(0, 0, 1, 1),
                region="whole",
                detection=1.0,
                hash=int(pictures.hashes[at]),
                encoding=pictures.encodings[at].astype(np.float16),
                crop=b"",
            )
            for at in draw.references.tolist()
        ],
        EncoderStamp(encoder.name, encoder.fingerprint, encoder.dimension),
    )
    return gallery


def foreign(held: dict[str, Encoded], rate: float, splits: int) -> list[Line]:
    """Strangers of every other collection at galleries of each that is large enough."""
    lines = []
    for name, pictures in held.items():
        shots = shots_for(pictures, rate)
        if shots is None:
            continue
        for other, asking in held.items():
            if other == name:
                continue
            each = []
            for number in range(splits):
                draw = split(pictures, shots, number)
                gallery = enrolled(pictures, draw.references)
                null, _ = gallery.calibrate(ASKED)
                each.append(found_by(null, gallery, asking, np.arange(len(asking.identities)), rate))
            lines.append(line(f"{name}, asked by {other}", len(draw.enrolled), rate, each, None))
    return lines


def shots_for(pictures: Encoded, rate: float) -> int | None:
    """Two references each where enough identities have a third picture apart, else one, else none at all."""
    for shots in (2, 1):
        if len(usable_identities(pictures.identities, pictures.groups, shots)) // 2 >= identities_needed(
            rate, 1 / shots
        ):
            return shots
    return None


Show = Callable[[str, list[Line]], None]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder")
    parser.add_argument("--cache", type=Path, required=True, help="a folder for encodings; used again the next time")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--drawn", type=int, default=5000, help="drawn identities; 0 leaves them out")
    parser.add_argument("--drawn-splits", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--kind", choices=list(DEFAULTS), default="character")
    options = parser.parse_args()
    encoder = Encoder.load(options.encoder or DEFAULTS[options.kind])
    tables: dict[str, list[Line]] = {}

    def show(title: str, lines: list[Line]) -> None:
        tables[title] = lines
        print(f"\n{title}\n{HEAD}")
        for one in lines:
            print(one.told(), flush=True)

    if options.kind == "artist":
        artists(options, encoder, show)
    else:
        characters(options, encoder, show, parser)
    if options.json:
        told = {title: [asdict(one) for one in lines] for title, lines in tables.items()}
        options.json.write_text(json.dumps({"encoder": encoder.fingerprint, **told}, indent=1, default=lambda _: inf))


def artists(options: argparse.Namespace, encoder: Encoder, show: Show) -> None:
    """The tables of artists."""
    held = {name: by_artist(options.data, folder, encoder, options.cache) for name, folder in ARTISTS.items()}
    pooled = reduce(Encoded.joined, held.values())
    lines = [
        one
        for shots in (1, 2)
        for one in own(
            f"listed artists, {shots} reference{'s' * (shots > 1)}", pooled, shots, [0.3, 0.2, 0.1], options.splits
        )
    ]
    show("own: halves of the listed artists", lines)
    if encoder.strangers:
        show("borrowed: the encoder's bank decides", borrowed(encoder, pooled, [3, 6], [0.1, 0.01], options.splits))
    if options.drawn:
        print(f"\ndrawing and encoding {options.drawn:,} artists, where the cache has them not", flush=True)
        drawn = drawn_artists(options.drawn, encoder, options.cache, lambda done: None)
        lines = [
            one
            for shots in (1, 2, 3)
            for one in own(f"drawn, {shots} reference{'s' * (shots > 1)}", drawn, shots, [0.1, 0.01], options.splits)
        ]
        show("drawn: halves of drawn artists", lines)
        show("foreign: strangers of another collection", foreign({"drawn": drawn, **held}, 0.1, options.splits))


def characters(options: argparse.Namespace, encoder: Encoder, show: Show, parser: argparse.ArgumentParser) -> None:
    """The tables of characters."""
    held = {
        name: encoded(options.data, name, encoder, options.cache)
        for name in COLLECTIONS
        if (options.data / "faces" / name).is_dir()
    }
    pooled: Encoded | None = None
    for one in held.values():
        pooled = one if pooled is None else pooled.joined(one)
    if pooled is None:
        parser.error(f"there is no collection in {options.data / 'faces'}")
    lines = own("all collections, 2 references", pooled, 2, [0.1], options.splits)
    lines += own("all collections, 1 reference", pooled, 1, [0.1], options.splits)
    for name, pictures in held.items():
        if shots := shots_for(pictures, 0.1):
            lines += own(f"{name}, {shots} reference{'s' * (shots > 1)}", pictures, shots, [0.1], options.splits)
    show("own: halves of the dev identities", lines)
    show("foreign: strangers of another collection", foreign(held, 0.1, min(options.splits, 10)))
    if not encoder.strangers:
        print(f"\nborrowed: skipped, {encoder.name} brings no strangers")
    else:
        lines = borrowed(encoder, pooled, [3, 10, 50], [0.1, 0.01, 0.001], options.splits)
        show("borrowed: the encoder's bank decides", lines)
    if options.drawn:
        print(f"\ndrawing and encoding {options.drawn:,} characters, where the cache has them not", flush=True)
        step = max(DRAWN_CHUNK, options.drawn // 10)
        people = drawn(
            options.drawn,
            encoder,
            options.cache,
            lambda done: print(f"  {done:,}", flush=True) if not done % step else None,
        )
        show(
            "drawn: halves of drawn characters",
            own("drawn, 2 references", people, DRAWN_REFERENCES, [0.1, 0.01, 0.003, 0.001], options.drawn_splits),
        )
        lines = []
        for shots in (1, 2, 3):
            enough = identities_needed(0.01, 1 / shots) + BARELY
            share = 1 - enough / len(np.unique(people.identities))
            test = f"drawn, {shots} reference{'s' * (shots > 1)}"
            lines += own(test, people, shots, [0.01], options.splits, share)
        show("few: galleries with hardly enough identities for 1 %", lines)


if __name__ == "__main__":
    main()
