"""PAR's Mask R-CNN pipeline against torchvision's own, with equal weights and equal input."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from par_core.errors import BadConfigError, WeightsError
from par_core.models.choosing import choose_runtime
from par_core.models.mask_rcnn import Architecture, build_mask_rcnn
from par_core.models.regions import PERSON_LABEL
from par_core.models.runtimes import Arrays, OpenVinoRuntime, Runtime
from par_core.models.segmenter_settings import PUBLISHED_SETTINGS, SegmenterSettings
from par_core.models.torch_runtime import TorchNetwork, TorchRuntime
from par_core.models.torch_segmenter import compact_network, segmenter_of
from par_core.models.weights import read_published
from par_core.people.masks import decode_mask


def as_torchvision(
    network: torch.nn.Module, image: np.ndarray, settings: SegmenterSettings
) -> dict[str, torch.Tensor]:
    """People by torchvision's pipeline; the image must need no resizing."""
    network.transform.min_size, network.transform.max_size = (settings.min_side,), settings.max_side
    network.rpn._pre_nms_top_n = network.rpn._post_nms_top_n = {"testing": settings.proposals}
    network.rpn.score_thresh = settings.min_objectness
    network.roi_heads.score_thresh = settings.min_score
    network.roi_heads.detections_per_img = settings.max_people
    with torch.no_grad():
        detections = network([torch.from_numpy(image).permute(2, 0, 1).float() / 255])[0]
    people = detections["labels"] == PERSON_LABEL
    return {name: value[people] for name, value in detections.items()}


@pytest.mark.parametrize("runtime", [TorchRuntime(), OpenVinoRuntime()], ids=lambda runtime: runtime.name)
@pytest.mark.parametrize("architecture", ["compact", "resnet50-fpn"])
def test_same_people_as_torchvisions_pipeline(architecture: Architecture, runtime: Runtime) -> None:
    image = np.ascontiguousarray(data.astronaut()[:192, :256])
    torch.manual_seed(3)
    network = compact_network() if architecture == "compact" else build_mask_rcnn(architecture)
    if architecture != "compact":  # random weights: let some regions look like people
        network.roi_heads.box_predictor.cls_score.bias.data[PERSON_LABEL] += 4
    settings = SegmenterSettings(192, 256, 0.05)
    if architecture != "compact":
        settings = replace(PUBLISHED_SETTINGS, min_side=192, max_side=256, min_score=0.3, proposals=300)
    fingerprint = "test-shipped" if architecture == "compact" else "test-random"
    ours = segmenter_of(network, settings, fingerprint, architecture, runtime).segment([image])[0]
    theirs = as_torchvision(network.eval(), image, settings)
    assert len(ours) == len(theirs["boxes"])
    assert len(ours) > 0
    assert np.abs(ours.boxes - theirs["boxes"].numpy()).max() < 1e-2
    assert np.abs(ours.scores - theirs["scores"].numpy()).max() < 1e-4
    for mask, whole, box in zip(ours.masks, theirs["masks"][:, 0].numpy() > 0.5, ours.boxes, strict=True):
        different = decode_mask(mask) != whole
        assert different.mean() < 0.001, box


def test_boxes_that_are_given_are_outlined_as_those_that_are_found() -> None:
    image = data.astronaut()
    segmenter = segmenter_of(compact_network(), SegmenterSettings(384, 640, 0.3), "", "", TorchRuntime())
    (people,) = segmenter.segment([image])
    drawn = segmenter.outline(image, people.boxes)
    assert len(drawn) == len(people) > 0
    for mask, same in zip(people.masks, drawn, strict=True):
        a, b = decode_mask(mask), decode_mask(same)
        # found boxes are cut at the frame, which moves their masks a little
        assert (a & b).sum() / (a | b).sum() > 0.97
    assert segmenter.outline(image, people.boxes[:0]) == ()


