"""Random weights in the published file formats, for benchmarks of the paper's architectures without the real
files.

A random detector finds nothing, which would leave mask heads and pasting out of every measurement. So its
class scores are centred on a few photographs and stretched until torchvision's own pipeline reports about as
many objects a picture as on street photographs, some of them people.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models.detection import MaskRCNN

from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.published import MASK_RCNN, clip_weights
from par_core.models.regions import PERSON_LABEL

OBJECTS = 20  # of one picture
_STRETCH = 3.0


def write_random_weights(folder: Path, photos: Sequence[Path], seed: int) -> None:
    """Write the files of the ``clip`` profile's Mask R-CNN R50-FPN and CLIP ViT-B/16."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = build_mask_rcnn("resnet50-fpn").eval()
    make_talkative(network, photos)
    torch.save(network.state_dict(), folder / MASK_RCNN["resnet50-fpn"][0])
    save_file(
        {
            name: tensor.contiguous()
            for name, tensor in open_clip.create_model("ViT-B-16").state_dict().items()
        },
        folder / clip_weights("ViT-B-16", "random").file,
    )


def make_talkative(network: MaskRCNN, photos: Sequence[Path]) -> None:
    """Change the class scores until about ``OBJECTS`` objects a picture score 0.5 or more; the most frequent
    class becomes people.
    """
    heads: Any = network.roi_heads
    last, outputs = heads.box_predictor.cls_score, []
    judge = heads.postprocess_detections

    def remember(logits: Tensor, *rest: Any) -> Any:
        outputs.append((logits, *rest))
        return judge(logits, *rest)

    heads.postprocess_detections = remember
    with torch.no_grad():
        for path in photos:
            network(
                [torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1).float() / 255]
            )
        heads.postprocess_detections = judge
        centre = torch.cat([logits for logits, *_ in outputs]).mean(dim=0)
        heads.score_thresh = 0.5

        def classes_at(background: float) -> Tensor:
            """Classes of the detections when the background's score is raised by so much."""
            raised = torch.zeros_like(centre)
            raised[0] = background
            return torch.cat(
                [
                    torch.cat(judge((logits - centre) * _STRETCH + raised, *rest)[2])
                    for logits, *rest in outputs
                ]
            )

        low, high = -5.0, 40.0
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if len(classes_at(middle)) > OBJECTS * len(photos) else (low, middle)
        frequent = int(torch.bincount(classes_at(high)).argmax())
        last.weight.mul_(_STRETCH)
        last.bias.sub_(centre).mul_(_STRETCH)
        last.bias[0] += high
        swap = list(range(len(centre)))
        swap[PERSON_LABEL], swap[frequent] = frequent, PERSON_LABEL
        last.weight.copy_(last.weight[swap].clone())
        last.bias.copy_(last.bias[swap].clone())
