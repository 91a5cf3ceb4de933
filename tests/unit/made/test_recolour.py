"""Colours are moved where the map says, and a copy says what it shows."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.colours import colour_prototypes, dominant_colour
from par_core.datasets.merged_labels import labelled_people
from par_core.made.garments import UPPER, Dressed, garments, largest, read_dressed
from par_core.made.recolour import keeps_its_colour, move_colour, recolour, term_weights
from tests.dressed import Outfit, small_ccp

EVEN = term_weights("uniform", {})


def dressed(root: Path, *outfits: Outfit) -> list[Dressed]:
    small_ccp(root, outfits)
    return [each for person in labelled_people("ccp", root) if (each := read_dressed(person)) is not None]


def test_nothing_changes_two_pixels_away_from_the_garment(tmp_path: Path) -> None:
    [who] = dressed(tmp_path, ("coat", "red", "pants", "black"))
    coat = largest(garments(who.picture, who.regions), UPPER)
    assert coat is not None
    moved = move_colour(who.picture, coat.worn, np.array([50.0, 60.0, 40.0]))
    near = cv2.dilate(coat.worn.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (moved[~near] == who.picture[~near]).all()
    assert (moved[coat.worn] != who.picture[coat.worn]).any(axis=1).mean() > 0.99


@pytest.mark.parametrize("term", COLOUR_TERMS)
def test_a_garment_takes_the_wanted_colour(term: str, tmp_path: Path) -> None:
    [who] = dressed(tmp_path, ("coat", "grey", "pants", "black"))
    coat = garments(who.picture, who.regions)[1]
    assert coat.attribute == "coat_or_jacket"
    moved = move_colour(who.picture, coat.worn, colour_prototypes(term)[1].astype(np.float64))
    assert dominant_colour(moved, coat.worn)[0] == term


def test_the_hue_alone_leaves_the_lightness(tmp_path: Path) -> None:
    [who] = dressed(tmp_path, ("coat", "red", "pants", "black"))
    coat = garments(who.picture, who.regions)[1]
    moved = move_colour(who.picture, coat.worn, np.array([0.0, -60.0, 50.0]), hue_only=True)
    before, after = (
        cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[coat.worn].mean(axis=0)
        for picture in (who.picture, moved)
    )
    assert after[0] == pytest.approx(before[0], abs=4)
    assert dominant_colour(moved, coat.worn)[0] == "green"


def test_changes_say_what_the_picture_shows_and_no_term_stays(tmp_path: Path) -> None:
    [who] = dressed(tmp_path, ("coat", "red", "pants", "grey"))
    worn = garments(who.picture, who.regions)
    seen = set()
    for seed in range(30):
        done = recolour(who, worn, EVEN, np.random.default_rng(seed))
        after = {each.attribute: each.colour for each in garments(done.picture, who.regions)}
        for change in done.changes:
            assert after[change.attribute] == change.after != change.before
            seen.add(change.attribute)
        unchanged = {each.attribute: each.colour for each in worn} | {
            each.attribute: each.after for each in done.changes
        }
        assert after == unchanged
        assert done.tried == len(done.changes) + sum(done.refused.values())
    assert seen == {"coat_or_jacket", "trousers", "hat"}


def test_jeans_and_blue_cloth_that_may_be_denim_keep_their_colour(tmp_path: Path) -> None:
    people = dressed(
        tmp_path,
        ("jacket", "blue", "jeans", "black"),
        ("blouse", "blue", "skirt", "blue"),
        ("sweater", "blue", "pants", "blue"),
    )
    kept = [
        {each.attribute for each in garments(who.picture, who.regions) if keeps_its_colour(each)}
        for who in people
    ]
    assert kept == [{"coat_or_jacket", "jeans"}, {"shirt_or_blouse", "skirt"}, set()]
    for seed in range(10):
        done = recolour(
            people[0], garments(people[0].picture, people[0].regions), EVEN, np.random.default_rng(seed)
        )
        assert {each.attribute for each in done.changes} <= {"hat"}


def test_patterned_cloth_without_a_hue_is_not_tried(tmp_path: Path) -> None:
    [who] = dressed(tmp_path, ("coat", "grey", "jeans", "blue"))
    stripes = who.picture.copy()
    for row, level in ((46, 20), (47, 130), (48, 240)):
        stripes[row:118:3, 36:84] = level
    patterned = Dressed(who.person, stripes, who.regions)
    coat = garments(stripes, who.regions)[1]
    assert coat.share < 0.5
    for seed in range(10):
        done = recolour(patterned, [coat], EVEN, np.random.default_rng(seed))
        assert done.tried == 0


def test_draws_are_uniform_real_or_half_of_each() -> None:
    seen = {"black": 3, "red": 1}
    assert term_weights("real", seen)[COLOUR_TERMS.index("black")] == pytest.approx(0.75)
    assert term_weights("uniform", seen) == pytest.approx(np.full(12, 1 / 12))
    assert term_weights("mixed", seen)[COLOUR_TERMS.index("red")] == pytest.approx((0.25 + 1 / 12) / 2)
    assert term_weights("mixed", {}) == pytest.approx(np.full(12, 1 / 12))
