"""Text-based person search: the figures beside an independent computation, and a whole evaluation."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from par_core.errors import BadConfigError
from par_core.evaluate.saved_run import read_run
from par_core.metrics.queries import found_at, inverse_negative_penalty
from par_core.metrics.ranking import average_precision
from par_core.studies.evaluation import EvaluationRequest, evaluate
from tests.indexing import FAKE
from tests.pictures import scene
from tests.published import captioned


def by_hand(relevant: np.ndarray, scores: np.ndarray) -> tuple[list[float], float, float]:
    """One query as IRRA's ``rank`` counts, item by item: R@1, R@5, R@10, AP and INP."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    hits = [rank for rank, i in enumerate(order, start=1) if relevant[i]]
    precision = [(n + 1) / rank for n, rank in enumerate(hits)]
    return [float(hits[0] <= k) for k in (1, 5, 10)], sum(precision) / len(hits), len(hits) / hits[-1]


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_figures_are_those_of_a_count_by_hand(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    relevant, scores = rng.random(n) < 0.3, rng.permutation(n).astype(float)
    relevant[rng.integers(n)] = True
    found, precision, penalty = by_hand(relevant, scores)
    assert [found_at(relevant, scores, k) for k in (1, 5, 10)] == found
    assert average_precision(relevant, scores) == pytest.approx(precision)
    assert inverse_negative_penalty(relevant, scores) == pytest.approx(penalty)


def test_equal_scores_share_the_last_rank_of_their_run() -> None:
    relevant = np.array([True, False, False, True])
    assert inverse_negative_penalty(relevant, np.array([3.0, 1.0, 1.0, 1.0])) == 0.5
    assert inverse_negative_penalty(relevant, np.zeros(4)) == 0.5
    assert inverse_negative_penalty(relevant, np.array([3.0, 1.0, 1.0, np.nan])) == 0
    assert np.isnan(inverse_negative_penalty(np.zeros(3, bool), np.zeros(3)))


def painted(root: Path) -> None:
    """Six pictures of three people, each in a colour of its own, described by that colour."""
    entries = captioned(root, "cuhk-pedes")
    for entry, colour in zip(entries, ("red", "red", "green", "green", "blue", "blue"), strict=True):
        Image.fromarray(scene(colour)).save(root / "imgs" / str(entry["file_path"]))
        entry["captions"] = [f"a {colour} person"]
    (root / "reid_raw.json").write_text(json.dumps(entries))


def test_captions_find_their_people_and_the_run_is_kept(tmp_path: Path) -> None:
    painted(tmp_path / "data")
    request = EvaluationRequest("retrieval", "cuhk-pedes", tmp_path / "data")
    scores = evaluate(request, FAKE, tmp_path / "out")
    assert {name: scores[name] for name in ("captions", "images", "people")} == {
        "captions": 4,
        "images": 4,
        "people": 2,
    }
    assert [scores[f"{name}_by_text_alone"] for name in ("r_at_1", "r_at_5", "map", "minp")] == [1, 1, 1, 1]
    assert 0 <= scores["r_at_1"] <= scores["r_at_5"] <= scores["r_at_10"] == 1
    assert set(scores["intervals"]) == {"r_at_1", "r_at_5", "r_at_10", "map", "minp"}
    items = read_run(tmp_path / "out").items
    assert items.groups == ("2", "2", "3", "3")
    assert items.figures()["map"](np.arange(4)) == pytest.approx(scores["map"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert all(text in page for text in ("R@10", "mINP", "a green person"))


def test_a_part_can_be_chosen_and_a_split_cannot(tmp_path: Path) -> None:
    painted(tmp_path)
    assert evaluate(EvaluationRequest("retrieval", "cuhk-pedes", tmp_path, part="train"), FAKE)["images"] == 2
    with pytest.raises(BadConfigError, match="has no part 'val', only: train, test"):
        evaluate(EvaluationRequest("retrieval", "cuhk-pedes", tmp_path, part="val"), FAKE)
    with pytest.raises(BadConfigError, match="leave --split out"):
        evaluate(EvaluationRequest("retrieval", "cuhk-pedes", tmp_path, split=1), FAKE)
