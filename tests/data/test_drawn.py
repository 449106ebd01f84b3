import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.drawn import DrawnFace, draw_face, draw_scene, trait_combinations
from data.drawn.artist import artist_of
from data.drawn.brush import ellipse, offset, points, ribbon, smooth
from data.drawn.chance import Chance
from data.drawn.character import BACKS, TAILS, VISIBLE_FORMS, character_of
from data.drawn.face import face_outline
from data.drawn.figure import frames
from data.drawn.look import HAIRLINE, look_of
from data.drawn.moment import pose_of
from data.drawn.scene import MAX_FACES, _places

ROOT = Path(__file__).parents[2]
SEEDS = st.integers(0, 2**40)


@settings(max_examples=12, deadline=None)
@given(character=SEEDS, artist=SEEDS, picture=SEEDS)
def test_equal_seeds_give_equal_faces(character: int, artist: int, picture: int) -> None:
    first = draw_face(character, artist, picture, 64)
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    assert np.array_equal(first, draw_face(character, artist, picture, 64))


def test_equal_seeds_give_equal_pictures_in_another_process() -> None:
    code = (
        "import hashlib, cv2; cv2.setNumThreads(1)\n"
        "from data.drawn import draw_face, draw_scene\n"
        "scene = draw_scene([5, 6, 7], 8, 9, (300, 200))\n"
        "faces = b''.join(draw_face(n, n + 1, n + 2, 64).tobytes() for n in range(6))\n"
        "print(hashlib.sha256(faces + scene.picture.tobytes() + repr(scene.faces).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_picture_does_not_depend_on_what_was_drawn_before() -> None:
    alone = draw_face(11, 12, 13, 64)
    for seed in range(5):
        draw_face(seed, 12, 13, 64)
    character_of.cache_clear()
    artist_of.cache_clear()
    assert np.array_equal(alone, draw_face(11, 12, 13, 64))


@pytest.mark.parametrize("which", [0, 1, 2], ids=["character", "artist", "picture"])
def test_each_seed_changes_the_picture(which: int) -> None:
    for start in range(6):
        seeds = [start, start, start]
        other = list(seeds)
        other[which] += 1
        difference = np.abs(draw_face(*seeds, 64).astype(int) - draw_face(*other, 64).astype(int))
        assert difference.mean() > 1.0, (seeds, other)


def test_the_three_seeds_are_independent() -> None:
    # what an artist or a picture decides is the same whoever is drawn
    assert artist_of(4) == artist_of(4)
    assert pose_of(4) == pose_of(4)
    assert pose_of(4, 1) != pose_of(4, 2)
    assert Chance(1, 7).unit() != Chance(2, 7).unit()


@pytest.mark.parametrize("size", [48, 64, 96, 128, 160, 256])
def test_sizes(size: int) -> None:
    face = draw_face(1, 2, 3, size)
    assert face.shape == (size, size, 3)
    assert face.std() > 10


def test_a_larger_face_is_the_same_face() -> None:
    plain = next(seed for seed in range(100) if artist_of(seed).texture == "none" and not artist_of(seed).softness)
    small, large = draw_face(21, plain, 3, 64), draw_face(21, plain, 3, 256)
    shrunk = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 8


@pytest.mark.parametrize(
    ("seeds", "size", "said"),
    [
        ((-1, 0, 0), 128, ("character", "-1", "0")),
        ((0, -2, 0), 128, ("artist", "-2", "0")),
        ((0, 0, -3), 128, ("picture", "-3", "0")),
        ((0, 0, 0), 8, ("8", "32", "1024")),
        ((0, 0, 0), 4000, ("4000", "32", "1024")),
    ],
)
def test_bad_arguments_of_a_face(seeds: tuple[int, int, int], size: int, said: tuple[str, ...]) -> None:
    with pytest.raises(ValueError) as error:
        draw_face(*seeds, size)
    assert all(word in str(error.value) for word in said)


@pytest.mark.parametrize(
    ("characters", "size", "said"),
    [
        ([], (300, 200), ("0 characters", "1 to 6")),
        (list(range(7)), (300, 200), ("7 characters", "1 to 6")),
        ([1, -4], (300, 200), ("-4", "0")),
        ([1], (300, 20), ("300 x 20", "96", "4096")),
        ([1], (9000, 200), ("9000 x 200", "96", "4096")),
    ],
)
def test_bad_arguments_of_a_scene(characters: list[int], size: tuple[int, int], said: tuple[str, ...]) -> None:
    with pytest.raises(ValueError) as error:
        draw_scene(characters, 0, 0, size)
    assert all(word in str(error.value) for word in said)


SIZES = st.tuples(st.integers(96, 700), st.integers(96, 700))


def crop_of(face: DrawnFace, grow: float = 1.5) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = face.box
    half = grow * max(x1 - x0, y1 - y0) / 2
    return (x0 + x1) / 2 - half, (y0 + y1) / 2 - half, (x0 + x1) / 2 + half, (y0 + y1) / 2 + half


@settings(max_examples=15, deadline=None)
@given(characters=st.lists(SEEDS, min_size=1, max_size=MAX_FACES), artist=SEEDS, picture=SEEDS, size=SIZES)
def test_boxes_lie_inside_the_picture_and_apart(
    characters: list[int], artist: int, picture: int, size: tuple[int, int]
) -> None:
    scene = draw_scene(characters, artist, picture, size)
    assert scene.picture.shape == (size[1], size[0], 3)
    assert [face.character for face in scene.faces] == characters
    for index, face in enumerate(scene.faces):
        x0, y0, x1, y1 = face.box
        assert 0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]
        for other in scene.faces[:index]:
            a0, b0, a1, b1 = other.box
            assert x1 <= a0 or a1 <= x0 or y1 <= b0 or b1 <= y0


