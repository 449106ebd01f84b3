"""The bench of artists: who drew what by a table, no character on both sides, views, and artists two by two."""

import csv

import numpy as np
import pytest

from bench.artist_pairs import artist_pairs
from bench.closed_pictures import draw_pictures
from bench.closed_run import Terms, run_closed
from bench.closed_split import split_closed
from bench.collection import load_collection
from bench.identity_lists import read_identity_list
from bench.kept_figures import KeptFigures
from bench.protocol import Protocol
from bench.run import prepare, run_bench, run_open_set
from bench.systems.catalogue import catalogue, choose
from bench.systems.references import KeptReferences
from bench.systems.usual import artist_systems
from bench.who_is_shown import attributed, table_beside
from data.errors import UnusableSource
from data.folders import find_pictures
from data.pictures import read_picture
from data.splits import draw_references_and_queries
from embedder.picture_style import bounded, mean_direction, see_views, style_fingerprint
from tests.conftest import FakeEncoder
from tests.drawings import hatched, write

COLOURS = {"mika": (220, 30, 30), "sato": (30, 220, 30), "yuki": (30, 30, 220), "ren": (200, 200, 30)}


EACH_ALONE = ("(.+)",)
"""Hatchings are alike: a hash would take them for one drawing."""


def write_table(path, columns, rows):
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([columns, *rows])
    return path


@pytest.fixture
def art(tmp_path):
    """art/ARTIST: four artists, three characters each, two pictures of each; art.csv says so."""
    rows = []
    for artist, colour in COLOURS.items():
        for character in range(3):
            for number in range(2):
                seed = 10 * character + number
                picture = hatched(colour, 150 + seed, 140 + 3 * seed, seed)
                write(tmp_path / "art" / artist / f"{character}-{number}.png", picture)
                rows.append((artist, f"{character}-{number}.png", f"character {character}"))
    write_table(tmp_path / "art.csv", ("artist", "file", "character"), rows)
    return tmp_path / "art"


def test_a_table_of_artists_tells_the_characters(art):
    collection = load_collection(art, kind="artist")
    assert set(collection.names) == set(COLOURS) and len(collection.paths) == 24
    for path, character in zip(collection.paths, collection.characters, strict=True):
        assert path.name.startswith(str(character))
    assert load_collection(art).characters is None, "characters are not told from each other by it"


def test_a_table_of_characters_tells_the_artists(tmp_path):
    for character in ("a", "b"):
        for number in range(3):
            write(tmp_path / "ships" / character / f"{number}.png", hatched((200, 9, 9)))
    rows = [
        ("a", "0.webp", "41"),
        ("a", "1.webp", "41"),
        ("b", "0.webp", "41"),
        ("b", "1.webp", "38"),
        ("b", "2.webp", ""),
    ]
    table = write_table(tmp_path / "ships.csv", ("identity", "file", "illustrator_id"), rows)
    told = attributed(table, find_pictures(tmp_path / "ships").pictures)
    assert [(one.identity, one.path.parent.name, one.path.stem) for one in told.pictures] == [
        ("41", "a", "0"),
        ("41", "a", "1"),
        ("41", "b", "0"),
        ("38", "b", "1"),
    ]
    assert told.characters == ("a", "a", "b", "b") and told.left_out == 2
    assert "2 pictures without an artist" in load_collection(tmp_path / "ships", kind="artist").notes[0]


def test_characters_csv_in_the_folder_comes_first_and_no_table_is_noted(art, tmp_path):
    assert table_beside(art) == art.parent / "art.csv"
    (art / "characters.csv").write_text("artist,file,base_character\nmika,0-0.png,x\n")
    assert table_beside(art) == art / "characters.csv"
    bare = tmp_path / "bare"
    write(bare / "mika" / "0.png", hatched((200, 9, 9)))
    assert table_beside(bare) is None
    assert any("measures characters" in note for note in load_collection(bare, kind="artist").notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("artist,file\nmika,0-0.png\n", "has the columns artist, file"),
        ("artist,file,character\nnobody,x.png,y\n", "names none of the 24"),
        ("artist,file,character\n", "has no row"),
    ],
)
def test_a_table_that_leads_to_nothing_is_refused_in_words(art, text, why):
    (art / "characters.csv").write_text(text)
    with pytest.raises(UnusableSource, match=why):
        load_collection(art, kind="artist")


