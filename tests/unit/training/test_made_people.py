"""Training beside made people: only those made of training people, as often as is said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.datasets.merged_labels import NAMES, labelled_people
from par_core.datasets.outlines import Photo, outlined_photos, read_photo
from par_core.errors import BadConfigError
from par_core.made.folder import MadeFolder
from par_core.training.cutouts import training_cutout
from par_core.training.describer_losses import coverage
from par_core.training.made_people import NOBODY, made_photos, read_made
from tests.dressed import small_ccp


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ccp")
    small_ccp(root)
    arguments = ["generate", "recolour", "--root", str(root), "--out", str(root / "made"), "--workers", "1"]
    assert CliRunner().invoke(app, [*arguments, "-q"]).exit_code == 0
    return root


def test_copies_of_people_outside_of_the_training_part_are_dropped(root: Path) -> None:
    train = labelled_people("ccp", root)[:3]
    made = read_made(root / "made", 0.5, train, NAMES)
    everybody = MadeFolder.open(root / "made").people
    of_training = [row for row in everybody if Path(row.files[0]).name != "0004.jpg"]
    assert len(made.people) == len(of_training)
    assert made.dropped == len(everybody) - len(of_training) > 0
    assert made.share == pytest.approx(0.5 * len(of_training) / (3 + 0.5 * len(of_training)))
    with pytest.raises(BadConfigError, match="of the training part alone"):
        read_made(root / "made", 0.5, [], NAMES)


def test_a_batch_holds_them_by_their_share_and_stays_as_it_is_without(root: Path) -> None:
    train = labelled_people("ccp", root)
    made = read_made(root / "made", 1.0, train, NAMES)
    batch = made.mix(train * 250, np.random.default_rng(0))
    share = sum(person.source == "made" for person in batch) / len(batch)
    assert share == pytest.approx(made.share, abs=0.05)
    rng = np.random.default_rng(0)
    assert NOBODY.mix(train, rng) == train
    assert rng.integers(1000) == np.random.default_rng(0).integers(1000)
    assert read_made(None, 0.5, train, NAMES) is NOBODY


def test_a_made_person_is_cut_out_with_the_regions_of_its_attributes(root: Path) -> None:
    made = read_made(root / "made", 1.0, labelled_people("ccp", root), NAMES)
    cutout = training_cutout(made.people[0], np.random.default_rng(0), eliminate=True)
    assert cutout.regions is not None
    shown = coverage(cutout).numpy()
    assert shown[NAMES.index("coat_or_jacket")].sum() > 0
    assert shown[NAMES.index("dress")].sum() == 0
    assert cutout.regions.max() <= len(NAMES)


def test_a_segmenter_learns_from_scenes_of_training_photographs_alone(root: Path) -> None:
    (root / "scenes").mkdir()
    Image.new("RGB", (300, 240), (90, 120, 90)).save(root / "scenes" / "empty.png")
    arguments = ["--root", root, "--scenes", root / "scenes", "--out", root / "street", "--n", "12"]
    arguments += ["--people", "1-2", "--workers", "1", "-q"]
    assert CliRunner().invoke(app, ["generate", "composite", *map(str, arguments)]).exit_code == 0
    people = [Photo("ccp", photo.image, photo.labels) for photo in outlined_photos("ccp", root)]
    empty = Photo("empty", root / "scenes" / "empty.png", None)
    everything = made_photos(root / "street", {"ccp": people, "empty": [empty]})
    assert len(everything) == 12
    assert read_photo(everything[0])[1].max() >= 1
    fewer = made_photos(root / "street", {"ccp": people[:3], "empty": [empty]})
    rows = MadeFolder.open(root / "street").people
    with_others = {row.scene_picture for row in rows if any("0004" in file for file in row.files)}
    assert {f"pictures/{photo.image.name}" for photo in everything} - with_others == {
        f"pictures/{photo.image.name}" for photo in fewer
    }
    with pytest.raises(BadConfigError, match="training photographs alone"):
        made_photos(root / "street", {"ccp": people})
