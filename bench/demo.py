"""The whole job on drawn characters: draw, enrol, ask, judge, and leave pictures to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from data.canvas import Tile, Tone, contact_sheet, write_picture
from data.drawn import draw_face, draw_scene
from embedder import Detection, Encoder, crop_face
from index.annotated import annotated, title
from index.answers import FaceAnswer
from index.decision import Status
from index.gallery import Gallery
from index.recognizer import Question, Recognizer
from measure.detection import overlaps

ENROLLED = ("Akane", "Botan", "Chihiro", "Emi", "Fuyu", "Hikari", "Kaede", "Mizuki", "Natsu", "Ran")
STRANGERS = ("stranger 1", "stranger 2")
REFERENCES = 5
SCENES = 6
PER_SCENE = 4
SCENE_SIZE = (1200, 700)
FACE_SIZE = 160
GENEROUS_FPIR = 0.05
NOBODY = "nobody"
"""Who is in a box that the detector found where nobody's face is."""
SAME_FACE = 0.4
"""Intersection over union from which a box that was found is a drawn face's."""

_FIRST_CHARACTER = 2026
_FIRST_SCENE_ARTIST = 900
"""Scenes are drawn by artists of their own: nobody asks about a picture by the hand that drew the references."""


@dataclass(frozen=True)
class Asked:
    """One face of a scene: who it is, what was answered, and whether that is right."""

    scene: Path
    truth: str
    answer: FaceAnswer

    @property
    def enrolled(self) -> bool:
        """Whether this character is in the gallery."""
        return self.truth in ENROLLED

    @property
    def verdict(self) -> Tone:
        """`right` (the right name, or unknown for a stranger), `ambiguous` or `unknown` (a missed name), or `wrong`."""
        if self.answer.status is Status.IDENTIFIED:
            return "right" if self.answer.identity == self.truth else "wrong"
        if not self.enrolled:
            return "right" if self.answer.status is Status.UNKNOWN else "wrong"
        return "ambiguous" if self.answer.status is Status.AMBIGUOUS else "unknown"


@dataclass(frozen=True)
class Demo:
    """What the demo did and where its pictures are."""

    folder: Path
    references: int
    asked: tuple[Asked, ...]
    generous: tuple[Asked, ...]
    """The same faces, asked about at GENEROUS_FPIR."""
    annotated: tuple[Path, ...]
    sheet: Path
    missed: int
    """Faces that the detector did not find."""


def tally(asked: Sequence[Asked]) -> dict[str, int]:
    """How many faces met each verdict: enrolled ones right, wrong, ambiguous or unknown, and strangers named."""
    counts = dict.fromkeys(("right", "wrong", "ambiguous", "unknown"), 0)
    for one in asked:
        if one.enrolled:
            counts[one.verdict] += 1
    return {**counts, "strangers named": sum(one.verdict == "wrong" for one in asked if not one.enrolled)}


def characters() -> dict[str, int]:
    """The character seed of each name, strangers last."""
    return {name: _FIRST_CHARACTER + number for number, name in enumerate((*ENROLLED, *STRANGERS))}


def run_demo(folder: Path, encoder: Encoder, on_progress: Callable[[int], None] = lambda done: None) -> Demo:
    """Draw 12 characters, enrol 10 of them, ask about unseen scenes of all 12; everything is left in `folder`.

    Faces are found by the default detector; the scenes' true boxes only tell whose they are. `on_progress` is told of
    every picture drawn or asked about: `total_pictures()` in all.
    """
    seeds = characters()
    for name in ENROLLED:
        for number in range(REFERENCES):
            picture = draw_face(seeds[name], artist=seeds[name] % 7 * 10 + number, picture=number, size=FACE_SIZE)
            write_picture(folder / "refs" / name / f"{number + 1}.png", picture)
            on_progress(1)
    path = folder / "gallery.kaodex"
    for old in folder.glob("gallery.kaodex*"):
        old.unlink()
    with Gallery.create(path) as gallery:
        recognizer = Recognizer(gallery, encoder)
        report = recognizer.enroll(folder / "refs", words="demo")
        asked: list[Asked] = []
        generous: list[Asked] = []
        drawn: list[Path] = []
        tiles: list[Tile] = []
        missed = 0
        for number in range(SCENES):
            scene = _draw(number, seeds)
            place = folder / "scenes" / f"scene-{number + 1}.png"
            write_picture(place, scene.picture)
            seen = recognizer.see(scene.picture, place.name)
            names = _whose(seen.detections, scene)
            missed += len(set(scene.names) - set(names))
            (answer,) = recognizer.recognize([seen])
            (freely,) = recognizer.recognize([seen], Question(fpir=GENEROUS_FPIR))
            generous += [Asked(place, name, face) for name, face in zip(names, freely.faces, strict=True)]
            drawn.append(folder / "annotated" / place.name)
            write_picture(drawn[-1], annotated(scene.picture, answer, gallery))
            for name, face, detection in zip(names, answer.faces, seen.detections, strict=True):
                asked.append(Asked(place, name, face))
                tiles.append(_tile(scene, detection, asked[-1]))
            on_progress(1)
    sheet = folder / "answers.png"
    write_picture(sheet, contact_sheet(tiles, columns=8, title="what is asked about, and what is answered"))
    return Demo(
        folder,
        sum(count.total() for count in report.counts.values()),
        tuple(asked),
        tuple(generous),
        tuple(drawn),
        sheet,
        missed,
    )


def total_pictures() -> int:
    """How many pictures the demo draws."""
    return len(ENROLLED) * REFERENCES + SCENES


@dataclass(frozen=True)
class Drawn:
    """A scene with the boxes of its faces, and who they are."""

    picture: UInt8[np.ndarray, "height width 3"]
    boxes: Float64[np.ndarray, "faces 4"]
    names: list[str]


def _draw(number: int, seeds: dict[str, int]) -> Drawn:
    """One of the scenes; every character is in two of them."""
    names = list(seeds)
    step = 1 if number < SCENES // 2 else 5
    cast = [names[(number * PER_SCENE + place) * step % len(names)] for place in range(PER_SCENE)]
    scene = draw_scene([seeds[name] for name in cast], _FIRST_SCENE_ARTIST + number, number, SCENE_SIZE)
    named = {seed: name for name, seed in seeds.items()}
    boxes = np.array([face.box for face in scene.faces], np.float64)
    return Drawn(scene.picture, boxes, [named[face.character] for face in scene.faces])


def _whose(found: Sequence[Detection], scene: Drawn) -> list[str]:
    """The name of the drawn face that each box found is on, NOBODY where there is none."""
    boxes = np.array([one.box for one in found], np.float64).reshape(-1, 4)
    shared = overlaps(boxes, scene.boxes)
    return [scene.names[int(row.argmax())] if row.max() >= SAME_FACE else NOBODY for row in shared]


def _tile(scene: Drawn, detection: Detection, asked: Asked) -> Tile:
    score = "" if asked.answer.score is None else f" {asked.answer.score:.2f}"
    caption = f"{asked.truth}\n→ {title(asked.answer.recognition)}{score}"
    return Tile(crop_face(scene.picture, detection), caption, asked.verdict)
