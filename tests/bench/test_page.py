"""The page: complete, self-contained, honest about who is confused with whom."""

import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from bench import Protocol, load_collection, run_open_set
from bench.open_set import Answers
from bench.page import require_drawing, write_page
from bench.page.confusions import confident_errors, most_confused, nearest_strangers
from bench.page.encoding_map import evenly, hue, medoid, neighbour_map, principal_components, scatter
from bench.page.page import shown_rows
from bench.page.tables import shown_rate
from bench.page.thumbnails import Thumbnails
from data.errors import MissingDependency, UnusableSource
from embedder.detectors import Detection

VOID = {"meta", "img", "br", "source", "circle", "rect", "image"}


class Outline(HTMLParser):
    """Which elements there are, whether they close, and what is fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.fetched, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def report(painted, new_mean_colour):
    source = painted(identities=32, each=3)
    (source / "who 3").rename(source / "<i>漣 & co")
    protocol = Protocol((1, 2), (1,), draws=1, strangers=0.5)
    return run_open_set(load_collection(source), new_mean_colour(), protocol)


def test_one_file_with_everything_in_it(report, tmp_path):
    path = write_page(report, tmp_path / "new" / "folder")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    outline = Outline(path.read_text(encoding="utf-8"))
    assert outline.open == []
    assert all(fetched.startswith("data:image/") for fetched in outline.fetched)
    assert "script" not in outline.seen and "link" not in outline.seen
    assert outline.seen.count("picture") == 3 and outline.seen.count("svg") == 2
    words = " ".join(outline.words)
    assert "<i>漣 & co" in words  # a name, not an element
    for heading in ("All figures", "Promised and found", "DET", "CMC", "The most confused", "Each identity"):
        assert heading in words
    assert "pictures taken whole, without a detector" in words
    row, rival = shown_rows(report)
    assert (row.closed.name, rival.closed.name) == ("kaodex", "colour histogram")
    assert row.closed.shots == rival.closed.shots
    assert outline.seen.count("circle") == 2 * len(report.collection.paths)


def test_a_page_that_cannot_be_written_is_told(report, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableSource, match="choose another folder"):
        write_page(report, tmp_path / "file")


def test_without_the_extra_the_cure_is_told_before_measuring(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(MissingDependency, match=r"kaodex\[bench\]"):
        require_drawing()


def answers(mated, strangers):
    """Of (truth, named, score) and (truth, named, score)."""
    count, others = len(mated), len(strangers)
    return Answers(
        mated=np.arange(count),
        mated_truths=np.array([who for who, _, _ in mated]),
        mated_named=np.array([named for _, named, _ in mated]),
        mated_scores=np.array([score for _, _, score in mated]),
        places=np.ones(count, np.int64),
        nearest=np.arange(count),
        nearest_right=np.arange(count),
        mated_familiar=np.zeros((count, 4), bool),
        mated_ambiguous=np.zeros((count, 4), bool),
        strangers=np.arange(others),
        stranger_truths=np.array([who for who, _, _ in strangers]),
        stranger_named=np.array([named for _, named, _ in strangers]),
        stranger_scores=np.array([score for _, _, score in strangers]),
        stranger_nearest=np.arange(others),
        stranger_familiar=np.zeros((others, 4), bool),
    )


MATED = [(1, 1, 0.9), (1, 2, 0.8), (1, 2, 0.95), (1, 7, 0.3), (2, 2, 0.9), (5, 5, 0.4), (5, 1, 0.85), (6, 6, 0.9)]
STRANGERS = [(8, 1, 0.5), (1, 8, 0.7), (9, 1, 0.6), (8, 1, 0.9)]


def test_confusions_are_shares_of_each_identity():
    confusions = most_confused(answers(MATED, STRANGERS))
    # 1 and 2: a half; 1 and 5: a half; 1 and 7: a quarter, but 7 was never asked about
    assert confusions.identities.tolist() == [1, 2, 5]
    assert confusions.shares.tolist() == [[0.25, 0.5, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]
    assert confusions.others.tolist() == [0.25, 0.0, 0.0]
    assert len(most_confused(answers(MATED, STRANGERS), most=2).identities) == 2
    assert len(most_confused(answers(MATED[:1], STRANGERS)).identities) == 0


def test_examples_are_the_highest_scores_one_for_each_two():
    told = answers(MATED, STRANGERS)
    assert confident_errors(told).tolist() == [2, 6, 3]
    assert confident_errors(told, most=1).tolist() == [2]
    assert nearest_strangers(told).tolist() == [3, 2]


def test_points_are_drawn_in_turns():
    identities = np.array([0] * 50 + [1] * 3 + [2] * 10)
    chosen = evenly(identities, 20)
    assert np.bincount(identities[chosen]).tolist() == [9, 3, 8] or np.bincount(identities[chosen])[1] == 3
    assert len(chosen) == 20 and (np.diff(chosen) > 0).all()
    assert evenly(identities, 500).tolist() == list(range(63))


def test_principal_components_are_those_of_scikit_learn(clustered):
    from sklearn.decomposition import PCA

    encodings, _ = clustered(10, 5)
    places, share = principal_components(encodings)
    fitted = PCA(2).fit(encodings.astype(np.float64))
    assert np.allclose(np.abs(places), np.abs(fitted.transform(encodings.astype(np.float64))), atol=1e-6)
    assert share == pytest.approx(fitted.explained_variance_ratio_.sum())
    line, all_of_it = principal_components(np.eye(1, dtype=np.float32)[[0, 0, 0]])
    assert line.shape == (3, 2) and all_of_it == 0


def test_the_neighbour_map_keeps_neighbours(clustered):
    encodings, identities = clustered(4, 15, dim=8, noise=0.1)
    places = neighbour_map(encodings)
    assert places.shape == (60, 2)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(60) * 1e9
    assert (identities[distances.argmin(axis=1)] == identities).mean() > 0.95
    assert neighbour_map(encodings[:4]).shape == (4, 2)


def test_scatter_marks_and_colours(painted):
    source = painted(identities=1, each=1)
    faces = Thumbnails([source / "who 0" / "0.png", source / "gone.png"], [Detection((0, 0, 32, 32), 1.0, "whole")] * 2)
    places = np.array([[0.0, 0.0], [1.0, 2.0]])
    text = scatter(places, np.array([4, 9]), np.array([0, 1]), {4: hue(1)}, tuple("abcdefghij"), faces, {4: 0})
    assert text.count("<circle") == 2 and text.count("<image") == 1 and "--hue:138" in text
    assert "<title>e</title>" in text and "<title>j</title>" in text
    assert faces.uri(0).startswith("data:image/jpeg;base64,") and faces.uri(1) == ""
    assert medoid(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32), np.array([0, 1, 2])) == 1


def test_the_rate_shown_is_one_that_the_strangers_can_tell(report):
    assert shown_rate(report.rows[0]) == 0.1
