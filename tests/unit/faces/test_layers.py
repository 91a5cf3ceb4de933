"""Layers with TensorFlow's padding and resizing, by values worked out by hand."""

import numpy as np
import pytest

from par_core.errors import WeightsError
from par_core.faces.age_gender import AgeGender
from par_core.faces.graph import conv, depthwise, network
from par_core.faces.pixels import padded_to_square, resized
from par_core.faces.ssd import SsdDetector


def channel(values: list[list[int]]) -> np.ndarray:
    """A picture (1, h, w, 3) whose first channel has these values."""
    picture = np.zeros((1, len(values), len(values[0]), 3), np.float32)
    picture[0, :, :, 0] = values
    return picture


def test_same_padding_puts_the_odd_pixel_right_and_below() -> None:
    filters = np.zeros((3, 3, 3, 1), np.float32)
    filters[0, 0, 0, 0], filters[2, 2, 0, 0] = 1, 10  # the corner before, and the one behind
    picture = channel([[row * 4 + column + 1 for column in range(4)] for row in range(4)])
    (one,) = network(4, lambda x: (conv(x, filters, np.array([0.5], np.float32), 2),))(picture)
    # of four pixels every second one: a window over pixels 0 to 2, and one over 2 to 4, of which 4 is padding
    assert one[0, 0].tolist() == [[1 + 110.5, 3 + 0.5], [9 + 0.5, 11 + 0.5]]


def test_a_depthwise_convolution_mixes_no_channels() -> None:
    filters = np.zeros((1, 1, 3, 1), np.float32)
    filters[0, 0, :, 0] = [2, 3, 4]
    picture = np.ones((1, 2, 2, 3), np.float32)
    (out,) = network(2, lambda x: (depthwise(x, filters),))(picture)
    assert out[0, :, 0, 0].tolist() == [2, 3, 4]


def test_pictures_are_resized_as_tensorflow_js_does() -> None:
    row = np.zeros((2, 2, 3), np.uint8)
    row[:, 1] = 100
    assert resized(row, 4)[0, :, 0].tolist() == [0, 50, 100, 100], "pixel i lies at i * 2 / 4"
    wide = np.tile(np.arange(6, dtype=np.uint8)[None, :, None], (6, 1, 3))
    assert resized(wide, 4)[0, :, 1].tolist() == [0, 1.5, 3, 4.5]


def test_a_face_is_padded_to_a_square_around_its_middle() -> None:
    face = np.full((5, 2, 3), 9, np.uint8)
    assert padded_to_square(face, centred=True)[0, :, 0].tolist() == [0, 9, 9, 0, 0]
    assert padded_to_square(face, centred=False)[0, :, 0].tolist() == [9, 9, 0, 0, 0]
    lying = padded_to_square(face.transpose(1, 0, 2), centred=True)
    assert lying[:, 0, 0].tolist() == [0, 9, 9, 0, 0]


def test_weights_of_another_network_are_refused_by_the_tensor_that_is_missing() -> None:
    with pytest.raises(WeightsError, match="entry_flow/conv_in/filters"):
        AgeGender({"dense0/conv0/filters": np.zeros(1, np.float32)})
    with pytest.raises(WeightsError, match="MobilenetV1/Conv2d_0"):
        SsdDetector({})
