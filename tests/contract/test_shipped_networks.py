"""The shipped networks on OpenVINO, without torch, against the torch networks with the same weights, on real
photographs and in fp32.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from skimage import data

from par_core.config import RunConfig, load_config
from par_core.models.profiles import load_describer, load_segmenter, load_text_encoder
from par_core.models.resizing import resize
from par_core.models.shipped import WORDS, shipped_path
from par_core.models.text import CONTEXT_LENGTH
from par_core.models.tokenizer import Tokenizer
from par_core.people.masks import decode_mask
from par_core.types import ImageU8

# pixels of the image, scores, and share of the pixels of two masks that both have
BOX, SCORE, IOU = 0.01, 1e-4, 0.999
OURS, THEIRS = Tokenizer(CONTEXT_LENGTH), SimpleTokenizer(context_length=CONTEXT_LENGTH)


def on(runtime: str) -> RunConfig:
    machine = {"runtime": runtime, "device": "cpu", "precision": "fp32"}
    return load_config(profile="compact", segment={"min_score": 0.3}, machine=machine)


def same_people(photos: list[ImageU8]) -> int:
    """Compare the people of both runtimes; returns how many there are."""
    shown, wanted = (load_segmenter(on(runtime)).segment(photos) for runtime in ("openvino", "torch"))
    for ours, theirs in zip(shown, wanted, strict=True):
        assert len(ours) == len(theirs)
        assert np.abs(ours.boxes - theirs.boxes).max(initial=0) < BOX
        assert np.abs(ours.scores - theirs.scores).max(initial=0) < SCORE
        for mask, other in zip(ours.masks, theirs.masks, strict=True):
            a, b = decode_mask(mask), decode_mask(other)
            assert (a & b).sum() >= IOU * (a | b).sum()
    return sum(map(len, wanted))


def test_the_same_people_are_found_in_photographs() -> None:
    camera = np.repeat(data.camera()[..., None], 3, axis=2)
    assert same_people([data.astronaut(), camera, data.chelsea(), data.coffee()]) >= 2


def test_the_same_people_are_found_in_streets(data_dir: Path) -> None:
    files = sorted((data_dir / "pennfudan" / "PNGImages").iterdir())[::20]
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    assert same_people(photos) > len(photos)


def test_people_are_described_alike() -> None:
    photo = data.astronaut()
    cutouts = [photo, photo[:200], np.ascontiguousarray(photo[100:400, 100:300]), photo[:3, :90]]
    ours, theirs = (load_describer(on(runtime)).describe(cutouts) for runtime in ("openvino", "torch"))
    assert (ours.embeddings * theirs.embeddings).sum(axis=1).min() > 0.99999
    assert np.abs(ours.probabilities - theirs.probabilities).max() < 1e-4


def test_texts_are_embedded_alike() -> None:
    texts = ["a woman in a red coat", "a man", "", "ü" * 500, "a person " * 40]
    ours, theirs = (load_text_encoder(on(runtime)).encode(texts) for runtime in ("openvino", "torch"))
    assert np.abs(ours - theirs).max() < 1e-5


LEARNED = sorted(json.loads(shipped_path(WORDS).read_text()))


@given(st.lists(st.sampled_from(LEARNED), max_size=40).map(" ".join))
@example("A photo of a man, in a t-shirt; a BLUE bag. 12")
def test_learned_words_have_the_ids_of_open_clip(text: str) -> None:
    assert np.array_equal(OURS([text]), THEIRS([text]).numpy())


@given(st.text(max_size=60), st.text(max_size=60))
@example("schön – “quotes” don't 日本語 ½ 👩‍🦰 K", "&amp;lt; <END_OF_TEXT>")
def test_words_that_were_not_learned_are_left_out(before: str, after: str) -> None:
    ids = OURS.encode(f"{before} a red coat {after}")
    assert ids == [*OURS.encode(before), *OURS.encode("a red coat"), *OURS.encode(after)]
    assert set(ids) <= {number for word in LEARNED for number in OURS.encode(word)}


def test_a_word_that_was_not_learned_changes_nothing_but_is_named() -> None:
    encoder = load_text_encoder(on("openvino"))
    plain, more = encoder.encode(["a man in a coat", "a man in a hazmat coat"])
    assert np.array_equal(plain, more)
    assert encoder.unknown_words("a man in a hazmat coat") == ("hazmat",)


@pytest.mark.parametrize(("rows", "columns"), [(224, 100), (640, 640), (513, 511), (1, 1)])
def test_pictures_are_resized_as_by_torchvision(rows: int, columns: int) -> None:
    picture = data.astronaut()
    wanted = F.resize(torch.from_numpy(picture).permute(2, 0, 1), [rows, columns], antialias=True)
    moved = np.abs(resize(picture, rows, columns).astype(int) - wanted.permute(1, 2, 0).numpy())
    assert moved.max() <= 1
    grows = rows > picture.shape[0] and columns > picture.shape[1]
    assert grows or (moved > 0).mean() < 0.002
