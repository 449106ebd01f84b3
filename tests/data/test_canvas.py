"""Drawing: text that fits, frames in the right place, pictures left alone elsewhere, files that come back."""

from __future__ import annotations

import unicodedata
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.canvas import Mark, Thumbnail, Tile, annotate, contact_sheet, draw_text, write_picture
from data.canvas.cards import PAGE
from data.canvas.fitting import around, comfortable_scale, in_square, scaled
from data.canvas.marks import frame_around, name_panels
from data.canvas.placing import overlap, place_panels
from data.canvas.shapes import blend, dashes, fill, outline, rounded
from data.canvas.text import BOLD, ELLIPSIS, line_height, printable, shorten, text_width
from data.canvas.tone import INK, LOOKS, QUIET, TONES, WHITE, check_tone, contrast, draw_frame, ink_on, rim_of
from data.errors import UnusableSource

GREY = (128, 128, 128)


def plain(height: int, width: int, colour=GREY) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def printed(text: str, size: int = 40, weight: int = 400) -> np.ndarray:
    canvas = plain(60, 400, (0, 0, 0))
    draw_text(canvas, text, (0, 0), size=size, colour=WHITE, weight=weight)
    return canvas[..., 0]


# Text


@pytest.mark.parametrize("text", ["レム", "エミリア", "雪ノ下", "Rem", "Рем", "Émilie", "한국", "♪", "…", "～", "髙"])
def test_text_of_each_script_is_printed_and_is_not_the_missing_sign(text):
    missing = printed("\U0010fffd")
    for sign in text:
        assert printed(sign).any()
        assert (printed(sign) != missing).any()


def test_different_names_look_different():
    pictures = [printed(name) for name in ("レム", "ラム", "エミリア", "Rem", "Рем", "Ram")]
    for one, other in combinations(pictures, 2):
        assert (one != other).sum() > 50


def test_the_wave_dash_is_printed_as_the_full_width_tilde():
    assert (printed("〜") == printed("～")).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\t c", "a b c"),
        ("  ", ""),
        ("\ud800x", "□x"),  # a file name that is not UTF-8
        ("Ram🌸✨?", "Ram□□?"),
        ("ก", "□"),  # Thai
        ("שרה شهرزاد 김아리", "שרה شهرزاد 김아리"),
        ("か\u3099", "が"),
        ("♡\ufe0f", "♡"),
        ("a\u200db", "ab"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected


# Surrogates included: OpenCV alone crashes on them.
texts = st.text(st.characters() | st.sampled_from("\ud800\udfffレム雪 "), max_size=30)


@given(texts)
def test_printable_is_idempotent_composed_and_one_line(text):
    clean = printable(text)
    assert printable(clean) == clean
    assert clean == " ".join(clean.split())
    assert not any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in clean)


@given(texts, st.integers(0, 300), st.integers(8, 40), st.sampled_from([400, BOLD]))
@example("エミリア・アーネンエルベ", 90, 20, BOLD)
@settings(max_examples=200, deadline=None)
def test_a_shortened_text_fits_and_is_a_beginning_of_the_text(text, width, size, weight):
    short = shorten(text, width, size, weight)
    assert text_width(short, size, weight) <= width
    if short != printable(text):
        assert short == "" or (short.endswith(ELLIPSIS) and printable(text).startswith(short[:-1]))


def test_no_longer_beginning_would_have_fitted():
    text = "A Very Long Name Indeed"
    short = shorten(text, 90, 16)
    assert short == max(
        (
            text[:count].rstrip() + ELLIPSIS
            for count in range(len(text))
            if text_width(text[:count] + ELLIPSIS, 16) <= 90
        ),
        key=len,
    )


@pytest.mark.parametrize("panel", [None, (0, 0, 0)])
def test_text_stays_in_the_area_that_it_reports_and_in_its_width(panel):
    canvas = plain(80, 300)
    x0, y0, x1, y1 = area = draw_text(
        canvas, "gÅ雪レム and more", (20, 30), size=22, colour=WHITE, width=120, panel=panel
    )
    assert x1 - x0 <= 120
    assert y1 - y0 == line_height(22)
    rows, columns = np.nonzero((canvas != 128).any(axis=2))
    assert x0 <= columns.min() and columns.max() < x1, area
    assert y0 <= rows.min() and rows.max() < y1


