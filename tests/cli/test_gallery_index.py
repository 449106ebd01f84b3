import json

import cv2
import numpy as np
import pytest

import index.approximate.build
import index.shelf
from index.search.approximate import ApproximateSearch

pytestmark = pytest.mark.usefixtures("use_fake_encoder")


@pytest.fixture
def enrolled(run, tmp_path, monkeypatch):
    """A gallery of 120 references of 30 colours, beyond the exact range."""
    monkeypatch.setattr(index.shelf, "SMALLEST", 10)
    monkeypatch.setenv("KAODEX_EXACT_UP_TO", "50")
    random = np.random.default_rng(0)
    for number in range(30):
        colour = random.integers(20, 236, 3)
        for picture in range(4):
            folder = tmp_path / "refs" / f"colour{number}"
            folder.mkdir(parents=True, exist_ok=True)
            noise = random.integers(-20, 21, (6, 6, 3))
            small = np.clip(colour + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"{picture}.png"), cv2.resize(small, (48, 48), interpolation=cv2.INTER_NEAREST))
    assert run("enroll", tmp_path / "refs").code == 0
    return run


def neighbours(answered) -> list[int]:
    (face,) = json.loads(answered.out)["faces"]
    return [one["reference"] for one in face["neighbours"]]


def test_a_large_gallery_is_indexed_shown_and_asked(enrolled, tmp_path, monkeypatch):
    run, asked = enrolled, tmp_path / "refs" / "colour7" / "2.png"
    shown = run("gallery", "show")
    assert "  search: exact; `kaodex gallery index` makes so many faster" in shown.out
    exact = neighbours(run("query", asked, "--json"))
    refused = run("query", asked, "--search", "approximate")
    assert refused.code == 2 and "kaodex gallery index" in refused.err

    built = run("gallery", "index")
    assert built.code == 0 and "built in" in built.err
    assert built.out.startswith(
        "search: approximate (HNSW with 16 links in 8 bits, ranked again in float16), recall@10 "
    )
    assert "on 6 held-out references" in built.out and "120 of 120 covered" in built.out
    assert built.out.strip() in run("gallery", "show").out

    seen = []
    plain = ApproximateSearch.search
    monkeypatch.setattr(ApproximateSearch, "search", lambda self, *given: seen.append(1) or plain(self, *given))
    assert neighbours(run("query", asked, "--json")) == exact and seen == [1]
    assert neighbours(run("query", asked, "--json", "--search", "exact")) == exact and seen == [1]
    assert run("query", asked, "--only", "colour7", "--only", "colour8").code == 0 and seen == [1], "subsets are exact"
    assert run("gallery", "remove", "colour7").code == 0
    assert not {*exact[:4]} & {*neighbours(run("query", asked, "--json"))} and seen == [1, 1]
    assert "116 of 116 covered" in run("gallery", "show").out

    again = run("gallery", "index")
    assert again.code == 0 and "nothing to do; --force" in again.err
    assert "116 of 116 covered" in run("gallery", "index", "--force").out


def test_in_the_exact_range_there_is_nothing_to_do(enrolled, monkeypatch):
    monkeypatch.setenv("KAODEX_EXACT_UP_TO", "200")
    needless = enrolled("gallery", "index")
    assert (needless.code, needless.out) == (0, "search: exact\n") and "nothing to do" in needless.err
    forced = enrolled("gallery", "index", "--force")
    assert forced.out.startswith("search: exact up to 200 references; with --search approximate: approximate (HNSW")


def test_a_small_gallery_has_no_index(run, refs):
    run("enroll", refs)
    refused = run("gallery", "index", "--force")
    assert refused.code == 2 and "holds 12 character references" in refused.err
    assert "  search: exact" in run("gallery", "show").out.splitlines()


def test_a_setting_that_is_no_number_is_told(enrolled, monkeypatch):
    monkeypatch.setenv("KAODEX_EXACT_UP_TO", "many")
    wrong = enrolled("gallery", "show")
    assert wrong.code == 2 and "KAODEX_EXACT_UP_TO is a number of references" in wrong.err


def test_an_interruption_leaves_nothing(enrolled, tmp_path, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(index.approximate.build, "_ask_exactly", interrupted)
    ended = enrolled("gallery", "index")
    assert ended.code == 130 and "nothing is left of the index" in ended.err
    assert not [one for one in (tmp_path / "gallery.kaodex.search").iterdir() if "character-approximate" in one.name]
