"""Copies that were made of a person go with the person."""

from collections.abc import Callable
from pathlib import Path

import pytest

from par_core.errors import BadConfigError
from par_core.made.folder import MadeFolder, finish
from par_core.made.plan import MakingPlan, Tally, sources_of
from par_core.made.rows import MadePerson
from tests.forgetting import par, people_of


@pytest.fixture
def copies(root: Path, tmp_path: Path) -> Callable[[], MadeFolder]:
    """A folder with one made picture of each of two images of the store; a call reads it again."""
    images = [Path(people_of(root, name)[0]["uri"]) for name in ("0000.png", "0003.png")]
    folder, archive = tmp_path / "made", images[0].parent
    sources = sources_of(archive, images)
    plan = MakingPlan(folder, "recolour", {}, "ccp", archive, 0, sources, len(sources))
    plan.write()
    rows = [
        MadePerson(
            picture=f"pictures/{number}.jpg",
            kind="recolour",
            of=source.id,
            sources=(source.id,),
            files=(source.file,),
            labels={},
            seed=0,
        )
        for number, source in enumerate(sources)
    ]
    plan.finish_shard(0, rows, {row.picture: b"a picture" for row in rows}, Tally(2, 2, {}))
    finish(plan, "par generate")
    return lambda: MadeFolder.open(folder)


@pytest.mark.parametrize("kind", ["person", "image", "source"])
def test_they_are_erased_with_person_image_or_source(
    kind: str, root: Path, copies: Callable[[], MadeFolder]
) -> None:
    made, [erased, *_] = copies(), people_of(root, "0003.png")
    value = erased["uri"] if kind == "source" else erased[f"{kind}_id"]
    done = par("forget", f"--{kind}", value, "--made", made.folder, "--store", root, "--yes")
    assert done.exit_code == 0, done.output
    [left] = copies().people
    assert left.of == people_of(root, "0000.png")[0]["image_id"]
    assert [path.name for path in (made.folder / "pictures").iterdir()] == ["0.jpg"]
    assert copies().manifest["erased"] == 1


def test_they_are_erased_later_by_the_list_of_the_store(root: Path, copies: Callable[[], MadeFolder]) -> None:
    [erased, *_] = people_of(root, "0003.png")
    assert par("forget", "--image", erased["image_id"], "--store", root, "--yes").exit_code == 0
    assert len(copies().people) == 2
    assert "1 made people erased" in par("generate", "prune", copies().folder, "--store", root).stdout
    assert len(copies().people) == 1


def test_a_folder_without_made_pictures_is_refused_before_anything_is_erased(
    root: Path, tmp_path: Path
) -> None:
    [erased, *_] = people_of(root, "0003.png")
    refused = par("forget", "--image", erased["image_id"], "--made", tmp_path, "--store", root, "--yes")
    assert isinstance(refused.exception, BadConfigError)
    assert people_of(root, "0003.png")
