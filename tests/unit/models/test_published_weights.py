"""Random weights in every published file format, through PAR's profile and through the libraries' own
pipelines: equal to 1e-5 in fp32.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from skimage import data
from timm.data import create_transform, resolve_data_config
from torch import nn

from benchmarks.random_weights import make_talkative
from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.config import RunConfig, load_config
from par_core.errors import WeightsError
from par_core.models import fingerprints, profiles
from par_core.models.mask_rcnn import Architecture, build_mask_rcnn
from par_core.models.published import ATTRIBUTE_VIT, MASK_RCNN
from par_core.models.regions import PERSON_LABEL
from par_core.people.masks import decode_mask
from par_core.types import ImageU8

EXACT = 1e-5
BOX_EXACT = 3e-5  # of Mask R-CNN, whose parts add up rounding
SENTENCES = ["a man with a black backpack", "someone in a protective suit"]
FINGERPRINTS = (
    fingerprints.segmenter_fingerprint,
    fingerprints.describer_fingerprint,
    fingerprints.embedding_fingerprint,
)
pytestmark = [
    pytest.mark.usefixtures("quick_clip"),
    pytest.mark.filterwarnings(
        "ignore:.*torch.jit:FutureWarning",
        "ignore::torch.jit.TracerWarning",
        "ignore:.*QuickGELU:UserWarning",
    ),
]


@pytest.fixture(autouse=True)
def forget_models() -> Iterator[None]:
    """These models are large: none stays behind."""
    yield
    for cached in (
        profiles._segmenter,
        profiles._describer,
        profiles._text_encoder,
        profiles._clip_model,
        *FINGERPRINTS,
    ):
        cached.cache_clear()


def settings(folder: Path, **clip: str) -> RunConfig:
    machine = {"runtime": "torch", "device": "cpu", "precision": "fp32"}
    return load_config(profile="clip", weights_dir=folder, clip=clip, machine=machine)


def cutouts() -> list[ImageU8]:
    """Photographs of several shapes."""
    return [
        np.ascontiguousarray(data.astronaut()),
        np.ascontiguousarray(data.astronaut()[:400, 100:300]),
        data.coffee(),
        data.chelsea(),
    ]


def state_of(name: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    return {key: tensor.contiguous() for key, tensor in open_clip.create_model(name).state_dict().items()}


def openai_archive(path: Path) -> None:
    """A TorchScript archive with the tensors and numbers of OpenAI's files, in half precision."""
    torch.manual_seed(6)
    model = open_clip.create_model("ViT-B-16", force_quick_gelu=True).eval()
    model.attn_mask = model._buffers.pop("attn_mask")  # a constant there
    for name, number in (("input_resolution", 224), ("context_length", 77), ("vocab_size", 49408)):
        vars(model).pop(name, None)
        model.register_buffer(name, torch.tensor(number))
    traced = torch.jit.trace_module(
        model,
        {"forward": (torch.zeros(1, 3, 224, 224), torch.zeros(1, 77, dtype=torch.int64))},
        check_trace=False,
    )
    torch.jit.save(traced.half(), path)


def their_clip(model: nn.Module, name: str, transform: object) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        pictures = torch.stack([transform(Image.fromarray(cutout)) for cutout in cutouts()])  # type: ignore[operator]
        images = model.encode_image(pictures, normalize=True)
        texts = model.encode_text(open_clip.get_tokenizer(name)(SENTENCES), normalize=True)
    return images.float().numpy(), texts.float().numpy()


@pytest.mark.parametrize("pretrained", ["openai", pytest.param("laion2b_s34b_b88k", marks=pytest.mark.slow)])
def test_clip_equals_open_clip(tmp_path: Path, pretrained: str) -> None:
    if pretrained == "openai":
        file = tmp_path / "ViT-B-16.pt"
        openai_archive(file)
        reference = open_clip.load_openai_model(str(file), precision="fp32", device="cpu").eval()
        transform = image_transform_v2(PreprocessCfg(), is_train=False)  # OpenAI's is the default
    else:
        file = tmp_path / f"ViT-B-16.{pretrained}.safetensors"
        save_file(state_of("ViT-B-16"), file)
        reference, _, transform = open_clip.create_model_and_transforms("ViT-B-16", pretrained=str(file))
    images, texts = their_clip(reference.eval(), "ViT-B-16", transform)
    config = settings(tmp_path, pretrained=pretrained)
    assert np.abs(profiles.load_describer(config).describe(cutouts()).embeddings - images).max() < EXACT
    assert np.abs(profiles.load_text_encoder(config).encode(SENTENCES) - texts).max() < EXACT


