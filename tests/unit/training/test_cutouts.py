"""Cut-outs for training: what is known of each pixel goes where the pixel goes, and the losses that use it
ask for the right thing.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.datasets.merged_labels import NAMES, LabelledPerson, attribute_regions
from par_core.models.describer_network import GRID
from par_core.training.cutouts import Cutout, Framing, evaluation_cutout, training_cutout, visible
from par_core.training.describer_losses import colour_loss, colours_of, coverage, looking_loss
from tests.pictures import save

LABELS = (
    "null",
    "hair",
    "skin",
    *dict.fromkeys(label for attribute in ATTRIBUTES for label in attribute.ccp),
)
HAT, DRESS = NAMES.index("hat"), NAMES.index("dress")


@pytest.fixture
def person(tmp_path: Path) -> LabelledPerson:
    """A person with a blue hat and a red dress on green ground, whose every pixel is labelled."""
    picture, labels = np.full((200, 120, 3), (40, 140, 65), np.uint8), np.zeros((200, 120), np.uint8)
    for rows, label, colour in (
        (np.s_[20:50], "hat", (30, 60, 165)),
        (np.s_[50:180], "dress", (220, 20, 40)),
    ):
        picture[rows, 40:90], labels[rows, 40:90] = colour, LABELS.index(label)
    scipy.io.savemat(tmp_path / "label_list.mat", {"label_list": np.array([LABELS], dtype=object)})
    label_map = tmp_path / "annotations" / "pixel-level" / "0001.mat"
    label_map.parent.mkdir(parents=True)
    scipy.io.savemat(label_map, {"groundtruth": labels})
    known = tuple(float(name in ("hat", "dress")) for name in NAMES)
    return LabelledPerson(
        "ccp-pixels",
        save(tmp_path / "photos" / "0001.png", picture),
        label_map,
        known,
        (1.0,) * len(NAMES),
        (("hat", "blue"), ("dress", "red")),
    )


def test_regions_name_the_attribute_that_shows(person: LabelledPerson) -> None:
    regions = attribute_regions(person)
    assert regions is not None
    assert np.unique(regions[20:50, 40:90]).tolist() == [1 + HAT]
    assert np.unique(regions[50:180, 40:90]).tolist() == [1 + DRESS]
    assert not regions[:20].any()
    assert attribute_regions(replace(person, label_map=None)) is None


def test_regions_follow_the_picture_through_every_variation(person: LabelledPerson) -> None:
    shapes = set()
    for seed in range(40):
        cutout = training_cutout(person, np.random.default_rng(seed))
        assert cutout.regions is not None
        rows, columns = cutout.regions.shape
        picture = cutout.picture[
            (np.arange(rows) * cutout.picture.shape[0] // rows)[:, None],
            (np.arange(columns) * cutout.picture.shape[1] // columns),
        ]
        strongest = picture.argmax(axis=2)
        # the rest is noise, edges, and what is put in front
        assert (strongest[cutout.regions == 1 + HAT] == 2).mean() > 0.75
        assert (strongest[cutout.regions == 1 + DRESS] == 0).mean() > 0.75
        shapes.add(cutout.regions.shape)
    assert len(shapes) > 5


def test_coverage_is_the_share_of_each_cell() -> None:
    regions = np.zeros((448, 224), np.uint8)
    regions[:16, :16], regions[16:24, :16] = 1 + HAT, 1 + DRESS
    covered = coverage(Cutout(np.zeros((448, 224, 3), np.uint8), regions)).unflatten(1, GRID)
    assert covered[HAT, 0, 0] == 1
    assert covered[DRESS, 1, 0] == 0.5
    assert covered.sum() == 1.5
    assert coverage(Cutout(np.zeros((448, 224, 3), np.uint8), None)).sum() == 0


def test_looking_elsewhere_costs_and_what_does_not_show_is_not_asked_for() -> None:
    shown = torch.zeros(1, len(NAMES), GRID[0] * GRID[1])
    shown[0, HAT, 3] = 0.4
    at_place, elsewhere = torch.zeros_like(shown), torch.zeros_like(shown)
    at_place[..., 3], elsewhere[..., 4] = 1, 1
    assert looking_loss(at_place, shown) < 1e-3
    assert looking_loss(elsewhere, shown) > 5
    assert looking_loss(elsewhere, torch.zeros_like(shown)) == 0


def test_another_colour_than_the_garments_costs(person: LabelledPerson) -> None:
    places = torch.from_numpy(colours_of([person]))
    assert places[0, HAT] == COLOUR_TERMS.index("blue")
    assert (places == -1).sum() == len(NAMES) - 2
    right, wrong = (torch.zeros(1, len(NAMES), len(COLOUR_TERMS) + 1) for _ in range(2))
    right[0, HAT, COLOUR_TERMS.index("blue")] = right[0, DRESS, COLOUR_TERMS.index("red")] = 1
    wrong[0, :, COLOUR_TERMS.index("green")] = 1
    assert colour_loss(right, places) < 0.01
    assert colour_loss(wrong, places) > 3
    assert colour_loss(wrong, torch.full_like(places, -1)) == 0


def test_what_a_picture_cut_below_does_not_show_is_unknown(person: LabelledPerson) -> None:
    dressed = replace(person, labels=(1.0,) * len(NAMES), colours=(("hat", "blue"), ("boots", "black")))

    def known(shown: float) -> set[str]:
        cutout = Cutout(np.zeros((20, 10, 3), np.uint8), None, shown)
        labels = visible(dressed, cutout).labels
        return {name for name, label in zip(NAMES, labels, strict=True) if not np.isnan(label)}

    feet, legs = {"stockings", "boots", "sandals", "heels"}, {"skirt", "trousers", "jeans", "shorts"}
    assert known(1.0) == set(NAMES)
    assert known(0.8) == set(NAMES) - feet
    assert known(0.4) == set(NAMES) - feet - legs
    half = visible(dressed, Cutout(np.zeros((20, 10, 3), np.uint8), None, 0.5))
    assert half.colours == (("hat", "blue"),)


def test_a_recipe_decides_how_often_and_how_far_pictures_are_cut(person: LabelledPerson) -> None:
    cut = Framing(often=1.0, least=0.25)
    shown = [training_cutout(person, np.random.default_rng(seed), framing=cut).shown for seed in range(40)]
    assert 0.25 <= min(shown) < 0.35
    assert 0.85 < max(shown) <= 0.95
    uncut = Framing(often=0.0, least=0.25)
    assert training_cutout(person, np.random.default_rng(0), framing=uncut).shown == 1.0


def test_close_portraits_are_cut_out_again_around_what_is_left(person: LabelledPerson) -> None:
    narrow = replace(person, labels=(1.0,) * len(NAMES))
    wide = scipy.io.loadmat(person.label_map)["groundtruth"]  # arms and a bag below the hat
    wide[100:180, 5:115] = LABELS.index("dress")
    scipy.io.savemat(person.label_map, {"groundtruth": wide})
    widths: dict[bool, list[float]] = {}  # in heights of the whole person
    for close in (False, True):
        framing = Framing(often=1.0, least=0.2, close=close)
        cut = [training_cutout(narrow, np.random.default_rng(seed), framing=framing) for seed in range(60)]
        widths[close] = [c.shown * c.picture.shape[1] / c.picture.shape[0] for c in cut if c.shown < 0.4]
        assert all(c.regions is not None and (c.regions == 1 + HAT).any() for c in cut)
    assert min(widths[False]) > 0.55, "as wide as the whole person"
    assert np.median(widths[True]) < 0.75 * np.median(widths[False])
    assert len(widths[True]) > len(widths[False]), "more of them are portraits"


def test_what_a_close_portrait_may_hide_is_unknown(person: LabelledPerson) -> None:
    dressed = replace(person, labels=(1.0,) * len(NAMES))
    framing = Framing(often=1.0, least=0.2, close=True)
    for seed in range(60):
        cutout = training_cutout(dressed, np.random.default_rng(seed), framing=framing)
        labels = visible(dressed, cutout).labels
        known = {name for name, label in zip(NAMES, labels, strict=True) if not np.isnan(label)}
        assert ("dress" in known) == (cutout.shown >= 0.6)
        assert ("sweater" in known) == (cutout.shown >= 0.3)
        assert {"female", "hat", "glasses", "scarf"} <= known


def test_of_a_picture_in_grey_no_colour_is_known(person: LabelledPerson) -> None:
    drawn = [
        training_cutout(person, np.random.default_rng(s), framing=Framing(0.0, 0.5, grey=0.5))
        for s in range(40)
    ]
    grey = [cutout for cutout in drawn if cutout.grey]
    assert 8 < len(grey) < 32
    for cutout in drawn:
        colours = visible(person, cutout).colours
        assert colours == (() if cutout.grey else person.colours)
    means = [cutout.picture.mean(axis=(0, 1)) for cutout in grey]
    assert all(np.ptp(mean) < 6 for mean in means), "but for noise and something in front"
    assert visible(person, grey[0]).labels == person.labels
    crops = replace(person, source="mit")
    assert not any(
        training_cutout(crops, np.random.default_rng(s), framing=Framing(0.0, 0.5, grey=1.0)).grey
        for s in range(9)
    )


def test_a_portrait_to_score_on_shows_the_head_and_can_be_in_grey(person: LabelledPerson) -> None:
    whole = evaluation_cutout(person, eliminate=True)
    portrait = evaluation_cutout(person, eliminate=True, shown=0.2)
    assert whole.shape[0] > 160
    assert portrait.shape[0] == 34, "32 rows of the hat, and a margin above"
    assert portrait.shape[1] == whole.shape[1], "hat and dress are as wide"
    middle = portrait[5:30, 10:-10].reshape(-1, 3)
    assert (middle.argmax(axis=1) == 2).mean() > 0.9, "blue, as the hat is"
    grey = evaluation_cutout(person, eliminate=True, shown=0.2, grey=True)
    assert grey.shape == portrait.shape
    assert np.ptp(grey, axis=2).max() == 0
    without = replace(person, label_map=None)
    assert evaluation_cutout(without, eliminate=True, shown=0.2).shape == (200, 120, 3)
