"""Train the compact segmenter: Mask R-CNN with a light backbone, from ImageNet weights, on a few hundred
photographs.

The recipe follows torchvision's detection reference (losses, sampling) with AdamW, a cosine schedule, an
exponential moving average of the weights, and copy-paste of people (``segmentation_scenes``). There are four
rounds, each from the average of the one before: from ImageNet on small pictures; on larger ones; at the size
of inference, with crowds whose outlines the round before has drawn into given boxes; and with larger batches,
more pictures without people and composites. The fourth is run twice with different seeds, and the mean of the
third and both of the fourth (``averaging``) is the result. The box head learns from the few regions that look
most like people, which are those that it meets in use.
"""

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN

from par_core.training.loop import Schedule
from par_core.training.processes import World
from par_core.training.segmentation_data import Split
from par_core.training.segmentation_scenes import (
    LARGE,
    SMALL,
    TALL,
    WILD,
    Scene,
    SceneRecipe,
    make_batch,
)
from par_core.training.segmenter_scores import score_validation

__all__ = ["ROUNDS", "SegmenterLearner", "SegmenterRecipe"]


@dataclass(frozen=True, slots=True)
class SegmenterRecipe:
    """Everything that decides the weights, next to the data and the code.

    Attributes:
        schedule: Rates are the same for all parts.
        scenes: How training pictures are composed.
        draws: Photographs whose people have boxes only are outlined by the weights that the run starts from,
            and learned from.
        batch: Pictures a step.
        seed: Seed of everything random.
    """

    schedule: Schedule
    scenes: SceneRecipe
    draws: bool = False
    batch: int = 2
    seed: int = 1


#: By round; the fourth is also the one for fine-tuning on other data.
ROUNDS: Final = {
    1: SegmenterRecipe(Schedule(steps=1100, rate=3e-4), SMALL),
    2: SegmenterRecipe(Schedule(steps=1100, rate=2.5e-4), LARGE),
    3: SegmenterRecipe(Schedule(steps=700, rate=2e-4, warmup=30, average=0.995), TALL, draws=True),
    4: SegmenterRecipe(Schedule(steps=320, rate=2e-4, warmup=30, average=0.99), WILD, draws=True, batch=4),
}
_PROPOSALS: Final = 300  # of a picture, before those are added that its people fill
_REGIONS: Final = 256  # of these, from which the box head learns


class SegmenterLearner:
    """The network and how it learns.

    Args:
        network: With the weights to start from.
        split: Photographs to learn from, and to score on.
        recipe: The settings.
    """

    def __init__(self, network: MaskRCNN, split: Split, recipe: SegmenterRecipe) -> None:
        network.rpn._post_nms_top_n["training"] = _PROPOSALS
        network.roi_heads.fg_bg_sampler.batch_size_per_image = _REGIONS
        network.transform._skip_resize = True  # scenes have the size to learn at
        network.backbone.body_in_fp32 = next(network.parameters()).device.type == "cpu"
        network.to(memory_format=torch.channels_last)
        self.network: nn.Module = network
        self._split, self._recipe = split, recipe

    def groups(self) -> list[dict[str, Any]]:
        """All parameters alike."""
        return [{"params": list(self.network.parameters()), "share": 1.0}]

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        """Return the losses of this process's part of a step."""
        places = range(world.rank, self._recipe.batch, world.size)
        scenes = make_batch(self._split.train, self._recipe.scenes, self._recipe.seed, step, places)
        torch.manual_seed(self._recipe.seed * 1_000_003 + step)  # for the sampling of anchors and proposals
        with torch.autocast(world.device.type, torch.bfloat16):
            losses = self.network(
                [_to_tensor(scene, world) for scene in scenes], [_to_target(scene, world) for scene in scenes]
            )
        return {name.removeprefix("loss_"): loss.float() for name, loss in losses.items()}

    def score(self, network: nn.Module) -> dict[str, float]:
        """On the photographs that choose."""
        assert isinstance(network, MaskRCNN)
        return score_validation(network, self._split.choose)


def _to_tensor(scene: Scene, world: World) -> Tensor:
    return torch.from_numpy(scene.picture).permute(2, 0, 1).to(world.device).float() / 255


def _to_target(scene: Scene, world: World) -> dict[str, Tensor]:
    masks, boxes = torch.from_numpy(scene.masks.astype("uint8")), torch.from_numpy(scene.boxes)
    target = {"boxes": boxes, "labels": torch.ones(len(scene.boxes), dtype=torch.int64), "masks": masks}
    return {name: tensor.to(world.device) for name, tensor in target.items()}