def test_larger_models_take_their_own_preprocessing(tmp_path: Path) -> None:
    """ViT-L-14 of LAION-2B was trained with another mean and deviation than OpenAI's; only the network is
    left out here.
    """
    from par_core.models.clip import build_clip

    model = build_clip("ViT-L-14", "laion2b_s32b_b82k", None, 0)
    assert tuple(model.visual.preprocess_cfg["mean"]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    "architecture", ["resnet50-fpn", pytest.param("resnet50-fpn-v2", marks=pytest.mark.slow)]
)
def test_mask_rcnn_equals_torchvision(tmp_path: Path, architecture: Architecture) -> None:
    photo = np.ascontiguousarray(data.astronaut()[:300, :420])  # grows to 800 x 1120, as in torchvision
    file = tmp_path / "photo.png"
    Image.fromarray(photo).save(file)
    torch.manual_seed(3)
    reference = build_mask_rcnn(architecture).eval()
    make_talkative(reference, [file])
    torch.save(reference.state_dict(), tmp_path / MASK_RCNN[architecture][0])
    ours = profiles.load_segmenter(settings(tmp_path, segmenter=architecture)).segment([photo])[0]
    with torch.no_grad():
        theirs = reference([torch.from_numpy(photo).permute(2, 0, 1).float() / 255])[0]
    people = (theirs["labels"] == PERSON_LABEL) & (theirs["scores"] >= 0.5)
    assert len(ours) == int(people.sum()) > 0
    assert np.abs(ours.scores - theirs["scores"][people].numpy()).max() < BOX_EXACT
    size = max(photo.shape)
    assert np.abs(ours.boxes - theirs["boxes"][people].numpy()).max() / size < BOX_EXACT
    for mask, whole in zip(ours.masks, theirs["masks"][people][:, 0].numpy(), strict=True):
        different = decode_mask(mask) != (whole > 0.5)
        # only pixels on the very edge of the threshold
        assert np.abs(whole[different] - 0.5).max(initial=0) < 10 * EXACT


def test_attribute_vit_equals_timm(tmp_path: Path) -> None:
    torch.manual_seed(7)
    reference = timm.create_model("vit_base_patch32_224", num_classes=len(ATTRIBUTES)).eval()
    save_file(
        {key: tensor.contiguous() for key, tensor in reference.state_dict().items()}, tmp_path / ATTRIBUTE_VIT
    )
    save_file(state_of("ViT-S-32-alt"), tmp_path / "ViT-S-32-alt.mine.safetensors")
    transform = create_transform(**resolve_data_config({"crop_pct": 1.0}, model=reference))
    with torch.no_grad():
        theirs = (
            reference(torch.stack([transform(Image.fromarray(cutout)) for cutout in cutouts()]))
            .sigmoid()
            .numpy()
        )
    config = settings(tmp_path, attributes="vit-b-32", model="ViT-S-32-alt", pretrained="mine")
    assert np.abs(profiles.load_describer(config).describe(cutouts()).probabilities - theirs).max() < EXACT


def test_a_file_of_another_network_is_refused_in_one_line(tmp_path: Path) -> None:
    save_file(state_of("ViT-S-32-alt"), tmp_path / "ViT-B-32.mine.safetensors")
    with pytest.raises(WeightsError, match="holds another network: missing") as caught:
        profiles.load_describer(settings(tmp_path, model="ViT-B-32", pretrained="mine"))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(
        WeightsError, match=r"put maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth into .*par models fetch"
    ) as caught:
        fingerprints.fingerprints(settings(tmp_path))
    assert "\n" not in str(caught.value)
