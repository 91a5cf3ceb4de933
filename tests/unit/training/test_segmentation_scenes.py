"""The pictures that the segmenter learns from."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from par_core.datasets.outlines import Photo
from par_core.training.segmentation_scenes import LARGE, SMALL, WILD, Scene, SceneRecipe, make_batch
from par_core.training.segmenter import ROUNDS

COLOURS = {"pennfudan": (255, 0, 0), "coco": (0, 255, 0), "made": (0, 0, 255), "ccp": (255, 255, 0)}


def photo(folder: Path, source: str) -> Photo:
    """A photograph of one person, 60 x 160 pixels in the source's colour, before grey."""
    picture, labels = np.full((240, 320, 3), 90, np.uint8), np.zeros((240, 320), np.uint8)
    if source != "empty":
        picture[40:200, 120:180] = COLOURS[source][::-1]
        labels[40:200, 120:180] = 1
    image, map_ = folder / f"{source}.png", folder / f"{source}-map.png"
    cv2.imwrite(str(image), picture)
    cv2.imwrite(str(map_), labels)
    return Photo("coco" if source == "ccp" else source, image, None if source == "empty" else map_)


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, tuple[Photo, ...]]:
    return {source: (photo(tmp_path, source),) for source in (*COLOURS, "empty")}


def scenes(photos: dict[str, tuple[Photo, ...]], recipe: SceneRecipe, n: int = 10) -> list[Scene]:
    return [
        scene for step in range(n) for scene in make_batch(photos, recipe, seed=3, step=step, places=range(2))
    ]


@pytest.mark.parametrize("recipe", [SMALL, LARGE, WILD])
def test_boxes_are_tight_around_masks_that_do_not_overlap(
    photos: dict[str, tuple[Photo, ...]], recipe: SceneRecipe
) -> None:
    made = scenes(photos, recipe)
    assert any(len(scene.boxes) for scene in made)
    for scene in made:
        assert scene.picture.shape[:2] in recipe.canvases
        assert scene.masks.shape[1:] == scene.picture.shape[:2]
        assert scene.masks.sum(axis=0, dtype=int).max(initial=0) <= 1
        for mask, (x1, y1, x2, y2) in zip(scene.masks, scene.boxes, strict=True):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (x1, y1, x2, y2)
            assert min(x2 - x1, y2 - y1) >= 5


def test_a_step_is_a_function_of_seed_and_number(photos: dict[str, tuple[Photo, ...]]) -> None:
    first, again = (make_batch(photos, WILD, seed=1, step=7, places=range(2)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.picture, other.picture)
        assert np.array_equal(one.masks, other.masks)
    (other, _) = make_batch(photos, WILD, seed=1, step=8, places=range(2))
    assert not np.array_equal(first[0].picture, other.picture)


def test_processes_that_share_a_batch_make_the_pictures_of_one(photos: dict[str, tuple[Photo, ...]]) -> None:
    whole = make_batch(photos, WILD, seed=1, step=7, places=range(4))
    shared = [make_batch(photos, WILD, seed=1, step=7, places=range(rank, 4, 2)) for rank in range(2)]
    for place, scene in enumerate(whole):
        assert np.array_equal(scene.picture, shared[place % 2][place // 2].picture)


def test_nobody_is_labelled_where_nobody_is(photos: dict[str, tuple[Photo, ...]]) -> None:
    for scene in scenes({"empty": photos["empty"]}, WILD):
        assert len(scene.boxes) == 0


@pytest.mark.parametrize("number", ROUNDS)
def test_composites_are_drawn_in_every_round_where_there_are_any(
    photos: dict[str, tuple[Photo, ...]], number: int
) -> None:
    recipe = ROUNDS[number].scenes
    made = scenes({"made": photos["made"], "empty": photos["empty"]}, recipe)
    assert {len(scene.boxes) > 0 for scene in made} == {True, False}