def test_nothing_is_printed_for_an_empty_text_or_no_room():
    canvas = plain(40, 40)
    assert draw_text(canvas, "", (3, 4), panel=WHITE) == (3, 4, 3, 4)
    assert draw_text(canvas, "Rem", (3, 4), width=2, panel=WHITE) == (3, 4, 3, 4)
    assert (canvas == 128).all()


@pytest.mark.parametrize("place", [(-20, 5), (90, 5), (10, -12), (10, 45), (500, 500), (-500, 0)])
def test_text_off_the_canvas_is_cut_off(place):
    large = plain(1100, 1100)
    draw_text(large, "エミリア", (place[0] + 500, place[1] + 500), panel=WHITE)
    canvas = plain(50, 100)
    draw_text(canvas, "エミリア", place, panel=WHITE)
    assert (canvas == large[500:550, 500:600]).all()


def test_text_is_readable_on_a_panel_on_any_background():
    for background in (plain(40, 200, (0, 0, 0)), plain(40, 200, WHITE), noise(40, 200)):
        x0, y0, x1, y1 = draw_text(background, "Rem レム", (5, 5), colour=WHITE, panel=(0, 0, 0))
        inner = background[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4]
        assert inner.max() > 230 and np.median(inner) == 0
        assert (inner[..., 0] == inner[..., 1]).all()  # nothing of the background shines through


def test_bold_japanese_is_heavier_and_latin_beside_it_unchanged():
    assert printed("雪", 24, BOLD).sum() > 1.1 * printed("雪", 24, 400).sum()
    width = text_width("Rem", 24, BOLD)
    assert (printed("Rem", 24, BOLD)[:, : width - 2] == printed("Rem雪", 24, BOLD)[:, : width - 2]).all()


# Shapes


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 30))
def test_rounded_covers_what_sixteen_samples_a_side_say(height, width, radius):
    cover = rounded(height, width, radius)
    radius = min(radius, height / 2, width / 2)
    steps = (np.arange(16) + 0.5) / 16
    y = (np.arange(height)[:, None] + steps).ravel()
    x = (np.arange(width)[:, None] + steps).ravel()
    beyond_y = np.maximum(np.abs(y - height / 2) - (height / 2 - radius), 0)
    beyond_x = np.maximum(np.abs(x - width / 2) - (width / 2 - radius), 0)
    inside = beyond_x[None, :] ** 2 + beyond_y[:, None] ** 2 <= radius**2 + 1e-9
    if radius == 0:
        inside[...] = True
    naive = inside.reshape(height, 16, width, 16).mean(axis=(1, 3))
    if min(height, width) >= 4 and radius >= 1:
        assert np.abs(cover - naive).max() < 0.25
        assert abs(cover.sum() - naive.sum()) < 0.02 * naive.sum() + 2
    assert cover.min() >= 0 and cover.max() <= 1


def test_blend_mixes_and_clips():
    canvas = plain(3, 3, (100, 100, 100))
    blend(canvas, (2, -1), (200, 0, 100), np.full((2, 5), 0.5, np.float32))
    expected = plain(3, 3, (100, 100, 100))
    expected[0, 2] = (150, 50, 100)
    assert (canvas == expected).all()


def test_fill_of_nothing_changes_nothing():
    canvas = plain(5, 5)
    fill(canvas, (3, 3, 3, 4), WHITE)
    fill(canvas, (4, 4, 2, 2), WHITE)
    assert (canvas == 128).all()


@given(st.floats(5, 300), st.floats(5, 300), st.floats(0, 50))
def test_the_outline_is_closed_and_as_long_as_geometry_says(width, height, radius):
    path = outline((10, 20, 10 + width, 20 + height), radius).astype(float)
    assert path[0] == pytest.approx(path[-1])
    radius = min(radius, width / 2, height / 2)
    length = np.hypot(*np.diff(path, axis=0).T).sum()
    assert length == pytest.approx(2 * (width + height) - 8 * radius + 2 * np.pi * radius, rel=0.01)


def test_dashes_cover_their_share_of_the_path():
    path = outline((0, 0, 100, 60), 10)
    pieces = dashes(path, 8, 4)
    along = sum(np.hypot(*np.diff(piece, axis=0).T).sum() for piece in pieces)
    whole = np.hypot(*np.diff(path, axis=0).T).sum()
    assert along == pytest.approx(whole * 8 / 12, rel=0.02)