def test_lists_of_artists_are_found_by_a_word_of_their_name(tmp_path):
    file = tmp_path / "dev.json"
    file.write_text('{"characters": {"art": ["x"]}, "artists": {"half/art": ["mika"], "ships illustrator_id": ["4"]}}')
    assert read_identity_list(file, "art", "artist") == ["mika"]
    assert read_identity_list(file, "ships", "artist") == ["4"]
    assert read_identity_list(file, "art") == ["x"]
    with pytest.raises(UnusableSource, match='"artists" / "other"'):
        read_identity_list(file, "other", "artist")


def test_no_character_is_on_both_sides(art, fake_encoder):
    collection = load_collection(art, groups=EACH_ALONE, kind="artist")
    ready = prepare(collection, artist_systems(fake_encoder, fake_encoder), None, None, "artist")
    kept = ready.collection
    for number in range(20):
        draw = draw_references_and_queries(kept.identities, ready.groups, 2, (0, number))
        shown = set(
            zip(kept.identities[draw.references].tolist(), kept.characters[draw.references].tolist(), strict=True)
        )
        assert len(shown) == len(draw.references), "nor twice among the references"
        asked = zip(kept.identities[draw.queries].tolist(), kept.characters[draw.queries].tolist(), strict=True)
        assert len(draw.queries) and not shown & set(asked)


def test_kaodex_sees_views_and_the_others_the_whole_picture(art, fake_encoder):
    (kaodex, *_) = systems = artist_systems(fake_encoder, FakeEncoder("faces"))
    assert [system.name for system in systems] == ["kaodex", "face encoder", "colour histogram", "HOG + Lab"]
    pictures = [hatched((220, 30, 30), 200, 300), hatched((30, 30, 220))]
    pictures[0][:, 200:] = 255  # no view shows the empty part alone
    for row, picture in zip(kaodex.describe(pictures), pictures, strict=True):
        assert row == pytest.approx(mean_direction(fake_encoder.encode(see_views(picture, fake_encoder).crops)))


def test_the_report_says_what_was_measured(art, fake_encoder):
    write(art / "ren" / "2-9.png", np.full((99, 99, 3), 255, np.uint8))
    with (art.parent / "art.csv").open("a", encoding="utf-8") as lines:
        lines.write("ren,2-9.png,character 2\n")
    protocol = Protocol((1, 2), (1,), draws=3)
    collection = load_collection(art, groups=EACH_ALONE, kind="artist")
    report = run_bench(
        collection, fake_encoder, protocol, systems=artist_systems(fake_encoder, fake_encoder), kind="artist"
    )
    told = report.as_json()
    assert told["protocol"]["kind"] == "artist" and told["protocol"]["different_characters"] is True
    assert "the character shown" in told["protocol"]["grouped_by"] and told["protocol"]["region"] == "whole"
    assert [row["rank1"] for row in told["systems"] if row["name"] == "kaodex"] == [1.0, 1.0]
    assert told["pairs"]["pairs"] == 6 and told["pairs"]["shots"] == 2 and told["pairs"]["lowest"] == 1.0
    assert len(report.unreadable) == 1 and "one colour" in report.unreadable[0]
    open_report = run_open_set(
        collection,
        fake_encoder,
        Protocol((1,), (1,), draws=3, strangers=0.5),
        systems=artist_systems(fake_encoder, fake_encoder),
        kind="artist",
    )
    assert open_report.pairs.shots == 1 and "pairs" in open_report.as_json()


def closed_report(art, encoder, wanted="kaodex,floor"):
    collection = load_collection(art, groups=EACH_ALONE, kind="artist")
    entries = choose(catalogue(encoder, usual=artist_systems(encoder, FakeEncoder("faces"))), wanted, artists=True)
    return run_closed(collection, encoder, entries, Terms(), KeptFigures(None, ()), kind="artist")


def test_artists_in_the_closed_protocol(art, fake_encoder, tmp_path):
    report = closed_report(art, fake_encoder)
    assert [row.name for row in report.rows] == ["kaodex", "face encoder", "colour histogram", "HOG + Lab"]
    assert [row.settings for row in report.rows[:2]] == [
        "fake by views, weighted vote, k 5",
        "faces, weighted vote, k 5",
    ]
    # a character of each artist is asked about, and it has two pictures
    assert (report.references, report.queries) == (16, 8)
    assert report.sentence().startswith("4 artists: 16 pictures to learn from, 8 to ask about")
    notes = report.notes()
    assert any("learn from and those to ask about show different characters" in note for note in notes)
    assert not any("hair" in note for note in notes) and any("to add an artist to" in note for note in notes)
    told = report.as_json()
    assert told["protocol"]["kind"] == "artist" and told["protocol"]["different_characters"] is True
    assert [path.name for path in draw_pictures(report, tmp_path)] == ["pairs.png"]


