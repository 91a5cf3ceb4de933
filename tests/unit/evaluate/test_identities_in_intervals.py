"""Intervals as reports and comparisons use them: over identities where these are known, of means over always
the same attributes.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from par_core.config import ArchiveConfig
from par_core.datasets.labelled_set import AttributeSet, assemble
from par_core.evaluate.attributes import AttributeRun, score_attributes
from par_core.evaluate.comparison import differences, intervals
from par_core.evaluate.items import AttributeItems, RetrievalItems, items_of
from par_core.evaluate.leakage.scores import cleaned_scores
from par_core.evaluate.quality_bands import quality_bands
from par_core.evaluate.saved_run import SavedRun, read_run
from par_core.metrics.bootstrap import bootstrap_rows
from par_core.predictions.tables import PredictedPeople
from par_core.reports.compare import compare_runs, comparison_report
from par_core.reports.folder import write_report
from par_core.studies.evaluation import with_intervals
from par_core.types import Descriptions

PEOPLE, EACH = 20, 20
ABOUT = {"kind": "attributes", "dataset": "csv", "models": "made up", "seed": 0}


def photographed(*, known: bool = True, model: int = 0) -> tuple[AttributeSet, PredictedPeople]:
    """Twenty people with twenty pictures each, which all have the person's label and nearly the person's
    score.
    """
    draws, noise = np.random.default_rng(3), np.random.default_rng(4 + model)
    has = np.arange(PEOPLE) % 2
    score = has * 0.7 + draws.normal(size=PEOPLE) + model * noise.normal(size=PEOPLE) * 0.3
    logits = np.repeat(score, EACH) + noise.normal(size=PEOPLE * EACH) * 0.1
    who = [f"person {i}" for i in range(PEOPLE) for _ in range(EACH)]
    files = [Path(f"{i:03}.png") for i in range(PEOPLE * EACH)]
    labels = np.repeat(has, EACH)[:, None].astype(float)
    data = assemble("csv", Path("labels.csv"), ["hat"], files, labels, identities=who if known else ())
    probabilities = (1 / (1 + np.exp(-logits)))[:, None].astype(np.float32)
    nowhere = np.full((len(files), 4), np.nan, np.float32)
    return data, PredictedPeople(
        Descriptions(np.ones((len(files), 1), np.float32), probabilities), nowhere, ("hat",), (0.5,)
    )


def evaluated(**settings: object) -> AttributeRun:
    return score_attributes(*photographed(**settings))  # type: ignore[arg-type]


def reported(out: Path, run: AttributeRun) -> SavedRun:
    scores, ranges = with_intervals(run, {**ABOUT, "data_digest": run.data_digest})
    write_report(out, run, scores, ranges, ArchiveConfig())
    return read_run(out)


def width(interval: object) -> float:
    low, high = (
        interval[end] if isinstance(interval, dict) else getattr(interval, end) for end in ("low", "high")
    )
    return float(high - low)


@pytest.mark.usefixtures("few_resamples")
def test_a_report_on_people_with_many_pictures_draws_the_people(tmp_path: Path) -> None:
    one, other = evaluated(), evaluated(known=False)
    reported(tmp_path / "people", one)
    reported(tmp_path / "pictures", other)
    wide, narrow = (
        json.loads((tmp_path / name / "report.json").read_text())["intervals"]["auc: hat"]
        for name in ("people", "pictures")
    )
    assert wide["estimate"] == narrow["estimate"]
    assert width(wide) > 3 * width(narrow), "twenty pictures of one person are not twenty people"
    groups = np.repeat(np.arange(PEOPLE), EACH).astype(str).tolist()
    direct = bootstrap_rows(one.items.images, one.items.figures()["auc: hat"], groups, resamples=250)
    assert width(wide) == pytest.approx(width(direct), rel=0.15)
    for name, says in (("people", "over 20 identities"), ("pictures", "over images")):
        assert says in (tmp_path / name / "report.md").read_text()


@pytest.mark.usefixtures("few_resamples")
def test_saved_items_keep_identities_and_reports_are_compared_by_them(tmp_path: Path) -> None:
    known = [reported(tmp_path / f"known {i}", evaluated(model=i)) for i in range(2)]
    unknown = [reported(tmp_path / f"unknown {i}", evaluated(known=False, model=i)) for i in range(2)]
    assert known[0].items.identities[:21] == ("person 0",) * 20 + ("person 1",)  # type: ignore[attr-defined]
    wide, narrow = ({each.name: each.change for each in compare_runs(*runs)} for runs in (known, unknown))
    assert width(wide["auc: hat"]) > 2 * width(narrow["auc: hat"])
    older = unknown[0], known[1]  # a folder that was written before identities were kept
    assert {each.name: each.change for each in compare_runs(*older)} == wide
    conventions = comparison_report(*older, compare_runs(*older)).conventions
    assert any("over 20 identities" in sentence for sentence in conventions)


def test_items_without_identities_are_read_as_before() -> None:
    known, unknown = evaluated().items, evaluated(known=False).items
    assert unknown.table().column_names == known.table().drop(["identity"]).column_names
    again = items_of("attributes", unknown.table(), {"hat": 0.5})
    assert isinstance(again, AttributeItems)
    assert again.identities == ()


def test_an_unknown_identity_is_a_person_of_its_own(tmp_path: Path) -> None:
    items = evaluated().items
    unknown_people = replace(items, identities=("",) * items.images)
    assert intervals(unknown_people) == intervals(replace(items, identities=()))
    half = replace(items, identities=tuple("" if i % 2 else who for i, who in enumerate(items.identities)))
    file = tmp_path / "items.parquet"
    pq.write_table(half.table(), file)
    again = items_of("attributes", pq.read_table(file), {"hat": 0.5})
    assert isinstance(again, AttributeItems)
    assert again.identities == half.identities
    assert pq.read_table(file)["identity"].null_count == items.images // 2


@pytest.mark.usefixtures("few_resamples")
def test_scores_without_what_leaks_are_by_identity(tmp_path: Path) -> None:
    figures = {}
    for known in (True, False):
        items = evaluated(known=known).items
        saved = SavedRun(tmp_path, "attributes", "", {"models": ""}, items)
        leaked = [
            name for name, number in zip(items.names, range(items.images), strict=True) if number < 5 * EACH
        ]
        figures[known] = {each.name: each for each in cleaned_scores(saved, items.names, leaked)[0]}[
            "auc: hat"
        ]
    for part in ("given", "cleaned", "change"):
        assert width(getattr(figures[True], part)) > 2 * width(getattr(figures[False], part)), part


def test_quality_bands_are_by_identity() -> None:
    values = np.arange(PEOPLE * EACH, dtype=np.float64)
    known, unknown = (quality_bands(evaluated(known=each).items, values, 0) for each in (True, False))
    assert [band.accuracy.estimate for band in known] == [band.accuracy.estimate for band in unknown]
    wider = [width(one.accuracy) - width(other.accuracy) for one, other in zip(known, unknown, strict=True)]
    assert sum(wider) > 0.5
    assert min(wider) >= -0.05


def rare() -> AttributeItems:
    """Forty people; a common attribute is predicted rightly, and one that only two have by chance."""
    n = 40
    labels = np.zeros((n, 2), np.float32)
    labels[::2, 0] = 1
    labels[:2, 1] = 1
    probabilities = labels.copy()
    probabilities[:, 1] = 0.5
    return AttributeItems(
        tuple(map(str, range(n))), ("common", "rare"), labels, probabilities, {"common": 0.5, "rare": 0.7}
    )


def test_a_mean_is_over_the_same_attributes_in_every_resample() -> None:
    items = rare()
    interval_of = intervals(items)
    lacking = sum((draw >= 2).all() for draw in np.random.default_rng(0).integers(40, size=(1000, 40)))
    for name in ("mean_auc", "mA"):
        assert interval_of[name].estimate == interval_of[name].low == interval_of[name].high == 0.75, (
            "never the 1.0 of the common one alone"
        )
        assert interval_of[name].undefined == interval_of["auc: rare"].undefined == lacking > 100
    assert interval_of["auc: common"].undefined == 0


def test_a_mean_over_queries_is_over_the_same_queries_in_every_resample() -> None:
    items = rare()
    queries = RetrievalItems(("common", "rare"), items.labels.T.copy(), items.labels.T.copy())
    interval_of = intervals(queries)
    assert (
        interval_of["mean_ap_over_prevalence"].undefined
        == interval_of["ap_over_prevalence: rare"].undefined
        > 100
    )


def test_a_band_is_scored_on_the_same_attributes_in_every_resample() -> None:
    (first, *_) = quality_bands(rare(), np.arange(40.0), 0)
    assert first.ma.estimate == first.ma.low == first.ma.high == 0.75
    assert first.ma.undefined > 50
    assert first.accuracy.undefined == 0


def test_a_figure_that_most_resamples_lack_has_no_interval() -> None:
    interval = bootstrap_rows(40, lambda rows: 0.5 if (rows == 0).sum() > 1 else float("nan"))
    assert interval.undefined > 500
    assert np.isnan([interval.low, interval.high]).all()


@pytest.mark.usefixtures("few_resamples")
def test_differences_are_by_the_identities_of_either_run() -> None:
    one, other = evaluated().items, evaluated(model=1).items
    bare = replace(one, identities=())
    assert (
        differences(bare, other) == differences(one, other) == differences(one, replace(other, identities=()))
    )
