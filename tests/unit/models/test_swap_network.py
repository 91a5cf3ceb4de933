"""The network of swaps: what it takes from whom."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from par_core.attributes.clothing_parts import PARTS
from par_core.errors import BadConfigError
from par_core.models.swap_network import CODE, SwapNetwork, swapped_codes
from par_core.models.swapper import WEIGHTS, Swapper, as_parts, as_pictures, learned_from, save_swapper

HAIR, UPPER, LOWER, FEET = (PARTS.index(name) for name in ("hair", "upper", "lower", "feet"))


def person(*bands: tuple[str, tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Bands of 20 rows from the top, each of one part and colour."""
    picture, codes = np.full((96, 48, 3), 200, np.uint8), np.zeros((96, 48), np.uint8)
    for number, (part, colour) in enumerate(bands):
        place = np.s_[20 * number : 20 * number + 20, 12:36]
        picture[place], codes[place] = colour, PARTS.index(part)
    return picture, codes


RED, GREEN, BLUE, BLACK = (200, 30, 40), (40, 140, 65), (60, 110, 210), (30, 30, 30)
CLERK = person(("hair", BLACK), ("upper", RED), ("lower", GREEN), ("feet", BLACK))
DRESSED = person(("hair", GREEN), ("upper", BLUE))


def tensors(*people: tuple[np.ndarray, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    parts = as_parts([codes for _, codes in people])
    return as_pictures([picture for picture, _ in people], parts), parts


def test_pictures_have_the_size_of_the_input_and_a_grey_background() -> None:
    network = SwapNetwork().eval()
    pictures, parts = tensors(CLERK, DRESSED)
    with torch.no_grad():
        painted = network(pictures, parts, pictures.flip(0), parts.flip(0))
        answers = network.discriminator(painted, parts)
    assert painted.shape == (2, 3, 96, 48)
    assert [tuple(each.shape) for each in answers] == [(2, 1, 24, 12), (2, 1, 12, 6)]
    assert painted.movedim(1, -1)[parts[:, 0] == 1].unique().tolist() == [0.5]
    sizes = {name: sum(each.numel() for each in part.parameters()) for name, part in network.named_children()}
    assert sum(sizes.values()) - sizes["discriminator"] < 400_000


def test_upper_lower_and_feet_are_lent_and_hair_is_not() -> None:
    _, parts = tensors(CLERK, DRESSED)
    own = torch.zeros(2, len(PARTS), CODE)
    theirs = torch.arange(1.0, len(PARTS) + 1)[None, :, None].expand(2, -1, CODE)
    of_clerk, of_dressed = swapped_codes(own, theirs, parts)[..., 0]
    lent = {UPPER: UPPER + 1, LOWER: LOWER + 1, FEET: FEET + 1}
    assert of_clerk.tolist() == [lent.get(part, 0) for part in range(len(PARTS))]
    # who wears no garment on the legs alone lends the upper one, and no shoes
    assert of_dressed[[UPPER, LOWER, FEET, HAIR]].tolist() == [UPPER + 1, UPPER + 1, 0, 0]


def test_an_untrained_network_begins_with_the_colours_of_who_lends(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_swapper(tmp_path, SwapNetwork().state_dict(), [("an id", "ccp/photos/1.jpg")])
    painted = Swapper(tmp_path)(CLERK, DRESSED)
    assert painted.shape == (96, 48, 3)
    colours = {part: painted[CLERK[1] == part].mean(axis=0) for part in (HAIR, UPPER, LOWER)}
    assert np.abs(colours[UPPER] - BLUE).max() < 60
    assert np.abs(colours[LOWER] - BLUE).max() < 60
    assert np.abs(colours[HAIR] - BLACK).max() < 60
    assert learned_from(tmp_path) == [("an id", "ccp/photos/1.jpg")]


def test_a_folder_that_is_no_run_of_swaps_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match=r"no finished run of par generate swap train"):
        Swapper(tmp_path)
    save_file({"weight": torch.zeros(2)}, tmp_path / WEIGHTS)
    with pytest.raises(BadConfigError, match=r"was not written by par generate swap train"):
        Swapper(tmp_path)
    save_file({"weight": torch.zeros(2)}, tmp_path / WEIGHTS, {"learned_from": "[]"})
    with pytest.raises(BadConfigError, match=r"holds another network"):
        Swapper(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"no tensors at all")
    with pytest.raises(BadConfigError, match=r"or is damaged"):
        Swapper(tmp_path)
