"""Networks that pad by fixed widths give the answers of those that pad as TensorFlow does, on even sides."""

import numpy as np
import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import nn

from par_core.models.conversion import for_even_sides
from par_core.models.describer import typical_input
from par_core.models.detector import examples
from par_core.models.shipped import FILES
from par_core.models.shipped_networks import read_network


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("sides", [(32, 32), (2, 64), (6, 10)])
def test_the_answers_are_equal_on_even_sides(kernel: int, sides: tuple[int, int]) -> None:
    torch.manual_seed(0)
    same = nn.Sequential(Conv2dSame(4, 6, kernel, stride=2, groups=2), nn.ReLU())
    pictures = torch.randn(2, 4, *sides)
    fixed = for_even_sides(same)
    assert not any(isinstance(module, Conv2dSame) for module in fixed.modules())
    assert isinstance(same[0], Conv2dSame)  # the module itself is as it was
    assert torch.equal(fixed(pictures), same(pictures))


def test_a_stride_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="stride of 2"):
        for_even_sides(nn.Sequential(Conv2dSame(4, 6, 3, stride=1)))


@pytest.mark.parametrize(
    ("name", "weights"), [("segmenter-compact.features", FILES[0]), ("describer-compact", FILES[1])]
)
def test_the_shipped_networks_compute_no_padding(name: str, weights: str) -> None:
    kinds = {node.get_type_name() for node in read_network(name, weights).get_ops()}
    assert "Convolution" in kinds
    assert "Pad" not in kinds


def test_what_the_networks_see_has_even_sides() -> None:
    pictures, *_ = examples(128)
    for picture in (*pictures, typical_input()):
        assert np.array(picture.shape[2:]).tolist() == [side // 32 * 32 for side in picture.shape[2:]]
