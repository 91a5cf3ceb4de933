"""Folders of made pictures: the same from one seed, marked, and only for those who may be trained on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.datasets.merged_labels import NAMES, attribute_regions, labels_of
from par_core.errors import BadConfigError, StoreError
from par_core.ids import image_id
from par_core.made.erasing import erase_copies
from par_core.made.folder import MadeFolder, as_labelled, ids_of
from par_core.made.garments import garments
from par_core.made.marking import SOURCE_TYPE, is_marked, marked_jpeg
from par_core.made.plan import MakingPlan
from tests.dressed import OUTFITS, small_ccp


def generate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["generate", *map(str, arguments)])


def recolour(root: Path, out: Path, *more: object) -> Result:
    return generate("recolour", "--root", root, "--out", out, "--workers", 1, "-q", *more)


def files(folder: Path) -> dict[str, bytes]:
    """The content of a folder, but for what names the command."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", "manifest.json", "workers.log")
    }


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("once")
    small_ccp(root)
    assert recolour(root, root / "made").exit_code == 0
    return root


@pytest.fixture
def made(once: Path, tmp_path: Path) -> MadeFolder:
    """A copy of the data set and of the pictures made of it, in the test's own folder."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    plan = tmp_path / "made" / "plan.json"
    plan.write_text(plan.read_text().replace(str(once), str(tmp_path)))
    return MadeFolder.open(tmp_path / "made")


def test_two_runs_of_a_seed_are_equal_to_the_byte_and_another_seed_differs(
    made: MadeFolder, tmp_path: Path
) -> None:
    recolour(tmp_path, tmp_path / "again")
    recolour(tmp_path, tmp_path / "other", "--seed", 1)
    first, again, other = (files(tmp_path / name) for name in ("made", "again", "other"))
    assert first == again
    assert first["people.parquet"] != other["people.parquet"]


def test_a_row_says_what_its_picture_shows(made: MadeFolder, tmp_path: Path) -> None:
    sources = {image_id(path.read_bytes()): path for path in (tmp_path / "ccp" / "photos").iterdir()}
    assert len(made.people) >= 12
    for row in made.people:
        [person] = as_labelled(made.folder, [row], NAMES, 0.5)
        picture, regions = np.asarray(Image.open(person.image)), attribute_regions(person)
        assert regions is not None
        seen = {each.attribute: each.sure_colour for each in garments(picture, regions)}
        assert {name: colour for name, colour in seen.items() if colour} == row.colours
        for attribute, change in row.changed.items():
            assert change.split(" > ")[1] == seen[attribute]
        assert (row.upper, row.lower) == (next(seen[n] for n in seen if n in UPPER_ONES), seen[lower(seen)])
        assert sources[row.of].name == Path(row.files[0]).name
        assert set(person.weights) == {0.5}
        number = int(sources[row.of].stem) - 1
        worn = {"coat": "coat_or_jacket", "blouse": "shirt_or_blouse", "t-shirt": "top_or_tshirt"}
        upper = OUTFITS[number][0]
        assert row.labels[worn.get(upper, upper)] == 1
        assert np.isnan(person.labels[NAMES.index("front")])


UPPER_ONES = {"coat_or_jacket", "shirt_or_blouse", "top_or_tshirt", "sweater"}


def lower(seen: dict[str, str | None]) -> str:
    return next(name for name in seen if name in ("trousers", "jeans", "skirt"))


def test_pictures_and_folder_say_that_they_are_made(made: MadeFolder) -> None:
    for row in made.people:
        content = (made.folder / row.picture).read_bytes()
        assert is_marked(content)
        with Image.open(made.folder / row.picture) as picture:
            packet = ElementTree.fromstring(picture.info["xmp"])
            assert "algorithmicMedia" in picture.getexif()[0x010E]
        namespace = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
        assert packet.findtext(f".//{namespace}DigitalSourceType") == SOURCE_TYPE
    assert "made, not taken" in (made.folder / "README.txt").read_text()
    assert made.manifest["digital_source_type"] == SOURCE_TYPE
    assert not is_marked(Image.new("RGB", (4, 4)).tobytes())
    assert marked_jpeg(np.zeros((4, 4, 3), np.uint8), "x") == marked_jpeg(np.zeros((4, 4, 3), np.uint8), "x")


def test_the_manifest_counts_every_try(made: MadeFolder) -> None:
    counts = made.manifest
    assert counts["tried"] == counts["kept"] + sum(counts["refused"].values())
    assert counts["kept"] == sum(len(row.changed) for row in made.people)
    assert counts["people"] == len(made.people) == len(list((made.folder / "pictures").iterdir()))
    assert counts["sources"] == 4


def test_only_copies_of_training_people_may_be_trained_on(made: MadeFolder, tmp_path: Path) -> None:
    photos = sorted((tmp_path / "ccp" / "photos").iterdir())
    training = ids_of(photos[:2])
    allowed = made.allowed(training)
    assert {row.of for row in allowed} == training
    assert len(allowed) < len(made.people)
    assert made.allowed(frozenset()) == []
    assert labels_of(as_labelled(made.folder, allowed, ("hat", "unheard_of"))).shape == (len(allowed), 2)


def test_a_killed_run_goes_on_to_the_same_files(made: MadeFolder, tmp_path: Path) -> None:
    outfits = [OUTFITS[i % 4] for i in range(44)]  # two shards, the second of twelve
    small_ccp(tmp_path / "many", outfits)
    arguments = ["generate", "recolour", "--root", str(tmp_path / "many"), "--workers", "1"]
    arguments += ["--per-person", "2", "-q", "--out"]
    code = "from flows.cli.main import main; main()"
    out = tmp_path / "killed"
    run = subprocess.Popen([sys.executable, "-P", "-c", code, *arguments, str(out)], env=os.environ.copy())
    deadline = time.monotonic() + 60
    while not list((out / "shards").glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    with pytest.raises(BadConfigError, match="not finished"):
        MadeFolder.open(out)
    assert CliRunner().invoke(app, [*arguments, str(out)]).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, str(tmp_path / "whole")]).exit_code == 0
    killed = {name: content for name, content in files(out).items() if not name.endswith(".partial")}
    assert killed == files(tmp_path / "whole")
    assert not (out / "shards").exists()


def test_a_folder_of_another_run_is_refused(made: MadeFolder, tmp_path: Path) -> None:
    result = recolour(tmp_path, made.folder, "--seed", 3)
    assert isinstance(result.exception, BadConfigError)
    assert "seed differ" in str(result.exception)
    assert isinstance(recolour(tmp_path, tmp_path / "ccp" / "label_list.mat").exception, BadConfigError)


def test_sets_without_maps_and_folders_without_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="'mit' has no maps"):
        raise recolour(tmp_path, tmp_path / "out", "--dataset", "mit").exception or AssertionError
    with pytest.raises(BadConfigError, match="holds no made pictures"):
        MadeFolder.open(tmp_path)


def test_copies_go_with_the_person_they_were_made_from(made: MadeFolder, tmp_path: Path) -> None:
    gone = made.people[0]
    [photo] = [path for path in (tmp_path / "ccp/photos").iterdir() if image_id(path.read_bytes()) == gone.of]
    photo.unlink()
    result = generate("prune", made.folder)
    count = sum(row.of == gone.of for row in made.people)
    assert f"{count} made people erased" in result.output
    left = MadeFolder.open(made.folder)
    assert {row.of for row in left.people} == {row.of for row in made.people} - {gone.of}
    assert left.manifest["erased"] == count
    assert left.manifest["people"] == len(left.people) == len(list((made.folder / "maps").iterdir()))
    for content in files(made.folder).values():
        assert gone.of.encode() not in content
        assert photo.name.encode() not in content
    assert "0 made people erased" in generate("prune", made.folder).output


def test_nothing_is_erased_where_the_whole_data_set_is_gone(made: MadeFolder, tmp_path: Path) -> None:
    (tmp_path / "ccp").rename(tmp_path / "unmounted")
    plan = made.folder / "plan.json"
    root = json.loads(plan.read_bytes())["root"]
    plan.write_text(plan.read_text().replace(f'"{root}"', f'"{tmp_path / "ccp"}"'))
    assert "is not there" in str(generate("prune", made.folder).exception)
    assert MadeFolder.open(made.folder).people == made.people


def test_an_erasure_that_was_killed_is_finished(made: MadeFolder) -> None:
    gone = made.people[0]
    (made.folder / gone.picture).unlink()  # as far as it came
    count = erase_copies(made.folder, lambda image, _: image == gone.of)
    assert count == sum(row.of == gone.of for row in made.people)
    assert len(MadeFolder.open(made.folder).people) == len(made.people) - count


def test_damage_is_named(made: MadeFolder) -> None:
    (made.folder / "people.parquet").write_bytes(b"no table")
    with pytest.raises(StoreError, match="damaged"):
        MadeFolder.open(made.folder)
    (made.folder / "plan.json").write_text(json.dumps({"kind": "recolour"}))
    with pytest.raises(StoreError, match=r"plan\.json is damaged"):
        MakingPlan.open(made.folder)