# Tones


@pytest.mark.parametrize("tone", TONES)
def test_each_tone_carries_readable_text(tone):
    colour = LOOKS[tone].colour
    assert contrast(ink_on(colour), colour) >= 4.5  # WCAG 2.2, level AA


@pytest.mark.parametrize("ground", [WHITE, PAGE])
@pytest.mark.parametrize("ink", [INK, QUIET])
def test_text_of_cards_and_sheets_is_readable(ink, ground):
    assert contrast(ink, ground) >= 4.5


def test_contrast_of_black_and_white_is_21():
    assert contrast((0, 0, 0), WHITE) == pytest.approx(21)


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("tones", [("identified", "ambiguous", "unknown"), ("right", "wrong", "unknown")])
def test_tones_differ_for_every_eye(blindness, tones):
    seen = []
    for tone in tones:
        light = (np.array(LOOKS[tone].colour) / 255) ** 2.2
        light = np.clip(np.array(BLINDNESS[blindness]) @ light, 0, 1)
        seen.append(cv2.cvtColor((light ** (1 / 2.2)).astype(np.float32)[None, None], cv2.COLOR_RGB2Lab)[0, 0])
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 20


def test_tones_differ_without_colour():
    for tones in (("identified", "ambiguous", "unknown"), ("right", "wrong", "unknown")):
        assert len({LOOKS[tone].dash for tone in tones}) == 3
    assert len({LOOKS[tone].sign for tone in ("right", "wrong", "unknown")}) == 3


def test_an_unknown_tone_names_the_known_ones():
    with pytest.raises(ValueError, match="identified, ambiguous, unknown, right, wrong"):
        check_tone("sure")


@pytest.mark.parametrize("background", [(0, 0, 0), WHITE, LOOKS["identified"].colour])
def test_a_solid_frame_has_its_colour_and_a_white_rim_and_stays_inside_its_area(background):
    canvas = plain(120, 140, background)
    draw_frame(canvas, (20, 30, 120, 100), "identified", 4, radius=8)
    middle = canvas[65, 20:30]
    assert (middle[:2] == WHITE).all(axis=1).any()
    assert (np.abs(middle[2:6].astype(int) - LOOKS["identified"].colour) <= 2).all()
    changed = (canvas != np.array(background)).any(axis=2)
    changed[30:100, 20:120] = False
    assert not changed.any()
    assert (canvas[45:85, 35:105] == np.array(background)).all()


def test_dashed_frames_show_both_colour_and_rim_along_each_side():
    for tone in ("ambiguous", "unknown"):
        canvas = plain(200, 200, (0, 0, 0))
        draw_frame(canvas, (10, 10, 190, 190), tone, 4, radius=0)
        side = canvas[14, 30:170].astype(int)  # along the middle of the line
        assert (np.abs(side - LOOKS[tone].colour).max(axis=1) < 40).any()
        assert (side > 215).all(axis=1).any()


def test_a_tiny_frame_is_drawn_without_complaint():
    canvas = plain(10, 10)
    draw_frame(canvas, (4, 4, 5, 5), "unknown", 3, radius=9)
    assert (canvas != 128).any()


# Fitting


@pytest.mark.parametrize(
    ("size", "scale"),
    [((1, 1), 400), ((40, 30), 10), ((399, 20), 2), ((400, 1), 1), ((1600, 9), 1), ((4000, 6000), 1600 / 6000)],
)
def test_comfortable_scale(size, scale):
    assert comfortable_scale(*size) == pytest.approx(scale)


@given(st.integers(1, 50), st.integers(1, 50), st.floats(0.01, 4))
@settings(deadline=None)
def test_scaled_keeps_a_plain_picture_plain_and_at_least_a_pixel(height, width, scale):
    result = scaled(plain(height, width), scale)
    assert result.shape == (max(1, round(height * scale)), max(1, round(width * scale)), 3)
    assert (result == 128).all()


def test_in_square_shows_the_whole_picture_on_its_background():
    square = in_square(plain(10, 40, (9, 9, 9)), 80, WHITE)
    assert (square[30:50] == 9).all()
    assert (square[:30] == 255).all() and (square[50:] == 255).all()
    assert (in_square(plain(0, 5), 8, WHITE) == 255).all()


