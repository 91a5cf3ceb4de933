"""``par generate swap`` from training to an evaluation, killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import timm
import torch
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.errors import BadConfigError
from par_core.models.shipped import file_digest
from tests.dressed import OUTFITS, small_ccp


@pytest.mark.timeout(300)
def test_a_killed_training_goes_on_to_the_same_weights_and_its_pictures_are_evaluated(tmp_path: Path) -> None:
    small_ccp(tmp_path, [OUTFITS[i % 4] for i in range(24)])
    recipe = ["--steps", "4", "--batch", "2", "--save-every", "1", "--seed", "3", "-q"]
    command = ["generate", "swap", "train", "--root", str(tmp_path), *recipe, "--out"]
    code = "from flows.cli.main import main; main()"
    run = subprocess.Popen(
        [sys.executable, "-P", "-c", code, *command, str(tmp_path / "parts")], env=os.environ.copy()
    )
    ends = time.monotonic() + 120
    while not (tmp_path / "parts/checkpoint.pt").exists() and time.monotonic() < ends:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "parts/swap.safetensors").exists()
    for out in ("parts", "whole"):
        done = CliRunner().invoke(app, [*command, str(tmp_path / out)])
        assert done.exit_code == 0, done.exception
        assert "l1_self" in done.output
    assert file_digest(tmp_path / "parts/swap.safetensors") == file_digest(
        tmp_path / "whole/swap.safetensors"
    )
    report = json.loads((tmp_path / "whole/report.json").read_text())
    assert report["steps_done"] == 4
    assert report["sizes"]["train"] + report["sizes"]["held out"] == 24
    assert (tmp_path / "whole/curve.png").is_file()
    assert "swap, trained on ccp" in (tmp_path / "whole/card.md").read_text()

    made, reports = tmp_path / "made", tmp_path / "reports"
    arguments = ["--root", str(tmp_path), "--out", str(made), "--n", "24", "--workers", "1"]
    done = CliRunner().invoke(app, ["generate", "swap", "apply", str(tmp_path / "whole"), *arguments])
    assert done.exit_code == 0, done.exception
    assert "tries kept" in done.output
    start = tmp_path / "lite2.pth"
    torch.save(timm.create_model("tf_efficientnet_lite2", pretrained=False).state_dict(), start)
    evaluate = ["evaluate", "made", str(made), "--root", str(tmp_path), "--start", str(start)]
    evaluate += ["--people", "100%", "--seeds", "0,1", "--budget", "3", "--profile", "fake"]
    done = CliRunner().invoke(app, [*evaluate, "--out", str(reports)])
    assert done.exit_code == 0, done.exception
    assert "Made data (swap) on ccp" in (reports / "report.html").read_text()


def test_hours_and_steps_together_are_refused(tmp_path: Path) -> None:
    command = ["generate", "swap", "train", "--root", str(tmp_path), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*command, "--hours", "1", "--steps", "5"])
    assert isinstance(done.exception, BadConfigError)
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, BadConfigError)
    assert "ccp" in str(done.exception)