@pytest.mark.parametrize("picture", range(5))
def test_boxes_run_from_hairline_to_chin_and_ear_to_ear(picture: int) -> None:
    characters, size = [31 + picture, 62, 93, 124], (640, 480)
    scene = draw_scene(characters, 7, picture, size)
    for index, x, y, unit in _places(len(characters), picture, *size):
        look = look_of(character_of(characters[index]), artist_of(7), pose_of(picture, index + 1), False)
        head, _, _ = frames(look, unit, (x, y))
        skin = face_outline(look)
        skin = skin[skin[:, 1] >= HAIRLINE] @ head[:, :2].T + head[:, 2]
        (left, top), (right, bottom) = skin.min(axis=0), skin.max(axis=0)
        x0, y0, x1, y1 = scene.faces[index].box
        slack = 1 + 0.16 * unit  # the corners of the forehead may stand out of the box of a tilted head
        assert x0 - slack <= left and right <= x1 + slack and y0 - slack <= top and bottom <= y1 + slack
        # and the box is not much larger than the skin: ears stand out by at most a quarter of a head unit
        wide = 0.34 * unit + 2
        assert left - x0 < wide and x1 - right < wide and y1 - bottom < wide


def test_faces_of_a_scene_differ_in_size() -> None:
    scene = draw_scene([1, 2, 3, 4], 5, 6, (900, 600))
    sides = {max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (face.box for face in scene.faces)}
    assert len(sides) > 2


def test_a_face_cut_from_a_scene_looks_like_a_drawn_face() -> None:
    """The mean of many crops has the place of eyes, skin and hair; crops beside the faces do not."""

    def mean_crop(shift: float) -> np.ndarray:
        total = np.zeros((24, 24))
        for picture in range(16):
            scene = draw_scene([picture, picture + 100], picture, picture, (320, 200))
            for face in scene.faces:
                x0, y0, x1, _ = crop_of(face)
                xs = np.linspace(x0, x1, 25)[:-1] + shift * (x1 - x0)
                ys = np.linspace(y0, y0 + (x1 - x0), 25)[:-1]
                rows = np.clip(ys.astype(int), 0, 199)[:, None]
                total += scene.picture[rows, np.clip(xs.astype(int), 0, 319)].mean(axis=2)
        return total

    faces = np.mean([draw_face(seed, seed, seed, 48).mean(axis=2) for seed in range(40)], axis=0)
    faces = faces.reshape(24, 2, 24, 2).mean(axis=(1, 3))

    def likeness(crop: np.ndarray) -> float:
        return float(np.corrcoef(crop.ravel(), faces.ravel())[0, 1])

    on_the_face = likeness(mean_crop(0.0))
    assert on_the_face > 0.7
    assert on_the_face > likeness(mean_crop(0.4)) + 0.2


def test_more_than_a_million_characters_can_be_told_apart() -> None:
    # hair hangs loose or half up in one of its cuts, or is tied in a tail
    behind = len({(back, tails) if tails in ("none", "half up") else tails for back in BACKS for tails in TAILS})
    assert trait_combinations() == math.prod(VISIBLE_FORMS.values()) * behind > 10**6


def test_every_visible_form_occurs_and_no_two_characters_share_all_traits() -> None:
    characters = [character_of(seed) for seed in range(2000)]
    assert len({character.traits() for character in characters}) == len(characters)
    for trait, forms in {**VISIBLE_FORMS, "back": len(BACKS), "tails": len(TAILS)}.items():
        assert len({getattr(character, trait) for character in characters}) == forms, trait


@pytest.mark.slow
def test_every_form_is_drawn_without_complaint() -> None:
    for seed in range(300):
        assert draw_face(seed, seed + 1, seed + 2, 48).std() > 2


@pytest.mark.slow
def test_colour_alone_does_not_tell_characters_apart() -> None:
    command = [sys.executable, "benchmarks/drawn.py", "--faces", "40"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = re.search(r"colour 1-NN rank-1 \(200 characters, 2 references\): ([\d.]+)", printed)
    assert found is not None, printed
    assert float(found[1]) < 0.6


def test_chance_reads_the_bits_of_pcg64() -> None:
    """The twin: numpy's own doubles, which are these bits by definition."""
    chance = Chance(3, 14)
    twin = np.random.Generator(np.random.PCG64(np.random.SeedSequence((3, 14))))
    drawn = [chance.unit() for _ in range(600)]
    assert drawn == twin.random(600).tolist()
    assert min(drawn) >= 0 and max(drawn) < 1


def test_chance_weighs_options() -> None:
    chance = Chance(1)
    taken = [chance.weigh({"often": 3, "seldom": 1, "never": 0}) for _ in range(2000)]
    assert taken.count("never") == 0
    assert 0.7 < taken.count("often") / 2000 < 0.8


def test_a_spline_meets_its_corners() -> None:
    corners = [(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (4.0, 4.0)]
    for closed in (False, True):
        curve = smooth(corners, closed)
        for corner in corners:
            assert np.abs(curve - corner).sum(axis=1).min() < 1e-12


def test_a_ribbon_has_the_width_asked_for() -> None:
    path = points([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)])
    band = ribbon(path, (0.2, 0.4, 0.0))
    assert np.allclose(np.abs(band[:3, 1] - band[3:][::-1][:, 1]), (0.2, 0.4, 0.0))


def test_an_ellipse_turns_about_its_middle() -> None:
    ring = ellipse(1.0, 2.0, 3.0, 1.0, 0.5) - offset(1.0, 2.0)
    assert np.isclose(np.hypot(*ring[0]), 3.0) and np.isclose(math.atan2(ring[0][1], ring[0][0]), 0.5)