def test_around_is_a_square_about_the_box_moved_into_the_picture():
    picture = noise(100, 200)
    assert (around(picture, (50, 40, 70, 60), margin=1.5) == picture[35:65, 45:75]).all()
    assert (around(picture, (-10, -10, 20, 20), margin=1.0) == picture[:30, :30]).all()
    assert (around(picture, (0, 0, 200, 100)) == picture[:, 50:150]).all()
    assert around(picture, (300, 10, 320, 30)).size == 0


# Placing


def test_a_lone_panel_stands_above_its_face_and_below_where_there_is_no_room():
    assert place_panels([(50, 50, 90, 90)], [(60, 10)], (200, 200), gap=2) == [(50, 38, 110, 48)]
    assert place_panels([(50, 5, 90, 45)], [(60, 10)], (200, 200), gap=2) == [(50, 47, 110, 57)]


areas = st.tuples(st.integers(0, 500), st.integers(0, 300), st.integers(10, 200), st.integers(10, 200)).map(
    lambda box: (box[0], box[1], min(box[0] + box[2], 600), min(box[1] + box[3], 400))
)


@given(st.lists(areas, max_size=20))
def test_panels_lie_inside_the_picture(faces):
    sizes = [(80, 18)] * len(faces)
    for x0, y0, x1, y1 in place_panels(faces, sizes, (600, 400), gap=3):
        assert x0 >= 0 and y0 >= 0 and x1 <= 600 and y1 <= 400
        assert (x1 - x0, y1 - y0) == (80, 18)


def test_panels_of_neighbours_hide_neither_each_other_nor_a_face():
    faces = [(x, y, x + 60, y + 60) for y in (40, 160) for x in (20, 90, 160, 230)]
    panels = place_panels(faces, [(100, 18)] * 8, (400, 300), gap=3)
    assert all(overlap(one, other) == 0 for one, other in combinations(panels, 2))
    assert all(overlap(panel, face) == 0 for panel in panels for face in faces)


# Annotated pictures


def thumbnails(count: int) -> tuple[Thumbnail, ...]:
    return tuple(Thumbnail(noise(64, 64, seed), f"エミリア {seed}\n0.8{seed}") for seed in range(count))


def test_without_marks_the_picture_comes_back_as_a_copy():
    picture = noise(400, 600)
    result = annotate(picture, [])
    assert (result == picture).all()
    result[...] = 0
    assert picture.any()


def test_pixels_outside_the_marks_are_untouched_with_and_without_cards():
    picture = noise(600, 800)
    for count in (0, 3):
        result = annotate(picture, [Mark((300, 200, 420, 320), "レム", "0.81", "identified", thumbnails(count))])
        changed = (result[:600, :800] != picture).any(axis=2)
        assert changed[200:320, 290:300].any()
        assert changed[170:200, 300:420].any()  # the name panel above
        changed[150:325, 290:520] = False
        assert not changed.any()
        assert (result[200:320, 300:420] == picture[200:320, 300:420]).mean() > 0.99  # the face itself, to its corners
        assert (result[203:317, 303:417] == picture[203:317, 303:417]).all()
        assert result.shape == (600, 800, 3) if count == 0 else result.size > picture.size


@pytest.mark.parametrize("tone", ["identified", "ambiguous", "unknown"])
@pytest.mark.parametrize("scale", [0.25, 1, 4])
def test_frames_have_their_tone_at_their_box(tone, scale):
    side = round(800 * scale)
    box = tuple(scale * end for end in (200, 300, 500, 600))
    result = annotate(plain(side, side, (0, 0, 0)), [Mark(box, "", "", tone)]).astype(int)
    shown = len(result) / side
    colour = (np.abs(result - LOOKS[tone].colour) < 12).all(axis=2)
    rows, columns = np.nonzero(colour)
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    beyond = (found - np.array(box) * shown) * (-1, -1, 1, 1)
    assert beyond.min() >= 1 and beyond.max() <= 8


sides = st.integers(16, 2000)
faces_of_a_page = st.lists(st.tuples(st.floats(-0.2, 1), st.floats(-0.2, 1), st.floats(0.01, 0.5)), max_size=8)
names = st.lists(
    st.sampled_from(["Rem", "エミリア or Ram?", "A Very Long Name Indeed " * 3, ""]), min_size=8, max_size=8
)