def test_pairs_of_artists_are_told_of_every_row(art, fake_encoder):
    report = closed_report(art, fake_encoder)
    (told,) = [note for note in report.notes() if note.startswith("artists two by two")]
    assert "the best of 6:" in told and ".559 to .957 over the 36 pairs of nine artists" in told
    assert [row["pair_ends"] is not None for row in report.as_json()["systems"]] == [True] * 4
    for row in report.rows:
        each = [row.figures.pairs[one][other] for one in range(4) for other in range(one)]
        assert f"{row.name} {min(each):.3f} / {sum(each) / 6:.3f} / {max(each):.3f}" in told


def test_the_closed_row_of_kaodex_against_a_loop(art, fake_encoder):
    report = closed_report(art, fake_encoder, "kaodex")
    (row,) = report.rows
    collection = report.collection
    encodings = [
        mean_direction(fake_encoder.encode(see_views(bounded(read_picture(path)), fake_encoder).crops))
        for path in collection.paths
    ]
    united = prepare(collection, [], None, None, "artist").groups
    draw = split_closed(collection.identities, united, [0, 2])
    of = [(encodings[one], int(collection.identities[one])) for one in draw.references]
    classifier = KeptReferences("weighted", 5)
    classifier.fit(np.stack([vector for vector, _ in of]), np.array([who for _, who in of]))
    named = classifier.scores(np.stack([encodings[one] for one in draw.queries])).argmax(axis=1)
    assert row.figures.named == tuple(named.tolist())
    sides = [
        {(int(collection.identities[one]), int(collection.characters[one])) for one in part}
        for part in (draw.references, draw.queries)
    ]
    assert not sides[0] & sides[1]


def test_all_systems_of_artists(fake_encoder):
    entries = catalogue(fake_encoder, usual=artist_systems(fake_encoder, FakeEncoder("faces")))
    names = [entry.name for entry in choose(entries, "all", artists=True)]
    assert names[:4] == ["kaodex", "face encoder", "colour histogram", "HOG + Lab"]
    assert "resnet-10 100 quarters" in names and "hand-made LR" not in names
    kaodex = entries[0]
    assert kaodex.measured == style_fingerprint(fake_encoder.fingerprint)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_against_a_loop(seed):
    random = np.random.default_rng(seed)
    whose = np.repeat(np.arange(4), (5, 3, 6, 2))
    features = random.normal(size=(len(whose), 3)).astype(np.float32)
    features[:5] = features[0]  # equally near ones too
    protocol = Protocol((1, 2), (1,), draws=4, seed=seed)
    names = ("a", "b", "c", "d")
    found = artist_pairs("kaodex", features, whose, np.arange(len(whose)), names, protocol)
    assert found.shots == 2 and found.artists == ("a", "b", "c")
    right: dict = {}
    for number in range(4):
        draw = draw_references_and_queries(whose, np.arange(len(whose)), 2, (seed, 2, number))
        for query in draw.queries:
            near = {
                who: max(features[query] @ features[one] for one in draw.references if whose[one] == who)
                for who in range(3)
            }
            for other in range(3):
                own = near[whose[query]]
                score = 1.0 if own > near[other] else 0.5 if own == near[other] else 0.0
                right.setdefault((int(whose[query]), other), []).append(score)
    for one in range(3):
        for other in range(3):
            if one != other:
                wanted = (np.mean(right[one, other]) + np.mean(right[other, one])) / 2
                assert found.accuracy[one, other] == pytest.approx(wanted)
    assert np.isnan(np.diag(found.accuracy)).all()
    assert f"{found.each.min():.3f} to {found.each.max():.3f} over 3 pairs" in found.told()


def test_nobody_to_compare():
    assert (
        artist_pairs("k", np.eye(3, dtype=np.float32), np.arange(3), np.arange(3), ("a", "b", "c"), Protocol((1,)))
        is None
    )
