"""A real training run of the segmenter, killed without warning: the next call goes on, to the same weights
bit for bit.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from par_core.models.shipped import file_digest

PAR = Path(sys.executable).with_name("par")


def coco(root: Path) -> Path:
    """A data set of four photographs, two with an outlined person."""
    (root / "annotations").mkdir(parents=True)
    (root / "images").mkdir()
    astronaut, coffee = data.astronaut()[:256, :256], data.coffee()[:200, :300]
    pictures = [
        astronaut,
        coffee,
        np.ascontiguousarray(astronaut[:, ::-1]),
        np.ascontiguousarray(coffee[::-1]),
    ]
    for number, picture in enumerate(pictures, start=1):
        Image.fromarray(picture).save(root / "images" / f"{number}.png")
    outline = [120, 10, 230, 20, 250, 250, 60, 250]
    mirrored = [255 - x if i % 2 == 0 else x for i, x in enumerate(outline)]
    people = [
        {"image_id": n, "category_id": 1, "iscrowd": 0, "segmentation": [points]}
        for n, points in ((1, outline), (3, mirrored))
    ]
    images = [{"id": n, "file_name": f"{n}.png"} for n in range(1, 5)]
    content = {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}
    (root / "annotations" / "instances_all.json").write_text(json.dumps(content))
    return root


def command(root: Path, out: Path) -> list[str]:
    recipe = ["--steps", "3", "--batch", "1", "--save-every", "1", "--seed", "3", "--score-every", "3"]
    return [
        str(PAR),
        "train",
        "segmenter",
        "--dataset",
        "coco",
        "--root",
        str(root),
        "--out",
        str(out),
        *recipe,
    ]


@pytest.mark.timeout(300)
def test_a_killed_training_run_goes_on_to_the_same_weights(
    tmp_path: Path, prefect_environment: dict[str, str]
) -> None:
    root = coco(tmp_path / "coco")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(
        command(root, whole), env=prefect_environment, check=True, capture_output=True, timeout=200
    )
    run = subprocess.Popen(
        command(root, parts),
        env=prefect_environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ends = time.monotonic() + 120
    while not (parts / "checkpoint.pt").exists() and time.monotonic() < ends:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert (parts / "checkpoint.pt").exists()
    assert not (parts / "segmenter.safetensors").exists()
    again = subprocess.run(
        [*command(root, parts), "--json"],
        env=prefect_environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert file_digest(parts / "segmenter.safetensors") == file_digest(whole / "segmenter.safetensors")
    assert "score" in json.loads(again.stdout)["mean"]
    assert (parts / "curve.png").is_file()
    assert "seed 3" in (parts / "card.md").read_text()
