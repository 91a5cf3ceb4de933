"""``par analyse --store``: table 1 of the people of a store, with the ``fake`` profile."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.errors import BadConfigError
from tests.indexing import content, index
from tests.pictures import save, scene


def test_the_people_of_a_store_are_analysed_by_what_is_stored(tmp_path: Path) -> None:
    for number, camera in enumerate(["gate", "gate", "yard"]):
        save(
            tmp_path / "pictures" / camera / f"{number}.png",
            scene("red", seed=number, person_height=40 + 10 * number),
        )
    index(tmp_path / "store", [tmp_path / "pictures"])
    result = CliRunner().invoke(
        app, ["analyse", "--store", str(tmp_path / "store"), "--json", str(tmp_path / "summary.json")]
    )
    assert result.exit_code == 0, result.output
    (summary,) = json.loads((tmp_path / "summary.json").read_text())["sources"]
    rows = content(tmp_path / "store")
    assert summary["pictures"] == 3
    assert summary["megapixels_mean"] == pytest.approx(np.mean([row["megapixels"] for row in rows]))
    assert summary["glvn_median"] == pytest.approx(np.median([row["glvn"] for row in rows]))
    assert summary["brisque_median"] is None
    assert {name: folder["pictures"] for name, folder in summary["folders"].items()} == {"gate": 2, "yard": 1}
    assert isinstance(CliRunner().invoke(app, ["analyse"]).exception, BadConfigError)


def test_people_whose_file_is_missing_are_left_out(tmp_path: Path) -> None:
    files = [save(tmp_path / "pictures" / f"{number}.png", scene("red", seed=number)) for number in range(3)]
    index(tmp_path / "store", [tmp_path / "pictures"])
    files[0].unlink()
    index(tmp_path / "store", [tmp_path / "pictures"])
    result = CliRunner().invoke(app, ["analyse", "--store", str(tmp_path / "store"), "--json", "-"])
    assert json.loads(result.stdout)["sources"][0]["pictures"] == 2
