"""The weights that come with the package: small, whole, and refused in one line when they are not what they
should be.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.colours import name_pixels
from par_core.errors import WeightsError
from par_core.models.describer import read_answers
from par_core.models.describer_network import ColourNames
from par_core.models.shipped import FILES, FOLDER, shipped_names, shipped_path
from par_core.models.weights import load_state, read_shipped, write_shipped

MEGABYTE = 10**6


def test_all_weights_together_are_small() -> None:
    assert sum((FOLDER / name).stat().st_size for name in shipped_names()) < 50 * MEGABYTE


def test_every_file_with_weights_or_a_network_is_listed() -> None:
    kept = {path.name for path in FOLDER.iterdir() if path.suffix in (".safetensors", ".xml", ".bin", ".gz")}
    assert kept < set(shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_every_file_is_the_one_that_is_listed(name: str) -> None:
    assert shipped_path(name).is_file()


def test_a_changed_byte_a_missing_file_and_a_missing_list_are_refused(tmp_path: Path) -> None:
    name, bare = FILES[2], tmp_path / "bare"
    bare.mkdir()
    shutil.copy(FOLDER / name, bare)
    with pytest.raises(WeightsError, match="SHA256SUMS is missing"):
        read_shipped(name, bare)
    shutil.copy(FOLDER / name, tmp_path)
    shutil.copy(FOLDER / "SHA256SUMS", tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=r"is damaged: .*reinstall") as caught:
        read_shipped(name, tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="is missing; reinstall"):
        read_shipped(FILES[0], tmp_path)


def test_wrong_shapes_are_named(tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    write_shipped(tmp_path, "w.safetensors", {"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}, {})
    with pytest.raises(WeightsError, match=r"holds another network.*weight \(2, 4\) instead of \(2, 3\)"):
        load_state(network, read_shipped("w.safetensors", tmp_path)[0], "w.safetensors")


def test_storage_keeps_weights_to_the_precision_it_states(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = {"table": torch.randn(50, 8), "plain": torch.randn(5), "count": torch.arange(3)}
    write_shipped(tmp_path, "w.safetensors", state, {"names": ["a"]}, int8=("table",))
    tensors, metadata = read_shipped("w.safetensors", tmp_path)
    assert metadata["names"] == '["a"]'
    assert torch.equal(tensors["count"], state["count"])
    assert (tensors["plain"] - state["plain"]).abs().max() < 2e-3
    assert (
        (tensors["table"] - state["table"]).abs().amax(dim=1) <= state["table"].abs().amax(dim=1) / 127
    ).all()


def test_the_describer_names_most_colours_as_the_columns_do() -> None:
    names = ColourNames()
    parts = {
        key.removeprefix("colour_names."): value
        for key, value in read_shipped(FILES[1])[0].items()
        if key.startswith("colour_names.")
    }
    names.load_state_dict(parts)
    pixels = np.random.default_rng(0).integers(0, 256, (20_000, 3)).astype(np.uint8)
    with torch.no_grad():
        said = names.pixel_logits((torch.from_numpy(pixels).float().T[None, :, None] - 127) / 128)[
            0, : len(COLOUR_TERMS), 0
        ].argmax(dim=0)
    # it learned from a naming that called muted colours grey
    assert (said.numpy() == name_pixels(pixels)).mean() > 0.85


def test_every_attribute_has_a_calibration_and_a_threshold() -> None:
    import json

    names = json.loads(read_shipped(FILES[1])[1]["attributes"])
    answers = read_answers(names)
    assert answers.names == tuple(names)
    assert all(scale > 0 for scale in answers.scales)
    assert all(0 < threshold < 1 for threshold in answers.thresholds)
