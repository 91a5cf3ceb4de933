import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import par_core.evaluate.leakage.matching as leakage
from par_core.errors import BadInputError
from par_core.evaluate.leakage.matching import (
    cleaned_train,
    leakage_report,
    near_embeddings,
    near_hashes,
    same_label,
)
from par_core.evaluate.leakage.perceptual_hash import BITS, hash_distances, perceptual_hash
from par_core.evaluate.leakage.threshold import choose_threshold
from par_core.ids import image_id
from tests.pictures import photograph

SEEDS = range(24)
HASHES = st.lists(st.none() | st.integers(0, 2**BITS - 1) | st.integers(0, 7), max_size=20)
LABELS = st.lists(st.none() | st.sampled_from("abcdef"), max_size=12)


def smaller(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)


def encoded_again(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def cropped(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[height // 50 : -height // 50, width // 50 : -width // 50])


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image * 1.1 + 8, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    return [photograph(seed) for seed in SEEDS]


@pytest.mark.parametrize("change", [np.asarray, smaller, encoded_again, cropped, brighter])
def test_copies_are_found_and_other_scenes_are_not(change: type, photographs: list[np.ndarray]) -> None:
    train = [perceptual_hash(image) for image in photographs[:16]]
    test = [perceptual_hash(change(image)) for image in photographs[12:]]
    matches = near_hashes(test, train, 12)
    assert matches.nearest.tolist() == [12, 13, 14, 15, *[-1] * 8]
    assert np.flatnonzero(matches.train).tolist() == [12, 13, 14, 15]
    assert matches.share == 1 / 3


def test_a_copy_of_the_file_has_the_same_digest_and_an_encoded_copy_has_not() -> None:
    file, again = (
        cv2.imencode(".jpg", photograph(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        for quality in (90, 80)
    )
    matches = same_label([image_id(file), image_id(again), None], [None, image_id(file)], "digest")
    assert matches.nearest.tolist() == [1, -1, -1]
    assert matches.train.tolist() == [False, True]
    assert matches.share == 0.5


def test_the_hash_of_a_plain_picture_is_zero_and_of_others_has_half_of_its_bits() -> None:
    assert perceptual_hash(np.full((40, 20, 3), 77, np.uint8)) == 0
    assert perceptual_hash(photograph()).bit_count() == BITS // 2
    upside_down = np.ascontiguousarray(photograph()[::-1])
    assert (perceptual_hash(photograph()) ^ perceptual_hash(upside_down)).bit_count() > 20


def test_the_hash_sees_purely_vertical_shapes() -> None:
    wedge = np.broadcast_to(np.arange(0, 256, 4, np.uint8)[None, :, None], (64, 64, 3))
    wedge_hash, mirrored_hash = (
        perceptual_hash(np.ascontiguousarray(each)) for each in (wedge, wedge[:, ::-1])
    )
    assert (wedge_hash ^ mirrored_hash).bit_count() >= 4


@given(HASHES, HASHES, st.integers(0, BITS))
def test_near_hashes_are_those_of_a_plain_double_loop(
    test: list[int | None], train: list[int | None], bits: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "_TEST_BLOCK", 3)
        patch.setattr(leakage, "_TRAIN_BLOCK", 4)
        matches = near_hashes(test, train, bits)
    apart = [
        [(a ^ b).bit_count() if a is not None and b is not None else BITS + 1 for b in train] for a in test
    ]
    nearest = [min(range(len(train)), key=lambda j, row=row: (row[j], j), default=-1) for row in apart]  # type: ignore[misc]
    wanted = [j if j >= 0 and row[j] <= bits else -1 for j, row in zip(nearest, apart, strict=True)]
    assert matches.nearest.tolist() == wanted
    assert matches.train.tolist() == [any(row[j] <= bits for row in apart) for j in range(len(train))]
    assert [None if np.isnan(d) else int(d) for d in matches.distance] == [
        row[j] if j >= 0 else None for j, row in zip(wanted, apart, strict=True)
    ]
    assert matches.known.tolist() == [each is not None for each in test]


@given(LABELS, LABELS)
def test_shared_identities_are_shared_whatever_the_order(
    test: list[str | None], train: list[str | None]
) -> None:
    matches, back = same_label(test, train, "identity"), same_label(train, test, "identity")
    assert (
        (matches.nearest >= 0).tolist()
        == back.train.tolist()
        == [each is not None and each in train for each in test]
    )
    assert all(train[j] == test[i] for i, j in enumerate(matches.nearest) if j >= 0)


def test_the_share_is_that_of_jia_et_al_over_the_test_images_that_could_be_compared() -> None:
    matches = same_label(["ann", "ann", "bob", "cid", None], ["ann", "dan", None], "identity")
    assert matches.share == 0.5
    assert np.isnan(same_label([None], ["ann"], "identity").share)
    assert np.isnan(near_hashes([], [1], 3).share)


def test_embeddings_of_one_person_are_neighbours() -> None:
    rng = np.random.default_rng(0)
    people = rng.normal(size=(30, 64))
    train, test = (
        each / np.linalg.norm(each, axis=1, keepdims=True)
        for each in (people[:20], people[10:] + rng.normal(0, 0.1, (20, 64)))
    )
    missing = test.astype(np.float32)
    missing[0] = np.nan
    matches = near_embeddings(missing, train.astype(np.float32), 0.2)
    assert matches.nearest.tolist() == [-1, *range(11, 20), *[-1] * 10]
    assert matches.distance[1] == pytest.approx(1 - test[1] @ train[11], abs=1e-5)
    assert (int(matches.known.sum()), int(matches.train.sum())) == (19, 9)


def test_embeddings_that_are_no_unit_vectors_are_refused() -> None:
    unit = np.eye(4, dtype=np.float32)
    with pytest.raises(BadInputError, match=r"test embeddings of L2 norm 1, got 2 in row 1 \(1 such"):
        near_embeddings(unit * np.array([[1], [2], [1], [1]], np.float32), unit, 0.1)
    with pytest.raises(BadInputError, match="4 for test and 3 for train"):
        near_embeddings(unit, np.eye(3, dtype=np.float32), 0.1)
    with pytest.raises(BadInputError, match="0 to 64 bits"):
        near_hashes([1], [1], 65)


@given(
    st.lists(st.integers(0, 64), min_size=1, max_size=30),
    st.lists(st.integers(0, 64), min_size=10, max_size=60),
    st.sampled_from([0.1, 0.2, 0.5]),
)
def test_the_threshold_is_the_largest_known_distance_that_keeps_the_rate(
    same: list[int], different: list[int], rate: float
) -> None:
    threshold = choose_threshold(np.array(same, float), np.array(different, float), rate)
    apart = np.array(different)
    assert threshold.mistaken == (apart <= threshold.distance).mean() <= rate
    assert threshold.found == (np.array(same) <= threshold.distance).mean()
    larger = [each for each in same + different if each > threshold.distance]
    assert all((apart <= each).mean() > rate for each in larger)


def test_a_rate_that_the_pairs_cannot_tell_is_refused() -> None:
    with pytest.raises(BadInputError, match="got 1 same, 999 different"):
        choose_threshold(np.zeros(1), np.ones(999), 0.001)
    with pytest.raises(BadInputError, match="got 0 same"):
        choose_threshold(np.zeros(0), np.ones(999), 0.1)
    with pytest.raises(BadInputError, match="finite"):
        choose_threshold(np.zeros(1), np.full(100, np.nan), 0.1)
    with pytest.raises(BadInputError, match="between 0 and 1"):
        choose_threshold(np.zeros(1), np.ones(999), 0.0)


def test_a_threshold_from_known_copies_finds_new_ones(photographs: list[np.ndarray]) -> None:
    known, new = photographs[:20], photographs[20:]
    hashes = np.array([perceptual_hash(image) for image in known], np.uint64)
    copies = np.array([perceptual_hash(cropped(encoded_again(image))) for image in known], np.uint64)
    apart = hash_distances(hashes[:, None], hashes[None])[np.triu_indices(len(known), 1)]
    threshold = choose_threshold(hash_distances(hashes, copies).astype(float), apart.astype(float), 0.01)
    assert threshold.found == 1.0
    matches = near_hashes(
        [perceptual_hash(smaller(image)) for image in new], [perceptual_hash(new[2])], int(threshold.distance)
    )
    assert matches.nearest.tolist() == [-1, -1, 0, -1]


def test_the_cleaned_part_has_no_counterpart_left_and_keeps_the_others() -> None:
    test, train = ["ann", None, "cid", "eve"], ["bob", "ann", "ann", None, "cid"]
    hashes, theirs = [0, 255, None, 2**40], [0b111 << 50, 2**60, 2**61 + 7, 254, 0]
    matches = [same_label(test, train, "identity"), near_hashes(hashes, theirs, 1)]
    kept = cleaned_train(matches)
    assert kept.tolist() == [0]
    again = [
        same_label(test, [train[i] for i in kept], "identity"),
        near_hashes(hashes, [theirs[i] for i in kept], 1),
    ]
    assert leakage_report(again)["share"] == 0
    report = leakage_report(matches)
    assert (report["test"], report["train"], report["train_kept"], report["share"]) == (4, 5, 1, 1.0)
    assert report["by_kind"]["hash"] == {
        "share": pytest.approx(1.0),
        "test_leaked": 3,
        "test_unknown": 1,
        "train_leaked": 3,
    }
    assert report["by_kind"]["identity"]["share"] == pytest.approx(2 / 3)


def test_every_leaked_test_image_is_a_row_with_its_counterpart() -> None:
    matches = near_hashes([3, 2**50 - 1, 8], [2**50 - 1, 0, 1], 1)
    assert matches.rows(["t0", "t1", "t2"], ["r0", "r1", "r2"]) == [
        {"test": "t0", "train": "r2", "kind": "hash", "distance": 1.0},
        {"test": "t1", "train": "r0", "kind": "hash", "distance": 0.0},
        {"test": "t2", "train": "r1", "kind": "hash", "distance": 1.0},
    ]


def test_parts_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(BadInputError, match="one train part"):
        cleaned_train([near_hashes([1], [1], 0), near_hashes([1], [1, 2], 0)])
    with pytest.raises(BadInputError, match="one train part"):
        cleaned_train([])
