"""The obvious script: what one writes in an afternoon with the same models. The yardstick of ``bench.py``.

One image at a time, fp32, Pillow, torchvision's own Mask R-CNN pipeline, masks of the whole frame, one person
at a time through the describer, one ``table.add`` a person. It uses the whole machine by torch's own threads.

    python benchmarks/obvious.py PHOTOS DATABASE --profile compact --threads 2
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import torch
from PIL import Image
from torch import nn

from par_core.models.clip import build_clip
from par_core.models.describer import HEIGHT, WIDTH
from par_core.models.describer_network import shipped_describer
from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.published import MASK_RCNN, clip_weights
from par_core.models.regions import PERSON_LABEL
from par_core.models.segmenter_settings import COMPACT_SETTINGS, PUBLISHED_SETTINGS
from par_core.models.torch_segmenter import compact_network


def models(profile: str, weights_dir: Path | None) -> tuple[Any, nn.Module, tuple[int, int]]:
    """Segmenter, describer, and the describer's input (height, width)."""
    settings = COMPACT_SETTINGS if profile == "compact" else PUBLISHED_SETTINGS
    if profile == "compact":
        network = compact_network()
        describer: nn.Module = shipped_describer()[0]
        size = (HEIGHT, WIDTH)
    else:
        if weights_dir is None:
            raise SystemExit("--profile clip needs --weights-dir")
        network = build_mask_rcnn("resnet50-fpn")
        network.load_state_dict(torch.load(weights_dir / MASK_RCNN["resnet50-fpn"][0], weights_only=True))
        describer, size = (
            build_clip(
                "ViT-B-16", "random", weights_dir / clip_weights("ViT-B-16", "random").file, None
            ).visual,
            (224, 224),
        )
    network.transform.min_size, network.transform.max_size = (settings.min_side,), settings.max_side
    network.roi_heads.score_thresh = settings.min_score
    return network.eval(), describer.eval(), size


def main() -> None:
    """Index a folder and print the seconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--profile", choices=["compact", "clip"], default="compact")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights-dir", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network, describer, (height, width) = models(arguments.profile, arguments.weights_dir)
    database = lancedb.connect(arguments.database)
    table, people, images = None, 0, sorted(arguments.photos.iterdir())
    started = time.monotonic()
    with torch.no_grad():
        for path in images:
            picture = np.asarray(Image.open(path).convert("RGB"))
            detections = network([torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255])[0]
            for box, label, score, mask in zip(
                detections["boxes"],
                detections["labels"],
                detections["scores"],
                detections["masks"],
                strict=True,
            ):
                if label != PERSON_LABEL:
                    continue
                x1, y1, x2, y2 = (int(v) for v in box)
                cut = np.where(
                    (mask[0] > 0.5).numpy()[..., None], picture, picture.mean(axis=(0, 1)).astype(np.uint8)
                )
                crop = Image.fromarray(
                    cut[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)].astype(np.uint8)
                ).resize((width, height), Image.Resampling.BICUBIC)
                pixels = torch.from_numpy(np.asarray(crop).copy()).permute(2, 0, 1).float()[None]
                vector = describer(pixels if arguments.profile == "compact" else pixels / 255)
                vector = (vector[0] if isinstance(vector, tuple) else vector)[0].numpy()
                row = {"file": str(path), "box": [x1, y1, x2, y2], "score": float(score), "vector": vector}
                if table is None:
                    table = database.create_table("people", [row])
                else:
                    table.add([row])
                people += 1
    print(json.dumps({"seconds": time.monotonic() - started, "images": len(images), "people": people}))


if __name__ == "__main__":
    main()