def test_images_give_the_same_people_in_a_batch_as_alone() -> None:
    """Images of two sizes, without people and with several, in mixed order."""
    astronaut = data.astronaut()
    street = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    grey = np.full_like(astronaut, 128)
    images = [astronaut, street, grey, np.ascontiguousarray(astronaut[:, ::-1]), street[::-1].copy()]
    network, settings = compact_network(), SegmenterSettings(384, 896, 0.3)
    alone, together = (
        segmenter_of(network, settings, "", "", TorchRuntime(), in_batches=in_batches).segment(images)
        for in_batches in (False, True)
    )
    assert [len(people) > 0 for people in alone] == [True, True, False, True, True]
    for one, same in zip(alone, together, strict=True):
        assert len(one) == len(same)
        assert np.abs(one.boxes - same.boxes).max(initial=0) < 0.01
        assert np.abs(one.scores - same.scores).max(initial=0) < 1e-4
        for a, b in zip(one.masks, same.masks, strict=True):
            assert (decode_mask(a) != decode_mask(b)).mean() < 1e-4


def test_a_batch_is_computed_at_once_by_size() -> None:
    shapes = list[tuple[int, ...]]()

    class Recording(TorchRuntime):
        def compile(self, network: torch.nn.Module, examples: Arrays, key: str) -> TorchNetwork:
            if key.endswith("features"):
                network.register_forward_pre_hook(
                    lambda _, inputs: shapes.append(tuple(inputs[0].shape))  # type: ignore[func-returns-value]
                )
            return super().compile(network, examples, key)

    images = [np.zeros((64, width, 3), np.uint8) for width in (96, 64, 96, 90)]
    settings = SegmenterSettings(64, 96, 0.5)
    for in_batches in (None, True):
        segmenter_of(compact_network(), settings, "", "", Recording(), in_batches=in_batches).segment(images)
    assert shapes[:4] == [(1, 3, 64, width) for width in (96, 64, 96, 96)], "one by one on a CPU"
    assert shapes[4:] == [(3, 3, 64, 96), (1, 3, 64, 64)]


def test_openvino_in_fp32_equals_torch() -> None:
    image = data.astronaut()
    settings = SegmenterSettings(384, 640, 0.3)
    a, b = (
        segmenter_of(compact_network(), settings, "test-shipped", "", runtime).segment([image])[0]
        for runtime in (TorchRuntime(), OpenVinoRuntime())
    )
    assert len(a) == len(b)
    assert np.abs(a.boxes - b.boxes).max() < 0.05
    assert np.abs(a.scores - b.scores).max() < 1e-3


def test_auto_takes_openvino_on_this_cpu_and_wrong_settings_are_refused() -> None:
    assert choose_runtime("auto", "cpu", "fp32", threads=1).name == "openvino"
    assert choose_runtime("torch", "cpu", "fp32", threads=1).name == "torch"
    if not torch.cuda.is_available():
        with pytest.raises(BadConfigError, match="no CUDA device"):
            choose_runtime("auto", "cuda", "fp32", threads=1)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_published_weights_load_from_every_format_and_a_pickle_is_refused(tmp_path: Path) -> None:
    folder = tmp_path
    state = {"a.weight": torch.randn(3, 4), "b": torch.arange(5)}
    torch.save(state, folder / "s.pth")
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in state.items()}}, folder / "wrapped.pt"
    )
    save_file(state, folder / "s.safetensors")
    scripted = torch.nn.Linear(4, 3)
    torch.jit.save(torch.jit.script(scripted), folder / "scripted.pt")
    for name in ("s.pth", "wrapped.pt", "s.safetensors"):
        tensors = read_published(folder / name, "test")
        assert all(torch.equal(tensors[key], value) for key, value in state.items())
    assert torch.equal(read_published(folder / "scripted.pt", "test")["weight"], scripted.weight)
    torch.save({"evil": Path("/")}, folder / "evil.pth")
    for name, message in (("evil.pth", "refused|no weights file"), ("nothing.pth", "put them at")):
        with pytest.raises(WeightsError, match=message):
            read_published(folder / name, "test")
    (folder / "junk.safetensors").write_bytes(b"junk")
    with pytest.raises(WeightsError):
        read_published(folder / "junk.safetensors", "test")
