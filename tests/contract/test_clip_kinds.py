"""The clip profile with one architecture of each kind that open_clip has, with random weights: the smallest
of its kind. Vectors are those of open_clip's own calls.
"""

from collections.abc import Iterator

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from skimage import data

from par_core.config import load_config
from par_core.errors import BadConfigError
from par_core.models import profiles
from par_core.models.clip_loading import preprocessing
from par_core.models.published import clip_weights

KINDS = {
    "resnet": ("RN50", "torch"),
    "timm": ("vit_medium_patch16_gap_256", "openvino"),
    "timm and a text tower of its own": ("MobileCLIP2-S0", "torch"),
    "coca": ("coca_ViT-B-32", "openvino"),
}
SENTENCES = ["a man with a black backpack", ""]


pytestmark = pytest.mark.usefixtures("quick_clip")


@pytest.fixture(autouse=True)
def forget_models() -> Iterator[None]:
    """These models are large: none stays behind."""
    yield
    for cached in (profiles._describer, profiles._text_encoder, profiles._clip_model):
        cached.cache_clear()


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_open_clip(kind: str) -> None:
    name, runtime = KINDS[kind]
    config = load_config(
        profile="clip",
        clip={"random_seed": 1, "model": name},
        machine={"runtime": runtime, "device": "cpu", "precision": "fp32"},
    )
    photo = data.astronaut()
    cutouts = [np.ascontiguousarray(photo[:200, 150:250]), np.ascontiguousarray(photo), data.coffee()]
    describer, encoder = profiles.load_describer(config), profiles.load_text_encoder(config)
    described, texts = describer.describe(cutouts), encoder.encode(SENTENCES)
    model = profiles._clip_model(config)
    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    with torch.no_grad():
        pictures = torch.stack([transform(Image.fromarray(cutout)) for cutout in cutouts])
        theirs = model.encode_image(pictures, normalize=True).numpy()
        their_texts = model.encode_text(open_clip.get_tokenizer(name)(SENTENCES), normalize=True).numpy()
    assert described.embeddings.shape == (3, describer.embedding_size)
    assert np.abs(described.embeddings - theirs).max() < 1e-4
    assert np.abs(texts - their_texts).max() < 1e-5
    assert ((described.probabilities >= 0) & (described.probabilities <= 1)).all()
    assert np.abs(describer.describe(cutouts[:1]).embeddings - theirs[:1]).max() < 1e-4


@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "ViT-L-14-CLIPA", "roberta-ViT-B-32"])
def test_what_a_text_tower_needs_and_is_missing_is_one_line(name: str) -> None:
    config = load_config(profile="clip", clip={"random_seed": 1, "model": name})
    with pytest.raises(BadConfigError, match=r"pip install transformers|hf download") as caught:
        profiles.load_text_encoder(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", ["webli", "my-own"])
def test_weights_of_another_name_are_prepared_as_their_architecture_is(weights: str) -> None:
    assert preprocessing("ViT-B-16-SigLIP", weights) == {
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
        "interpolation": "bicubic",
        "resize_mode": "squash",
    }


def test_an_architecture_whose_weights_differ_lends_only_what_they_share() -> None:
    assert preprocessing("ViT-L-14", "my-own") == {"interpolation": "bicubic", "resize_mode": "shortest"}
    assert preprocessing("ViT-S-32-alt", "my-own") == {}


def test_weights_are_fetched_from_the_file_that_the_hub_has() -> None:
    named = clip_weights("ViTamin-S", "datacomp1b")
    assert (named.file, named.source) == (
        "ViTamin-S.datacomp1b.bin",
        "hub:jienengchen/ViTamin-S/pytorch_model.bin",
    )
    usual = clip_weights("MobileCLIP2-S0", "dfndr2b")
    assert usual.file == "MobileCLIP2-S0.dfndr2b.safetensors"
    assert usual.source.endswith("/open_clip_model.safetensors")
