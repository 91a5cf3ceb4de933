"""What every model of every profile keeps, the fake one included."""

from collections.abc import Callable

import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image
from skimage import data

from par_core.config import RunConfig, load_config
from par_core.models.base import PersonDescriber, PersonSegmenter, TextEncoder
from par_core.models.fingerprints import fingerprints
from par_core.models.profiles import load_describer, load_segmenter, load_text_encoder
from par_core.people.masks import decode_mask
from par_core.query.one_picture import people_of
from par_core.types import ImageU8

PROFILES = {
    "fake": load_config(profile="fake"),
    "compact-torch": load_config(profile="compact", machine={"runtime": "torch"}),
    "compact-openvino": load_config(profile="compact", machine={"runtime": "openvino"}),
    "clip-random": load_config(
        profile="clip",
        clip={"random_seed": 1, "model": "ViT-S-32-alt", "attributes": "zero-shot"},
        segment={"min_side": 64},
        machine={"precision": "fp32"},
    ),
}


@pytest.fixture(scope="module", params=PROFILES)
def config(request: pytest.FixtureRequest) -> RunConfig:
    return PROFILES[request.param]


def odd_images() -> list[ImageU8]:
    """A photograph, one pixel, a thin strip each way, grey, black; and one that may not be written to."""
    photo = data.astronaut()[:160, :200].copy()
    frozen = photo[:, ::-1]
    frozen.flags.writeable = False
    strips = [
        np.full((1, 1, 3), 9, np.uint8),
        np.full((3, 300, 3), 200, np.uint8),
        np.full((300, 2, 3), 90, np.uint8),
    ]
    return [photo, *strips, np.full((64, 64, 3), 128, np.uint8), np.zeros((40, 50, 3), np.uint8), frozen]


def test_segmenter_keeps_its_contract(config: RunConfig) -> None:
    segmenter = load_segmenter(config)
    assert isinstance(segmenter, PersonSegmenter)
    assert segmenter.fingerprint == fingerprints(config).segmenter
    assert segmenter.segment([]) == []
    images = odd_images()
    instances = segmenter.segment(images)
    assert len(instances) == len(images)
    for image, people in zip(images, instances, strict=True):
        height, width = image.shape[:2]
        assert (people.boxes >= 0).all()
        assert (people.boxes <= [width, height, width, height]).all()
        assert (np.diff(people.scores) <= 0).all()
        assert ((people.scores >= 0) & (people.scores <= 1)).all()
        assert all((mask.height, mask.width) == (height, width) for mask in people.masks)
    again = segmenter.segment(images[:1])[0]
    assert np.array_equal(again.boxes, instances[0].boxes)
    assert again.masks == instances[0].masks


def test_describer_keeps_its_contract(config: RunConfig) -> None:
    describer = load_describer(config)
    assert isinstance(describer, PersonDescriber)
    assert (describer.fingerprint, describer.embedding_fingerprint) == (
        fingerprints(config).describer,
        fingerprints(config).embedding,
    )
    assert len(describer.describe([]).embeddings) == 0
    images = odd_images()
    descriptions = describer.describe(images)
    assert descriptions.embeddings.shape == (len(images), describer.embedding_size)
    assert descriptions.probabilities.shape == (len(images), len(describer.attributes))
    assert np.allclose(np.linalg.norm(descriptions.embeddings, axis=1), 1, atol=1e-4)
    assert ((descriptions.probabilities >= 0) & (descriptions.probabilities <= 1)).all()
    assert len(set(describer.attributes)) == len(describer.attributes)


def test_a_person_is_described_alike_alone_and_among_many(config: RunConfig) -> None:
    """More people than attributes: runtimes have taken the one axis for the other."""
    describer = load_describer(config)
    photo = data.astronaut()
    images = [photo[4 * i : 160 + 8 * i, 3 * i : 100 + 5 * i] for i in range(len(describer.attributes) + 3)]
    descriptions = describer.describe(images)
    alone = [describer.describe([image]) for image in images]
    # bf16 rounds by the size of a batch; fp32 is far below
    assert np.abs(np.concatenate([one.embeddings for one in alone]) - descriptions.embeddings).max() < 0.02
    assert (
        np.abs(np.concatenate([one.probabilities for one in alone]) - descriptions.probabilities).max() < 0.03
    )


def test_text_encoder_keeps_its_contract(config: RunConfig) -> None:
    encoder = load_text_encoder(config)
    assert isinstance(encoder, TextEncoder)
    assert encoder.embedding_fingerprint == fingerprints(config).embedding
    vectors = encoder.encode(["a woman in a red coat", "a man", "", "ü" * 500])
    assert vectors.shape == (4, load_describer(config).embedding_size)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert np.array_equal(encoder.encode(["a man"])[0], encoder.encode(["a man"])[0])


def test_models_load_once_a_process(config: RunConfig) -> None:
    loaders: list[Callable[[RunConfig], object]] = [load_segmenter, load_describer, load_text_encoder]
    assert all(load(config) is load(config) for load in loaders)


def test_runtimes_agree_within_the_stated_tolerance() -> None:
    """The tolerance of docs/decisions/0004: what one runtime finds with confidence the other finds, nearly
    where it was.
    """
    image = data.astronaut()
    (torch_people,) = load_segmenter(PROFILES["compact-torch"]).segment([image])
    (openvino_people,) = load_segmenter(PROFILES["compact-openvino"]).segment([image])
    assert abs(float(torch_people.scores[0]) - float(openvino_people.scores[0])) < 0.05
    assert np.abs(torch_people.boxes[0] - openvino_people.boxes[0]).max() < 0.02 * 512
    torch_mask, openvino_mask = (decode_mask(found.masks[0]) for found in (torch_people, openvino_people))
    assert (torch_mask & openvino_mask).sum() > 0.85 * (torch_mask | openvino_mask).sum()
    cutouts = [image, image[:200], image[100:400, 100:300]]
    torch_told = load_describer(PROFILES["compact-torch"]).describe(cutouts)
    openvino_told = load_describer(PROFILES["compact-openvino"]).describe(cutouts)
    assert (torch_told.embeddings * openvino_told.embeddings).sum(axis=1).min() > 0.995
    moved = np.abs(torch_told.probabilities - openvino_told.probabilities)
    assert moved.max() < 0.1
    assert moved.mean() < 0.02


@pytest.mark.parametrize(
    ("picture", "people"), [("astronaut", 1), ("camera", 1), ("chelsea", 0), ("coffee", 0), ("rocket", 0)]
)
def test_shipped_segmenter_finds_the_people_in_well_known_photographs_and_none_elsewhere(
    picture: str, people: int
) -> None:
    image = getattr(data, picture)()
    image = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    (detections,) = load_segmenter(PROFILES["compact-openvino"]).segment([image])
    assert (len(detections) >= 1) == bool(people)


@pytest.mark.parametrize("name", ["astronaut", "grace_hopper"])
def test_shoes_and_legs_get_no_answer_on_two_portraits_of_the_demo(name: str) -> None:
    if name == "grace_hopper":
        with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
            image = np.asarray(Image.open(file).convert("RGB"))
    else:
        image = data.astronaut()
    config = PROFILES["compact-openvino"]
    person = people_of(image, load_segmenter(config), load_describer(config), config)[0]
    assert {"female", "hat", "glasses"} <= person.attributes.keys()
    assert not person.attributes.keys() & {"heels", "boots", "sandals", "shorts", "jeans", "skirt"}
