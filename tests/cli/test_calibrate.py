import json

import cv2
import pytest

RED, YELLOW = (220, 30, 30), (220, 220, 30)

pytestmark = pytest.mark.usefixtures("use_fake_encoder")


def test_costs_are_shown(run, refs):
    run("enroll", refs)
    told = run("calibrate")
    assert told.code == 0
    assert "3 identities played the stranger, 12 references the new picture (k 5, rule weighted)" in told.out
    lines = [json.loads(line) for line in run("calibrate", "--json").out.splitlines()]
    assert [line["fpir"] for line in lines] == [0.1, 0.01, 0.003, 0.001]
    assert lines[0]["basis"] == "borrowed" and lines[0]["identities_missing"] == 9
    assert lines[0]["tpir"] == 1.0 and lines[0]["misidentification"] == 0.0
    assert lines[3]["score_needed"] is None  # 400 strangers cannot tell one in a thousand


def test_the_rate_is_the_querys(run, refs, paint, tmp_path, monkeypatch):
    run("enroll", refs)
    picture = paint(tmp_path / "a.png", RED, 99)
    (face,) = json.loads(run("query", picture, "--json").out)["faces"]
    assert face["identity"] == "red" and face["fpir"] == 0.01 and face["basis"] == "borrowed"
    assert 0 < face["p_value"] <= 0.01
    (face,) = json.loads(run("query", picture, "--json", "--fpir", 0.001).out)["faces"]
    assert face["status"] == "unknown" and face["candidates"][0]["identity"] == "red"
    monkeypatch.setenv("KAODEX_FPIR", "0.5")
    (face,) = json.loads(run("query", picture, "--json").out)["faces"]
    assert face["fpir"] == 0.5 and face["basis"] == "own"
    assert run("query", picture, "--fpir", 0).code == 2


def test_strangers_sharpen_the_rate_and_are_never_named(run, refs, paint, tmp_path):
    run("enroll", refs)
    for number in range(10):
        paint(tmp_path / "crowd" / f"loose {number}.png", YELLOW, 200 + number)
    paint(tmp_path / "crowd" / "somebody" / "0.png", YELLOW, 300)
    paint(tmp_path / "crowd" / "somebody" / "1.png", YELLOW, 301)
    enrolled = cv2.imread(str(refs / "red" / "0.png"))
    cv2.imwrite(str(tmp_path / "crowd" / "close.bmp"), enrolled)
    added = run("enroll", tmp_path / "crowd", "--as-strangers")
    assert added.code == 1  # the close one is reported
    assert "12 pictures of strangers added" in added.out and "1 left out as suspiciously close" in added.out
    assert "the bank holds 11 strangers with 12 pictures" in added.out
    assert "close.bmp" in added.err and "as red" in added.err
    lines = [json.loads(line) for line in run("calibrate", "--json").out.splitlines()]
    assert lines[0]["identities_missing"] == 0 and lines[0]["basis"] == "strangers"
    (face,) = json.loads(run("query", tmp_path / "crowd" / "loose 1.png", "--json", "--fpir", 0.1).out)["faces"]
    assert face["status"] == "unknown" and face["basis"] == "strangers"
    assert {one["identity"] for one in face["candidates"]} <= {"red", "green", "blue"}
    assert "0 pictures of strangers added, 12 were there already" in run("enroll", "crowd", "--as-strangers").out
    assert run("enroll", "crowd", "--as-strangers", "--as", "x").code == 2


def test_only_some_are_candidates(run, refs):
    run("enroll", refs)
    asked = run("query", refs / "red" / "0.png", "--json", "--only", "green", "--only", "blue", "--fpir", 0.4)
    (face,) = json.loads(asked.out)["faces"]
    assert face["identity"] != "red" and {one["identity"] for one in face["candidates"]} == {"green", "blue"}
    assert "2 identities played the stranger" in run("calibrate", "--only", "green", "--only", "blue").out
    wrong = run("query", refs / "red" / "0.png", "--only", "gren")
    assert wrong.code == 2 and "did you mean green?" in wrong.err
