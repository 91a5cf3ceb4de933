"""``par evaluate made`` from folder to page, on drawn people, with random ImageNet weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.errors import BadConfigError
from par_core.evaluate.made.arms import ARMS
from par_core.training.lite_features import LiteFeatures
from tests.dressed import OUTFITS, small_ccp


def par(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "lite2.pth"
    torch.save(timm.create_model("tf_efficientnet_lite2", pretrained=False).state_dict(), file)
    return file


def test_a_folder_is_evaluated_and_the_page_says_so(tmp_path: Path, weights: Path) -> None:
    small_ccp(tmp_path, [OUTFITS[i % 4] for i in range(40)])
    made, out = tmp_path / "made", tmp_path / "out"
    arguments = ["--root", tmp_path, "--workers", 1, "--per-person", 1, "-q"]
    assert par("generate", "recolour", *arguments, "--out", made).exit_code == 0
    command = ["evaluate", "made", made, "--dataset", "ccp", "--root", tmp_path, "--start", weights]
    command += ["--people", "10,50%", "--seeds", "0,1", "--budget", 5, "--out", out, "--profile", "fake"]
    done = par(*command, "--json", out / "scores.json")
    assert done.exit_code == 0, done.output
    scores = json.loads((out / "report.json").read_text())
    assert scores == json.loads((out / "scores.json").read_text())
    train, test = scores["people"]["train"], scores["people"]["test"]
    assert train + test == 40
    for network in ("EfficientNet-Lite2, ImageNet", "PAR's embedding"):
        arms = scores["arms"][network]
        assert set(arms) == {"10", str(train // 2)}
        assert tuple(arms["10"]) == ARMS
        assert arms["10"]["real"]["upper mAP"]["gain"] == 0
        assert f"{network}: upper mAP: " in done.stdout
    assert set(scores["distances"]["made people and real test people"]) >= {"kid_x1000", "frechet"}
    page = (out / "report.html").read_text()
    assert "Made data (recolour) on ccp" in page
    assert page.count("data:image/jpeg") >= 24
    kept = {file: file.stat().st_mtime_ns for file in (out / "features").iterdir()}
    assert par(*command).exit_code == 0
    assert kept == {file: file.stat().st_mtime_ns for file in (out / "features").iterdir()}


def test_what_is_missing_is_named(tmp_path: Path, weights: Path) -> None:
    assert "--start FILE" in str(par("evaluate", "made", tmp_path, "--root", tmp_path).exception)
    wrong = par("evaluate", "attributes", tmp_path, "--dataset", "ccp", "--root", tmp_path).exception
    assert isinstance(wrong, BadConfigError)
    assert "takes no folder" in str(wrong)


def test_features_do_not_depend_on_the_batch(weights: Path) -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (18, 40, 20, 3), np.uint8))
    network = LiteFeatures(weights)
    together = network(pictures)
    assert together.shape == (18, 1280)
    assert np.allclose(network(pictures[17:]), together[17:], atol=1e-4)
