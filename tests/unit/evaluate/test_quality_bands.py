"""Scores by quality: bands, what is measured of people, and the part of the page."""

from pathlib import Path

import numpy as np
import pytest

from par_core.archive.quality import glvn
from par_core.config import ArchiveConfig
from par_core.evaluate.items import AttributeItems
from par_core.evaluate.quality_bands import bands_object, measure_people, quality_bands
from par_core.reports.quality import quality_sections
from tests.pictures import photograph, save

NAN = float("nan")


def items(right: np.ndarray) -> AttributeItems:
    """People, every second with a hat, whose predictions are right or wrong."""
    labels = (np.arange(len(right)) % 2).astype(np.float32)[:, None]
    probabilities = np.where(right[:, None], labels, 1 - labels).astype(np.float32)
    return AttributeItems(
        tuple(map(str, range(len(right)))),
        ("hat", "coat"),
        np.hstack([labels, labels]),
        np.hstack([probabilities, probabilities]),
        {"hat": 0.5},
    )


def test_bands_show_where_the_model_breaks_down() -> None:
    heights = np.random.default_rng(0).permutation(300).astype(np.float64)
    bands = quality_bands(items(heights >= 60), heights, 0)
    assert [band.people for band in bands] == [30] * 10
    assert [(band.low, band.high) for band in bands[:2]] == [(0, 29), (30, 59)]
    assert [band.accuracy.estimate for band in bands] == [0, 0, *[1] * 8]
    assert [band.ma.estimate for band in bands] == [0, 0, *[1] * 8]


def test_a_band_has_an_interval_of_its_own_people() -> None:
    values = np.arange(40.0)
    (low, high) = quality_bands(items((values % 4 < 2) | (values >= 20)), values, 0)
    assert low.accuracy.estimate == 0.5
    assert 0.2 < low.accuracy.low < 0.5 < low.accuracy.high < 0.8
    assert (high.accuracy.low, high.accuracy.high) == (1, 1)


@pytest.mark.parametrize(("known", "bands"), [(39, 0), (40, 2), (199, 9), (200, 10), (1000, 10)])
def test_bands_hold_twenty_people_and_people_of_unknown_quality_are_left_out(known: int, bands: int) -> None:
    values = np.concatenate([np.arange(known, dtype=np.float64), [NAN] * 15])
    actual = quality_bands(items(np.ones(len(values), bool)), values, 0)
    assert len(actual) == bands
    assert sum(band.people for band in actual) == (known if bands else 0)


def test_without_scored_attributes_there_are_no_bands() -> None:
    labelled = items(np.ones(100, bool))
    assert (
        quality_bands(
            AttributeItems(labelled.names, labelled.attributes, labelled.labels, labelled.probabilities, {}),
            np.arange(100.0),
            0,
        )
        == []
    )


def test_people_are_measured_inside_of_their_boxes(tmp_path: Path) -> None:
    picture = photograph()
    file = save(tmp_path / "1.png", picture)
    boxes = np.array([[10, 20, 60, 140], [NAN] * 4, [0, 0, 5, 5]], np.float32)
    measures = measure_people([file, file, tmp_path / "gone.png"], boxes, ArchiveConfig(), None, {})
    np.testing.assert_array_equal(measures["height_px"], [120, 240, NAN])
    np.testing.assert_allclose(measures["glvn"], [glvn(picture[20:140, 10:60]), glvn(picture), NAN])
    assert np.isnan(measures["brisque"]).all()
    known = measure_people(
        [file] * 3, boxes, ArchiveConfig(), None, {"glvn": np.array([1, 2, 3], np.float32)}
    )
    np.testing.assert_array_equal(known["glvn"], [1, 2, 3])


def test_the_page_has_a_part_for_each_measure_that_is_known() -> None:
    values = np.arange(60.0)
    bands = {"height_px": quality_bands(items(values > 30), values, 0), "glvn": [], "brisque": []}
    (section,) = quality_sections(bands)
    assert section.title == "Scores by height in pixels"
    assert section.plot is not None
    assert section.plot.count("<circle") == 3
    assert section.table is not None
    assert [row[0] for row in section.table.rows] == ["0 to 19", "20 to 39", "40 to 59"]
    assert bands_object(bands)["height_px"][2]["mA"]["estimate"] == 1
    assert "too few people" in quality_sections({})[0].note


def test_a_picture_that_was_replaced_by_a_smaller_one_has_no_quality(tmp_path: Path) -> None:
    file = save(tmp_path / "1.png", photograph()[:40, :40])
    measures = measure_people(
        [file],
        np.array([[100, 50, 160, 160]], np.float32),
        ArchiveConfig(),
        None,
        {"height_px": np.array([110], np.float32)},
    )
    assert measures["height_px"].tolist() == [110]
    assert np.isnan(measures["glvn"]).all()
