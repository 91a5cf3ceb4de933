"""Pictures made elsewhere: taken over with labels and sources, or refused with a reason."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.errors import BadConfigError
from par_core.ids import image_id
from par_core.made.folder import MadeFolder
from par_core.made.marking import is_marked


def par_import(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["generate", "import", *map(str, arguments), "--workers", "1", "-q"])


@pytest.fixture
def renders(tmp_path: Path) -> Path:
    for number, colour in enumerate(("red", "blue", "green")):
        (tmp_path / "real").mkdir(exist_ok=True)
        Image.new("RGB", (20, 40), colour).save(tmp_path / "real" / f"{colour}.png")
        (tmp_path / "renders").mkdir(exist_ok=True)
        Image.new("RGB", (24, 48), colour).save(tmp_path / "renders" / f"{number}.png")
    (tmp_path / "renders" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "renders"


def labelled(renders: Path, *lines: str) -> Path:
    file = renders / "labels.csv"
    file.write_text("\n".join(("image,of,upper,lower,hat,dress", *lines)) + "\n")
    return file


def test_they_are_taken_over_with_labels_sources_and_the_mark(renders: Path, tmp_path: Path) -> None:
    ids = {path.stem: image_id(path.read_bytes()) for path in (tmp_path / "real").iterdir()}
    file = labelled(
        renders,
        "0.png,red.png,red,,1,0",
        f"1.png,blue.png;{ids['green']},blue,black,,1",
        "2.png,,,,0,",
        "broken.png,,,,1,",
        "gone.png,,,,1,",
    )
    done = par_import(renders, "--labels", file, "--root", tmp_path / "real", "--out", tmp_path / "made")
    assert done.exit_code == 0, done.output
    made = MadeFolder.open(tmp_path / "made")
    first, second, third = made.people
    assert first.of == ids["red"]
    assert first.files == ("red.png",)
    assert second.sources == (ids["blue"], ids["green"])
    assert third.of == ""
    assert third.sources == ()
    assert (first.labels, second.labels, third.labels) == ({"hat": 1, "dress": 0}, {"dress": 1}, {"hat": 0})
    assert (second.upper, second.lower) == ("blue", "black")
    assert made.manifest["refused"] == {"damaged": 1, "missing": 1}
    pixels = np.asarray(Image.open(made.folder / first.picture))
    assert pixels.shape == (48, 24, 3)
    assert pixels[20, 10, 0] > 240
    assert is_marked((made.folder / first.picture).read_bytes())
    # of nobody: always; of two people: only with both
    assert made.allowed(frozenset()) == [third]
    assert made.allowed({ids["red"], ids["blue"]}) == [first, third]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0.png,nobody.png,,,1,0", "line 2: 'of' is 'nobody.png', no picture"),
        ("../real/red.png,,,,1,0", "outside of"),
        ("0.png,../renders/1.png,,,1,0", "no picture in"),
        ("0.png,,crimson,,1,0", "'upper' is 'crimson'"),
        ("0.png,,,,yes,0", "'hat' is 'yes', not 1, 0 or empty"),
    ],
)
def test_mistakes_are_named_by_line(renders: Path, tmp_path: Path, line: str, said: str) -> None:
    file = labelled(renders, line)
    with pytest.raises(BadConfigError, match=said.replace("'", ".")):
        raise (
            par_import(
                renders, "--labels", file, "--root", tmp_path / "real", "--out", tmp_path / "x"
            ).exception
            or AssertionError
        )


def test_files_of_sources_need_their_folder_and_test_parts_are_refused(renders: Path, tmp_path: Path) -> None:
    refused = par_import(
        renders, "--labels", labelled(renders, "0.png,red.png,,,1,"), "--out", tmp_path / "x"
    )
    assert "--root" in str(refused.exception)
    file = renders / "parts.csv"
    file.write_text("image,part,hat\n0.png,test,1\n")
    refused = par_import(renders, "--labels", file, "--out", tmp_path / "x")
    assert "for training alone" in str(refused.exception)