def framed(page: tuple[int, int], faces) -> list[tuple[int, int, int, int]]:
    width, height = page
    boxes = [(x * width, y * height, (x + side) * width, (y + side) * height) for x, y, side in faces]
    seen = [box for box in boxes if min(box[2], width) > max(box[0], 0) and min(box[3], height) > max(box[1], 0)]
    return [frame_around(box, page)[0] for box in seen]


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(1, 900), st.floats(1, 900), sides, sides)
def test_a_frame_lies_inside_the_page_and_around_its_box(x, y, width, height, page_width, page_height):
    area, thickness = frame_around((x, y, x + width, y + height), (page_width, page_height))
    line = thickness + 2 * rim_of(thickness)
    assert area[0] == max(int(x) - line, 0) and area[1] == max(int(y) - line, 0)
    assert area[2] <= page_width and area[3] <= page_height
    assert line <= max(4, 0.2 * max(width, height) + 1)  # no face is smothered


@given(sides, sides, faces_of_a_page, names, st.booleans())
def test_name_panels_lie_inside_the_page_and_give_way_to_numbers(width, height, faces, titles, with_cards):
    areas = framed((width, height), faces)
    marks = [
        (str(number + 1) if with_cards else "", Mark((0, 0, 1, 1), titles[number], "0.81"))
        for number in range(len(areas))
    ]
    text, panels = name_panels(marks, areas, (width, height))
    assert 13 <= text <= 24 and len(panels) == len(areas)
    for words, (x0, y0, x1, y1) in panels:
        assert x0 >= 0 and y0 >= 0 and words
        assert x1 <= max(width, x1 - x0) and y1 <= max(height, y1 - y0)
    if with_cards and any(len(words) > 1 for words, _ in panels):
        placed = [place for _, place in panels]
        assert len(placed) <= 4
        assert not any(overlap(one, other) for one, other in combinations(placed, 2))
        assert not any(overlap(panel, face) for panel in placed for face in areas)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 12])
