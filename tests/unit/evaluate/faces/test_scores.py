"""Figures of faces on people counted by hand."""

import numpy as np
import pytest

from par_core.evaluate.faces.labels import AGE_LABELS, PAPER_AGES, ages_in, from_behind, gender
from par_core.evaluate.faces.readings import Readings
from par_core.evaluate.faces.scores import (
    EVERYBODY,
    FACES,
    PAR_ALL,
    PAR_FACES,
    WHOLE,
    Judged,
    age_rows,
    age_spread,
    agreement,
    back_rates,
    changed_answers,
    gender_rows,
    height_bands,
)

NAN = float("nan")


def array(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def readings(woman: np.ndarray, **others: np.ndarray) -> Readings:
    n = len(woman)
    given = {
        name: others.get(name, np.full(n, np.nan, np.float32)) for name in ("whole_woman", "whole_age", "age")
    }
    edges = {
        name: np.where(np.isnan(woman), np.nan, place).astype(np.float32)
        for name, place in {
            "left": 0,
            "top": 0,
            "right": 8,
            "bottom": 9,
            "face_height": 9,
            "score": 0.9,
        }.items()
    }
    height = others.get("height", np.full(n, 100, np.float32))
    return Readings(**edges, **given, woman=woman, height=height, error=("",) * n)


def judged(
    woman: np.ndarray | None, par: np.ndarray | None = None, groups: tuple[str, ...] | None = None
) -> Judged:
    return Judged(woman, par, 0.4, groups, 0)


# three women, three men; a face for two of each
WOMAN = array(1, 1, 1, 0, 0, 0)
SAID = array(0.9, 0.2, NAN, 0.1, 0.7, NAN)
PAR = array(0.8, 0.8, 0.1, 0.5, 0.1, 0.1)


def test_rows_of_gender_as_in_table_2() -> None:
    rows, intervals = gender_rows(readings(SAID), judged(WOMAN, PAR))
    assert list(rows) == [EVERYBODY, FACES, PAR_ALL, PAR_FACES]
    everybody = rows[EVERYBODY]
    assert (everybody["samples"], everybody["people"]) == (3, 6)
    assert everybody["precision"] == pytest.approx(1 / 2)
    assert everybody["recall"] == pytest.approx(1 / 3)
    assert everybody["f1"] == pytest.approx(2 / 5)
    assert everybody["mA"] == pytest.approx((1 / 3 + 2 / 3) / 2), "no face: not called a woman"
    assert everybody["mA_no_answer_wrong"] == pytest.approx((1 / 3 + 1 / 3) / 2)
    assert "auc" not in everybody
    assert rows[FACES]["people"] == 4
    assert rows[FACES]["mA"] == pytest.approx(0.5)
    assert rows[FACES]["auc"] == pytest.approx(0.75)
    assert rows[PAR_ALL]["mA"] == pytest.approx(2 / 3)
    assert rows[PAR_FACES]["mA"] == pytest.approx((1 + 1 / 2) / 2), "the same four people"
    assert intervals[f"{EVERYBODY}: mA"].estimate == pytest.approx(1 / 2)
    assert intervals["faces less PAR in mA, people with a face"].estimate == pytest.approx(0.5 - 0.75)
    assert intervals["faces less PAR in mA, everybody"].estimate == pytest.approx(1 / 2 - 2 / 3)


def test_answers_from_the_whole_picture_are_a_row_of_their_own() -> None:
    whole = array(NAN, NAN, 0.8, NAN, NAN, 0.8)
    rows, _ = gender_rows(readings(SAID, whole_woman=whole), judged(WOMAN))
    assert list(rows) == [EVERYBODY, FACES, WHOLE]
    assert rows[EVERYBODY]["recall"] == pytest.approx(1 / 3)
    assert rows[WHOLE]["recall"] == pytest.approx(2 / 3)
    assert rows[WHOLE]["precision"] == pytest.approx(1 / 2)


def test_people_whose_gender_is_not_known_are_left_out() -> None:
    rows, _ = gender_rows(readings(SAID), judged(array(1, NAN, NAN, 0, 0, NAN), PAR))
    assert (rows[EVERYBODY]["people"], rows[FACES]["people"], rows[PAR_ALL]["people"]) == (3, 3, 3)


def test_identities_are_drawn_together() -> None:
    alone = gender_rows(readings(np.tile(SAID, 20)), judged(np.tile(WOMAN, 20)))[1]
    who = tuple(str(i % 6) for i in range(120))
    together = gender_rows(readings(np.tile(SAID, 20)), judged(np.tile(WOMAN, 20), groups=who))[1]
    name = f"{EVERYBODY}: recall"
    assert together[name].high - together[name].low > 2 * (alone[name].high - alone[name].low)


def test_ages_count_in_whole_years_and_no_face_is_in_no_group() -> None:
    ages = array(16.9, 17.0, NAN, 30.99, 61.0)
    assert ages_in(ages, PAPER_AGES["up to 16"]).tolist() == [True, False, False, False, False]
    assert ages_in(ages, PAPER_AGES["17 to 30"]).tolist() == [False, True, False, True, False]
    assert ages_in(ages, PAPER_AGES["over 60"]).tolist() == [False] * 4 + [True]
    found = readings(array(0.1, 0.1, NAN, 0.1, 0.1), age=ages)
    has = array(0, 1, 1, 1, NAN)
    rows, intervals = age_rows(found, {"Age17-30": (has, AGE_LABELS["Age17-30"])}, judged(None))
    row = rows["Age17-30"]
    assert (row["samples"], row["people"]) == (3, 4)
    assert row["everybody"]["recall"] == pytest.approx(2 / 3)
    assert row["everybody"]["accuracy"] == pytest.approx(3 / 4)
    assert row["with_face"]["mA"] == 1.0
    assert intervals["Age17-30, everybody: mA"].estimate == pytest.approx((2 / 3 + 1) / 2)
    assert age_spread(found)["groups"] == {
        "up to 16": 1,
        "17 to 30": 2,
        "31 to 45": 0,
        "46 to 60": 0,
        "over 60": 1,
    }
    assert age_spread(readings(array(NAN), age=array(NAN))) == {}


def test_a_rare_age_has_an_accuracy_near_1_and_a_balanced_ma_of_a_half() -> None:
    """The 0.99 of the paper's Table 2."""
    n = 200
    has = np.zeros(n, np.float32)
    has[0] = 1
    found = readings(np.full(n, 0.1, np.float32), age=np.full(n, 30, np.float32))
    rows, _ = age_rows(found, {"AgeLess16": (has, (0, 16))}, judged(None))
    assert rows["AgeLess16"]["everybody"]["accuracy"] == pytest.approx(0.995)
    assert rows["AgeLess16"]["everybody"]["mA"] == 0.5


def test_backs_heights_and_agreement() -> None:
    n = 60
    said = np.where(np.arange(n) < 20, np.nan, np.where(np.arange(n) % 2, 0.9, 0.1)).astype(np.float32)
    heights = np.arange(n, dtype=np.float32) + 64
    found = readings(said, height=heights)
    behind = (np.arange(n) < 30).astype(np.float32)
    rows, intervals = back_rates(found, behind, judged(None))
    assert rows == {
        "from behind": {"people": 30, "with_face": pytest.approx(1 / 3)},
        "others": {"people": 30, "with_face": 1.0},
    }
    assert intervals["with a face, from behind"].low > 0
    woman = (np.arange(n) % 2).astype(np.float32)
    bands = height_bands(found, judged(woman, woman))
    assert [(band["low"], band["high"], band["people"]) for band in bands] == [
        (64, 83, 20),
        (84, 103, 20),
        (104, 123, 20),
    ]
    assert [band["coverage"]["estimate"] for band in bands] == [0, 1, 1]
    assert np.isnan(bands[0]["mA"]["estimate"])
    assert bands[1]["mA"]["estimate"] == 1.0
    assert bands[1]["median_face"] == 9.0
    both = agreement(found, judged(woman, np.ones(n, np.float32)), np.arange(20, n))
    assert both == {"people": 40, "faces_say_woman": 0.5, "par_says_woman": 1.0, "same": 0.5}


def test_answers_that_change_as_people_shrink() -> None:
    smaller = readings(array(0.1, 0.2, 0.9, 0.1, 0.9, NAN))
    assert changed_answers(readings(SAID), smaller) == {"says_woman": 0.25, "same_as_unshrunk": 0.75}
    nobody = changed_answers(readings(SAID), readings(np.full(6, np.nan, np.float32)))
    assert all(np.isnan(value) for value in nobody.values())


def test_what_data_sets_call_gender_and_the_back() -> None:
    labels = np.array([[1, 0], [0, 1], [NAN, NAN]], np.float32)
    name, woman = gender(("personalMale", "faceBack"), labels)
    assert (name, woman[:2].tolist(), np.isnan(woman[2])) == ("personalMale", [0, 1], True)
    assert from_behind(("personalMale", "faceBack"), labels)[:2].tolist() == [0, 1]
    assert from_behind(("female", "front"), labels)[:2].tolist() == [1, 0]
    assert gender(("hat", "coat"), labels) is None
    assert gender(("female", "hat"), np.full((2, 2), np.nan, np.float32)) is None, "labelled for nobody"
    assert from_behind(("hat", "coat"), labels) is None
