"""Swaps: both people stand in every row, go with either, and say only what their pictures show."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.attributes.clothing_parts import PARTS, part_codes
from par_core.datasets.merged_labels import labelled_people
from par_core.errors import BadConfigError
from par_core.ids import image_id
from par_core.made.erasing import erase_copies
from par_core.made.folder import MadeFolder, ids_of
from par_core.made.garments import garments, read_dressed
from par_core.made.marking import is_marked
from par_core.made.swap_view import put_back, view_of
from par_core.models.swap_network import SwapNetwork
from par_core.models.swapper import save_swapper
from tests.dressed import Outfit, small_ccp

OUTFITS: list[Outfit] = [
    ("coat", "red", "pants", "black"),
    ("blouse", "green", "jeans", "blue"),
    ("sweater", "yellow", "skirt", "red"),
    ("t-shirt", "white", "pants", "green"),
    ("dress", "blue", "dress", "blue"),
]


def generate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["generate", *map(str, arguments)])


def apply(root: Path, out: Path, *more: object) -> Result:
    arguments = ("--root", root, "--out", out, "--n", 36, "--workers", 1, "-q")
    return generate("swap", "apply", root / "run", *arguments, *more)


def files(folder: Path) -> dict[str, bytes]:
    """The content of a folder, but for what names the command."""
    named = (".lock", "manifest.json", "workers.log")
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in named)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def run_of(root: Path) -> None:
    """A run whose network has learned nothing yet: it paints each part in the mean colour of the lender's."""
    photos = sorted((root / "ccp" / "photos").iterdir())
    people = [(image_id(photo.read_bytes()), f"ccp/photos/{photo.name}") for photo in photos[:-1]]
    (root / "run").mkdir()
    torch.manual_seed(0)
    network = SwapNetwork()
    with torch.no_grad():
        network.generator.last.weight.mul_(0.1)
        network.generator.last.bias.zero_()
    save_swapper(root / "run", network.state_dict(), people)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("once")
    small_ccp(root, [*OUTFITS, OUTFITS[0]])
    run_of(root)
    done = apply(root, root / "made")
    assert done.exit_code == 0, done.exception
    return root


