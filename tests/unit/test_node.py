"""A node's own settings, and what it says that it has."""

import os
from pathlib import Path

import pytest

from par_core import node
from par_core.config import RunConfig, load_config
from par_core.errors import BadConfigError
from par_core.node import node_has, on_this_node


def test_what_a_node_sets_comes_before_the_settings_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(machine={"batch_size": 32, "device": "cuda"}, segment={"min_score": 0.5})
    assert on_this_node(config) is config
    monkeypatch.setenv("PAR_NODE__BATCH_SIZE", "4")
    monkeypatch.setenv("PAR_NODE__CUDA_MEMORY_SHARE", "0.5")
    monkeypatch.setenv("PAR_NODE__DEVICE", "")  # as in a file of systemd that leaves it open
    here = on_this_node(config)
    assert (here.machine.batch_size, here.machine.cuda_memory_share, here.machine.device) == (4, 0.5, "cuda")
    assert here.segment == config.segment


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "PAR_NODE__BATCH",
            "4",
            "no setting of a node is named PAR_NODE__BATCH; there are: PAR_NODE__BATCH_SIZE",
        ),
        ("PAR_NODE__BATCH_SIZE", "0", r"PAR_NODE__BATCH_SIZE: .* greater than or equal to 1 \(got '0'\)"),
        ("PAR_NODE__CUDA_MEMORY_SHARE", "1.5", "PAR_NODE__CUDA_MEMORY_SHARE: .* less than or equal to 1"),
    ],
)
def test_a_wrong_setting_of_a_node_is_named(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfigError, match=said):
        on_this_node(RunConfig())


def test_a_node_says_what_this_process_may_use() -> None:
    cores = len(os.sched_getaffinity(0))
    assert node_has().startswith(f"{cores} core")
    assert " GB" in node_has()


@pytest.mark.parametrize(
    ("models", "visible", "said"),
    [
        ([], None, "no CUDA device"),
        (["NVIDIA H200"], None, "NVIDIA H200"),
        (["NVIDIA H200", "NVIDIA H200"], None, "2 x NVIDIA H200"),
        (["NVIDIA H200", "NVIDIA H200"], "1", "NVIDIA H200"),
        (["NVIDIA H200", "NVIDIA H200"], "", "no CUDA device"),
        (["NVIDIA H200", "NVIDIA H200"], "-1", "no CUDA device"),
        (["NVIDIA L4", "NVIDIA T4"], None, "NVIDIA L4 + NVIDIA T4"),
        (["NVIDIA L4", "NVIDIA T4"], "0", "CUDA device"),  # which of them, only CUDA knows
    ],
)
def test_devices_are_named_as_the_driver_names_them(
    models: list[str], visible: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, model in enumerate(models):
        folder = tmp_path / f"0000:{number:02}:00.0"
        folder.mkdir()
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 10\n")
    monkeypatch.setattr(node, "_DRIVER", tmp_path)
    monkeypatch.setattr(node, "cuda_devices", lambda: 0)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert node_has().rpartition("GB, ")[2] == said