def test_few_faces_are_named_where_there_is_room_and_many_numbered(count):
    areas = [(40 + 380 * (number % 4), 60 + 260 * (number // 4), 0, 0) for number in range(count)]
    areas = [(x, y, x + 140, y + 140) for x, y, _, _ in areas]
    marks = [(str(number + 1), Mark((0, 0, 1, 1), "エミリア", "0.81")) for number in range(count)]
    _, panels = name_panels(marks, areas, (1600, 900))
    said = [" ".join(word for word, _ in words) for words, _ in panels]
    assert said == [f"{number + 1} エミリア 0.81" if count <= 4 else f"{number + 1}" for number in range(count)]
    places = [place for _, place in panels]
    assert not any(overlap(one, other) for one, other in combinations(places, 2))
    assert not any(overlap(panel, face) for panel in places for face in areas)


def test_a_small_face_stays_visible_in_its_frame():
    face = noise(20, 20)
    picture = plain(600, 800)
    picture[300:320, 400:420] = face
    result = annotate(picture, [Mark((400, 300, 420, 320), "Rem", "0.8")])
    assert (result[300:320, 400:420] == face).mean() > 0.95


def test_a_whole_picture_is_named_but_not_framed():
    picture = noise(600, 800)
    result = annotate(picture, [Mark((100, 0, 700, 600), "Rem", "0.8", region="whole")])
    changed = (result != picture).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.max() < 20 and columns.max() < 120 and changed.sum() > 1000
    shown = (Thumbnail(noise(64, 64), "Rem\n0.9"),)
    whole, face = (
        annotate(picture, [Mark((100, 0, 700, 600), "Rem", "0.8", thumbnails=shown, region=region)])
        for region in ("whole", "face")
    )
    assert whole.shape == face.shape and (whole[:600, :800] != face[:600, :800]).any()


def test_note_and_legend_stand_beside_the_picture_only():
    picture = noise(600, 800)

    def drawn(note: str, legend: str) -> np.ndarray:
        return annotate(picture, [Mark((300, 200, 420, 320), "Rem", "0.8", "unknown", thumbnails(2), note)], legend)

    plainly, noted, explained = drawn("", ""), drawn("unknown, p 0.2", ""), drawn("", "p: of strangers")
    assert noted.shape == plainly.shape and (noted != plainly).any()
    assert explained.shape[0] > plainly.shape[0] and explained.shape[1] == plainly.shape[1]
    for other in (noted, explained):
        assert (other[:600, :800] == plainly[:600, :800]).all()


def test_cards_of_a_crowd_are_smaller():
    def card(count: int) -> int:
        marks = [Mark((0, 0, 50, 50), "Rem", "0.8", "identified", thumbnails(5)) for _ in range(count)]
        height, width, _ = annotate(plain(900, 1600), marks).shape
        return (height * width - 900 * 1600) // count

    assert card(30) < card(6) < card(2)


def test_the_label_has_the_tone_and_prints_the_name():
    pictures = [
        annotate(plain(500, 500), [Mark((200, 200, 300, 300), name, "0.81")]) for name in ("レム", "ラム", "Rem")
    ]
    for one, other in combinations(pictures, 2):
        differs = (one != other).any(axis=2)
        assert differs[170:200].any()
        differs[150:200] = False
        assert not differs.any()


def test_cards_show_each_face_and_its_thumbnails():
    red, blue = plain(50, 50, (200, 0, 0)), plain(50, 50, (0, 0, 200))
    marks = [
        Mark((50, 50, 150, 150), "Rem", "0.8", "identified", (Thumbnail(red, "Rem\n0.9"), Thumbnail(blue, "Ram\n0.7"))),
        Mark((300, 50, 400, 150), "unknown", "", "unknown", (Thumbnail(blue, "Ram\n0.4"),)),
    ]
    picture = plain(400, 600)
    result = annotate(picture, marks)
    beside = result.copy()
    beside[:400, :600] = 0
    reds, blues = ((beside == colour).all(axis=2).sum() for colour in ((200, 0, 0), (0, 0, 200)))
    assert reds > 50 * 50
    assert blues == pytest.approx(2 * reds, rel=0.01)


def test_a_long_caption_keeps_to_its_own_thumbnail():
    red = (200, 0, 0)
    shown = (Thumbnail(plain(60, 60), "A very long name that cannot fit\n0.93"), Thumbnail(plain(60, 60, red), ""))
    result = annotate(plain(500, 500), [Mark((9, 9, 99, 99), "Rem", "0.8", "identified", shown)])
    rows, columns = np.nonzero((result == red).all(axis=2))
    under = result[rows.max() + 1 : rows.max() + 40]
    assert (under[:, columns.min() : columns.max() + 1] == 255).all()
    side = columns.max() + 1 - columns.min()
    assert (under[:, columns.min() - side : columns.min()] < 200).any()


@pytest.mark.parametrize("size", [(1, 1), (40, 40), (40, 3000), (3000, 40), (400, 400), (900, 1400)])
@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("shown", [0, 5])
def test_extremes_are_drawn(size, count, shown):
    height, width = size
    rng = np.random.default_rng(count)
    marks = []
    for index in range(count):
        x, y = rng.uniform(-0.3, 1, 2) * (width, height)
        side = rng.uniform(0, 0.6) * min(size)
        tone = ("identified", "ambiguous", "unknown")[index % 3]
        marks.append(Mark((x, y, x + side, y + side), "とても長い名前" * 9, "0.812", tone, thumbnails(shown)))
    result = annotate(noise(height, width), marks)
    assert result.dtype == np.uint8
    assert 400 <= max(result.shape) <= 4000
    if shown == 0:
        assert max(result.shape[:2]) <= 1600


def test_a_box_outside_the_picture_marks_nothing_but_keeps_its_card():
    picture = noise(400, 500)
    assert (annotate(picture, [Mark((600, 10, 650, 60), "Rem", "0.8")]) == picture).all()
    result = annotate(picture, [Mark((600, 10, 650, 60), "Rem", "0.8", "identified", thumbnails(2))])
    assert (result[:400, :500] == picture).all() and result.size > picture.size


def test_pictures_that_are_views_or_read_only_are_taken():
    picture = noise(500, 500)[::-1, :, ::-1]
    picture.flags.writeable = False
    marks = [Mark((-20, -20, 200, 200), "Rem", "0.8", "ambiguous", (Thumbnail(picture[::2], "Rem"),))]
    assert (annotate(picture, marks) == annotate(np.ascontiguousarray(picture), marks)).all()


@pytest.mark.parametrize("box", [(5, 5, 4, 9), (5, 5, 9, 4), (0, 0, float("nan"), 3), (0, 0, float("inf"), 3)])
def test_an_impossible_box_is_refused(box):
    with pytest.raises(ValueError, match="x0 <= x1"):
        Mark(box, "Rem")


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(ValueError, match="5 x 0 pixels"):
        annotate(plain(0, 5), [])


# Contact sheets


def test_the_sheet_holds_all_tiles_in_rows():
    colours = [(40 * index, 0, 255 - 40 * index) for index in range(5)]
    sheet = contact_sheet([Tile(plain(30, 30, colour)) for colour in colours], columns=3, tile_size=60)
    centres = []
    for colour in colours:
        rows, columns = np.nonzero((sheet == colour).all(axis=2))
        assert len(rows) > 0.95 * 60 * 60
        centres.append((rows.mean(), columns.mean()))
    rows = [centre[0] for centre in centres]
    columns = [centre[1] for centre in centres]
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4]
    assert columns[0] == columns[3] < columns[1] == columns[4] < columns[2]


@pytest.mark.parametrize("tone", TONES)
def test_a_tile_is_framed_in_its_tone(tone):
    framed = contact_sheet([Tile(plain(64, 64), "", tone)], tile_size=128)
    bare = contact_sheet([Tile(plain(64, 64))], tile_size=128)
    assert framed.shape == bare.shape
    near = (np.abs(framed.astype(int) - LOOKS[tone].colour) < 12).all(axis=2)
    assert near.sum() > 300
    assert (framed[50:100, 50:100] == bare[50:100, 50:100]).all()


def test_captions_and_title_make_room_for_themselves():
    tile = plain(64, 64)
    cases = [("", ""), ("レム", ""), ("レム\n0.81", ""), ("レム\n0.81\n1\n2\n3", ""), ("レム\n0.81", "顔")]
    sizes = [contact_sheet([Tile(tile, caption)], title=title).shape for caption, title in cases]
    heights = [size[0] for size in sizes]
    assert heights[0] < heights[1] < heights[2] < heights[3]
    assert heights[4] > heights[2]
    assert len({size[1] for size in sizes}) == 1
    assert (contact_sheet([Tile(tile, "レム")]) != contact_sheet([Tile(tile, "ラム")])).any()


@pytest.mark.parametrize("count", [0, 1, 2, 12, 50])
def test_a_sheet_of_any_number_of_tiles_is_wide_enough_for_a_screen(count):
    height, width, _ = contact_sheet([Tile(plain(9, 200), "a\nb", "right")] * count, tile_size=32).shape
    assert height > 0 and width > 0
    if count > 4:
        assert 0.8 < width / height < 2.5


@pytest.mark.parametrize(("settings", "message"), [({"columns": 0}, "columns"), ({"tile_size": 15}, "tile_size")])
def test_impossible_sheets_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet([], **settings)


# Files


def read(path) -> np.ndarray:
    return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("name", ["a.png", "レム.PNG", "new/folder/Émilie.png"])
def test_png_round_trip(tmp_path, name):
    picture = noise(13, 7)
    write_picture(tmp_path / name, picture)
    write_picture(str(tmp_path / name), picture)  # again, over it
    assert (read(tmp_path / name) == picture).all()
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [(tmp_path / name).name]


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_formats_come_back_close_and_in_rgb_order(tmp_path, suffix):
    picture = plain(32, 32, (220, 40, 60))
    write_picture(tmp_path / f"a{suffix}", picture)
    assert np.abs(read(tmp_path / f"a{suffix}").astype(int) - picture).max() < 12


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.txt"])
def test_another_suffix_is_refused_with_those_that_work(tmp_path, name):
    with pytest.raises(UnusableSource, match=r"\.png, \.jpg, \.jpeg, \.webp"):
        write_picture(tmp_path / name, plain(2, 2))
    assert not list(tmp_path.iterdir())


def test_what_the_format_or_the_system_cannot_hold_is_refused_in_words(tmp_path):
    with pytest.raises(UnusableSource, match=r"20000 x 1 pixels.*\.png"):
        write_picture(tmp_path / "wide.webp", plain(1, 20_000))
    with pytest.raises(UnusableSource, match="0 pixels"):
        write_picture(tmp_path / "none.png", plain(0, 4))
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UnusableSource, match="cannot be written"):
        write_picture(tmp_path / "file" / "a.png", plain(2, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_picture(path, plain(4, 4))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", full)
    with pytest.raises(UnusableSource, match="No space left"):
        write_picture(path, plain(9, 9))
    assert read(path).shape == (4, 4, 3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