@pytest.fixture
def made(once: Path, tmp_path: Path) -> MadeFolder:
    """A copy of everything, in the test's own folder."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    plan = tmp_path / "made" / "plan.json"
    plan.write_text(plan.read_text().replace(str(once), str(tmp_path)))
    return MadeFolder.open(tmp_path / "made")


def test_a_row_names_both_people_and_what_its_picture_shows(made: MadeFolder, tmp_path: Path) -> None:
    people = {image_id(each.image.read_bytes()): each for each in labelled_people("ccp", tmp_path)}
    lent = set()
    assert len(made.people) >= 25
    for row in made.people:
        assert row.of == row.sources[0] != row.sources[1]
        assert row.files == tuple(people[each].image.relative_to(tmp_path).as_posix() for each in row.sources)
        own, lender = read_dressed(people[row.of]), people[row.sources[1]]
        assert own is not None
        assert is_marked((made.folder / row.picture).read_bytes())
        picture = np.asarray(Image.open(made.folder / row.picture))
        assert (np.asarray(Image.open(made.folder / str(row.map))) == own.regions).all()
        seen = {each.attribute: each.sure_colour for each in garments(picture, own.regions)}
        worn = dict(lender.colours)
        for name, colour in row.colours.items():
            assert seen[name] == colour
            if name != "hat":
                assert colour in worn.values()
                lent.add(colour)
        assert row.upper or row.lower
        if "jeans" in row.labels and row.labels["jeans"] == 1:  # the word tells a colour
            assert seen["jeans"] == "blue"
        else:
            assert ("jeans" in row.labels) == ("jeans" not in row.changed)
    assert {"red", "green", "yellow", "blue", "white"} <= lent


def test_two_runs_are_equal_to_the_byte_and_another_seed_differs(made: MadeFolder, tmp_path: Path) -> None:
    assert apply(tmp_path, tmp_path / "again").exit_code == 0
    assert apply(tmp_path, tmp_path / "other", "--seed", 1).exit_code == 0
    first, again, other = (files(tmp_path / name) for name in ("made", "again", "other"))
    assert first == again
    assert first["people.parquet"] != other["people.parquet"]


def test_a_shard_that_is_missing_is_made_again_alone(made: MadeFolder, tmp_path: Path) -> None:
    from par_core.made.plan import MakingPlan
    from tasks.making import make_shard

    plan = MakingPlan.open(made.folder)
    out = tmp_path / "parts"
    begun = MakingPlan(
        out, plan.kind, plan.settings, plan.dataset, plan.root, plan.seed, plan.sources, plan.items
    )
    begun.write()
    make_shard(str(out), 1)
    assert apply(tmp_path, out).exit_code == 0
    assert files(out) == files(made.folder)


def test_every_garment_that_was_tried_is_counted(made: MadeFolder) -> None:
    counts = made.manifest
    assert counts["tried"] == counts["kept"] + sum(counts["refused"].values())
    assert counts["kept"] == sum((row.upper is not None) + (row.lower is not None) for row in made.people)
    assert counts["kept"] / counts["tried"] > 0.7
    assert counts["sources"] == 5


def test_it_is_trained_on_only_where_everybody_of_the_network_is(made: MadeFolder, tmp_path: Path) -> None:
    photos = sorted((tmp_path / "ccp" / "photos").iterdir())
    assert len(made.allowed(ids_of(photos))) == len(made.people)
    assert len(made.allowed(ids_of(photos[:-1]))) == len(made.people)
    assert made.allowed(ids_of(photos[1:])) == []


def test_a_swap_goes_with_either_person(made: MadeFolder, tmp_path: Path) -> None:
    gone = made.people[0].sources[1]
    concerned = [row for row in made.people if gone in row.sources]
    assert {row.of == gone for row in concerned} == {True, False}
    [photo] = [path for path in (tmp_path / "ccp/photos").iterdir() if image_id(path.read_bytes()) == gone]
    photo.unlink()
    assert f"{len(concerned)} made people erased" in generate("prune", made.folder).output
    left = MadeFolder.open(made.folder)
    assert not any(gone in row.sources for row in left.people)
    for content in files(made.folder).values():
        assert gone.encode() not in content
        assert photo.name.encode() not in content
    assert erase_copies(made.folder, lambda image, _: image == gone) == 0


def test_the_photograph_keeps_its_pixels_where_nothing_is_swapped(tmp_path: Path) -> None:
    small_ccp(tmp_path, OUTFITS[:1])
    dressed = read_dressed(labelled_people("ccp", tmp_path)[0])
    assert dressed is not None
    view = view_of(dressed)
    painted = np.full((96, 48, 3), (20.0, 20.0, 220.0), np.float32)
    changed = put_back(dressed, view, painted, ["upper"])
    upper = part_codes()[dressed.regions] == PARTS.index("upper")
    near = np.asarray(Image.fromarray(upper).resize(upper.shape[::-1])) | upper
    for shift in (-1, 1):
        near |= np.roll(upper, shift, 0) | np.roll(upper, shift, 1)
        near |= np.roll(np.roll(upper, shift, 0), 1, 1) | np.roll(np.roll(upper, shift, 0), -1, 1)
    assert (changed[~near] == dressed.picture[~near]).all()
    assert np.abs(changed[upper].mean(axis=0) - (20, 20, 220)).max() < 25
    # the noise of the photograph is still there
    assert changed[60:110, 45:75].std(axis=(0, 1)).max() > 1


def test_what_does_not_go_together_is_named(once: Path, tmp_path: Path) -> None:
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    result = generate("swap", "apply", tmp_path, "--root", tmp_path, "--out", tmp_path / "x")
    assert isinstance(result.exception, BadConfigError)
    assert "no finished run of par generate swap train" in str(result.exception)
    photo = tmp_path / "ccp/photos/0002.jpg"
    Image.new("RGB", (120, 240)).save(photo)
    result = apply(tmp_path, tmp_path / "y")
    assert "1 of 5 people whom" in str(result.exception)
    assert "train again" in str(result.exception)
    result = apply(tmp_path / "nowhere", tmp_path / "z")
    assert isinstance(result.exception, BadConfigError)


def test_another_network_does_not_go_on_with_a_folder(once: Path, tmp_path: Path) -> None:
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    people = [(each, name) for each, name in json.loads((tmp_path / "made/plan.json").read_text())["sources"]]
    torch.manual_seed(1)
    save_swapper(tmp_path / "run", SwapNetwork().state_dict(), people)
    result = apply(tmp_path, tmp_path / "made")
    assert "(settings, root differ)" in str(result.exception)
