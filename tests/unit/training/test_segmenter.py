"""How the segmenter is trained."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from par_core.datasets.outlines import Photo
from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.training.processes import World
from par_core.training.segmentation_data import Split
from par_core.training.segmentation_scenes import SMALL
from par_core.training.segmenter import ROUNDS, SegmenterLearner

HERE = World(1, 0, torch.device("cpu"))


def test_pictures_are_learned_from_at_the_size_that_the_recipe_says(tmp_path: Path) -> None:
    picture, labels = np.full((90, 60, 3), 90, np.uint8), np.zeros((90, 60), np.uint8)
    picture[10:80, 15:45], labels[10:80, 15:45] = (20, 40, 200), 1
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "a_mask.png"), labels)
    split = Split({"pennfudan": (Photo("pennfudan", tmp_path / "a.png", tmp_path / "a_mask.png"),)}, {}, {})
    recipe = replace(ROUNDS[1], scenes=replace(SMALL, canvases=((96, 128),), side=80))
    network = build_mask_rcnn("compact")
    seen: list[tuple[int, ...]] = []
    network.backbone.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    learner = SegmenterLearner(network, split, recipe)
    learner.network.train()
    losses = learner.losses(0, HERE)
    assert seen == [(2, 3, 96, 128)]
    assert all(torch.isfinite(loss) for loss in losses.values())
