"""Training through the command line, on a data set that the test writes in the published format."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from skimage import data, io

from par_core.config import load_config
from par_core.models.attribute_vit import load_attribute_vit
from par_core.models.published import ATTRIBUTE_VIT
from par_core.types import ImageU8

PAR = Path(sys.executable).with_name("par")


def pa100k(root: Path) -> Path:
    """Ten crops of photographs with two attributes."""
    (root / "data").mkdir(parents=True)
    photos: list[ImageU8] = [data.astronaut()[:200, 150:260], data.coffee()[:200, 100:200]]
    content: dict[str, object] = {"attributes": np.array([["person"], ["cup"]], object)}
    start = 0
    for part, n in (("train", 6), ("val", 4), ("test", 0)):
        names = [f"{i:06}.png" for i in range(start, start + n)]
        for i, name in enumerate(names):
            io.imsave(root / "data" / name, photos[i % 2], check_contrast=False)
        cells = np.empty((n, 1), object)
        cells[:, 0] = names
        content[f"{part}_images_name"] = cells
        content[f"{part}_label"] = np.array([[1 - i % 2, i % 2] for i in range(n)], np.uint8).reshape(n, 2)
        start += n
    scipy.io.savemat(root / "annotation.mat", content)
    return root


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_attributes_over_two_seeds_with_two_processes_each(
    tmp_path: Path, prefect_api: dict[str, str]
) -> None:
    out = tmp_path / "out"
    recipe = [
        "--steps",
        "2",
        "--batch",
        "2",
        "--score-every",
        "2",
        "--background",
        "keep",
        "--seeds",
        "0,1",
        "--processes",
        "2",
    ]
    command = [
        str(PAR),
        "train",
        "attributes",
        "--dataset",
        "pa100k",
        "--root",
        str(pa100k(tmp_path / "data")),
        "--out",
        str(out),
        *recipe,
        "--json",
    ]
    done = subprocess.run(command, env=prefect_api, capture_output=True, text=True, timeout=380, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert set(summary["runs"]) == {"seed-0", "seed-1"}
    assert {"mA", "accuracy", "precision", "recall", "f1"} <= summary["mean"].keys() == summary["std"].keys()
    for seed in ("seed-0", "seed-1"):
        assert json.loads((out / seed / "report.json").read_text())["processes"] == 2
        assert (out / seed / "curve.png").is_file()
    vit = load_attribute_vit(out / "seed-0" / ATTRIBUTE_VIT)
    assert vit.answers.names == ("person", "cup")
    assert all(0 <= threshold <= 1 for threshold in vit.answers.thresholds)


def test_a_network_of_other_attributes_describes_with_its_own_names(tmp_path: Path) -> None:
    from par_core.models.answers import Answers
    from par_core.models.attribute_vit import build_vit, save_attribute_vit

    answers = Answers(("AgeOver60", "Backpack"), (2.0, 1.0), (0.5, 0.0), (0.3, 0.6))
    save_attribute_vit(tmp_path / ATTRIBUTE_VIT, build_vit(2).state_dict(), answers)
    assert load_attribute_vit(tmp_path / ATTRIBUTE_VIT).answers == answers
    assert load_config(profile="clip", clip={"attributes": "vit-b-32"}).clip.attributes == "vit-b-32"
