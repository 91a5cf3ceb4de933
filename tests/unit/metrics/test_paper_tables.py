"""What docs/metrics.md says of the column "mA" in the paper's Tables 2 to 4, computed from the other columns.

With prevalence p, precision P and recall R the true negative rate is 1 - R p (1 - P) / (P (1 - p)), and so
both mA and accuracy are known. Printed figures are rounded, so each is an interval.
"""

from itertools import product
from pathlib import Path

import pytest

RAPV2, PA100K = 84_928, 100_000
AGES = {"<16": (753, 0.99), "46-60": (2968, 0.96), ">60": (192, 0.997)}


def bounds(
    positives: int, total: int, precision: float, recall: float, half: float = 0.005
) -> dict[str, tuple[float, float]]:
    """The least and the greatest mA and accuracy that the rounded figures allow."""
    p = positives / total
    corners = list(product((precision - half, precision + half), (recall - half, recall + half)))
    wrong = [
        (recall * p * (1 - precision) / precision, p * (1 - recall), recall) for precision, recall in corners
    ]
    ma = [(recall + 1 - false / (1 - p)) / 2 for false, _, recall in wrong]
    accuracy = [1 - false - missed for false, missed, _ in wrong]
    return {"mA": (min(ma), max(ma)), "accuracy": (min(accuracy), max(accuracy))}


def fits(value: float, limits: tuple[float, float], half: float = 0.005) -> bool:
    return limits[0] - half <= value <= limits[1] + half


@pytest.mark.parametrize("age", AGES)
def test_table_2_gives_plain_accuracy_for_rare_ages(age: str) -> None:
    positives, reported = AGES[age]
    never = 1 - positives / RAPV2
    digits = len(str(reported)) - 2
    # accuracy of "nobody has it", cut off after the digits printed
    assert int(never * 10**digits) / 10**digits == reported
    assert reported > (0.05 + 1) / 2  # mA with a recall that is printed as 0.0 is at most this


@pytest.mark.parametrize(
    ("positives", "total", "precision", "recall", "reported"),
    [
        (4206, PA100K, 0.05, 0.79, 0.31),
        (18662, PA100K, 0.47, 0.30, 0.81),
        (1324, RAPV2, 0.03, 0.72, 0.57),
        (5700, RAPV2, 0.76, 0.18, 0.94),
    ],
)
def test_table_4_gives_accuracy_for_hats_and_glasses(
    positives: int, total: int, precision: float, recall: float, reported: float
) -> None:
    limits = bounds(positives, total, precision, recall)
    assert fits(reported, limits["accuracy"])
    assert not fits(reported, limits["mA"])


@pytest.mark.parametrize(
    ("positives", "total", "precision", "recall", "reported"),
    [
        (4206, PA100K, 0.82, 0.30, 0.62),
        (18662, PA100K, 0.70, 0.72, 0.71),
        (1324, RAPV2, 0.70, 0.64, 0.68),
        (5700, RAPV2, 0.63, 0.70, 0.64),
    ],
)
def test_table_3_fits_as_many_people_with_hats_and_glasses_as_without(
    positives: int, total: int, precision: float, recall: float, reported: float
) -> None:
    assert fits(reported, bounds(1, 2, precision, recall)["mA"])
    as_published = bounds(positives, total, precision, recall)
    assert not fits(reported, as_published["mA"])
    assert not fits(reported, as_published["accuracy"])


def test_the_bags_of_table_4_are_not_those_of_the_data_set() -> None:
    # everybody without a bag is taken to have one
    least_precision = 0.66 * 49980 / (0.66 * 49980 + PA100K - 49980)
    assert least_precision > 2 * 0.19


def test_the_page_tells_these_figures() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    assert all(f"{1 - positives / RAPV2:.4f}" in page for positives, _ in AGES.values())
