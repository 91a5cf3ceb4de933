"""The fit of the score of cut-outs, on people made up here."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from par_core.people.cutout_quality import MEASURES
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.training import cutout_quality
from par_core.training.cutout_data import PARTS, FoundPeople, find_people
from par_core.training.cutout_quality import as_json, choose_weights, fit_weights, measured
from tests.indexing import FAKE
from tests.unit.studies.test_evaluation import ccp, coco, pennfudan  # noqa: F401 - fixtures

N = 6_000


def found(seed: int = 0, n: int = N) -> FoundPeople:
    """People whose first two measures tell, the third the wrong way round, the others nothing; sets have
    different sizes.
    """
    rng = np.random.default_rng(seed)
    measures = rng.normal(size=(n, len(MEASURES)))
    log_odds = 1 + 2 * measures[:, 0] + measures[:, 1] - measures[:, 2]
    return FoundPeople(
        rng.choice(["pennfudan", "coco", "ccp"], n, p=[0.2, 0.1, 0.7]),
        np.array([f"{i // 3}.jpg" for i in range(n)]),
        rng.choice(PARTS, n),
        measures,
        rng.random(n),
        rng.random(n) < expit(log_odds),
    )


def test_weights_are_found_again_and_none_is_negative() -> None:
    people = found()
    weights = fit_weights(people, spread=8.0)
    per_unit = np.array(weights.weights) / np.array(weights.spreads)
    assert per_unit[0] == pytest.approx(2 * per_unit[1], rel=0.15)
    assert per_unit[2] == 0
    assert per_unit[3:].max() < 0.15
    shares = [people.real[people.sources == source].mean() for source in set(people.sources.tolist())]
    assert weights.scores(people.measures).mean() == pytest.approx(np.mean(shares), abs=0.03), "a probability"


def test_each_set_counts_alike() -> None:
    people = found()
    largest = people.sources == "ccp"
    turned = people.measures.copy()
    turned[largest] = -turned[largest]  # the large set says the opposite, and is outvoted
    mixed = FoundPeople(people.sources, people.photos, people.parts, turned, people.covered, people.real)
    assert fit_weights(mixed, spread=8.0).weights[0] > 0.2


def test_weights_see_the_first_part_and_figures_come_from_the_last() -> None:
    people = found()
    spoiled = np.where(people.parts == "report", ~people.real, people.real)
    other = FoundPeople(people.sources, people.photos, people.parts, people.measures, people.covered, spoiled)
    weights, spread = choose_weights(people)
    assert choose_weights(other) == (weights, spread)
    assert measured(people, weights)["coco"]["auc"] > 0.8
    assert measured(other, weights)["coco"]["auc"] < 0.2


def test_shares_below_a_threshold_and_second_cuts_are_counted() -> None:
    people = found()
    weights, _ = choose_weights(people)
    figures = measured(people, weights)
    here = people.of((people.parts == "report") & (people.sources == "coco"))
    scores = weights.scores(here.measures)
    below = next(each for each in figures["coco"]["below"] if each["threshold"] == 0.5)
    assert below["others_dropped"] == pytest.approx((scores[~here.real] < 0.5).mean())
    assert below["real_lost"] == pytest.approx((scores[here.real] < 0.5).mean())
    cuts = next(each for each in figures["second_cuts"] if each["covered"] == 0.75)
    wanted = (people.covered >= 0.75) & people.real & (people.sources == "ccp")
    assert cuts["ccp"]["real"] == wanted.sum()


def test_weights_are_kept_as_the_score_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people, file = found(n=900), tmp_path / "weights.json"
    monkeypatch.setattr(cutout_quality, "find_people", lambda *_, **__: people)
    monkeypatch.setattr(cutout_quality, "WEIGHTS_FILE", file)
    monkeypatch.setattr("par_core.people.cutout_quality.WEIGHTS_FILE", file)
    cutout_quality.main(["--data", str(tmp_path)])
    cutout_quality.CutoutWeights.shipped.cache_clear()
    try:
        read = cutout_quality.CutoutWeights.shipped()
    finally:
        cutout_quality.CutoutWeights.shipped.cache_clear()
    fitted, _ = choose_weights(people)
    assert as_json(read) == as_json(fitted)


@pytest.mark.usefixtures("ccp", "coco", "pennfudan")
def test_people_are_found_as_indexing_finds_them_and_matched_with_outlines(tmp_path: Path) -> None:
    cache = PredictionCache(tmp_path / "work", compute_here)
    people = find_people(tmp_path, FAKE, cache, most=5, seed=0)
    numbers = dict(zip(*np.unique(people.sources, return_counts=True), strict=True))
    assert numbers["pennfudan"] == 6, "of three photographs"
    assert (numbers["coco"], numbers["ccp"]) == (2, 1), "of the photographs with outlines, and without people"
    assert people.real[people.sources == "pennfudan"].all()
    assert people.real[people.sources == "coco"].tolist() == [True, False], "the second has no outline"
    photo = people.photos == "Fudan00001.png"
    assert (people.measures[photo, MEASURES.index("height")] == np.log2(60)).all()
    assert set(people.parts[photo].tolist()) == {"report"}, "the shipped segmenter was not trained on it"
    assert people.of(photo).measures.shape == (2, len(MEASURES))
    fewer = find_people(tmp_path, FAKE, cache, most=1, seed=0)
    assert len(set(fewer.photos[fewer.sources == "pennfudan"].tolist())) == 1
