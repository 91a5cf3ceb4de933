"""Figures of collections of pictures, from files of every kind of trouble to the lines that ``par analyse``
prints.
"""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.archive import list_source
from par_core.archive.brisque import brisque_features
from par_core.archive.quality import glvn
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError
from par_core.evaluate.picture_quality import group_names, histogram, measure_pictures, summarise, values_of
from par_core.studies.picture_quality import find_model
from tests.brisque_files import written
from tests.pictures import save, scene


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number, folder in enumerate(["north", "north", "south"]):
        save(
            tmp_path / "photos" / folder / f"{number}.png",
            scene("red", height=100 * (number + 1), seed=number),
        )
    save(tmp_path / "photos" / "south" / "flat.png", np.full((50, 50, 3), 128, np.uint8))
    (tmp_path / "photos" / "south" / "empty.jpg").write_bytes(b"")
    (tmp_path / "photos" / "south" / "text.jpg").write_text("no picture")
    (tmp_path / "photos" / "notes.txt").write_text("notes")
    return tmp_path / "photos"


@pytest.fixture
def parameters(tmp_path: Path) -> Path:
    return written(tmp_path)


def test_every_file_becomes_a_row_with_its_figures_or_its_trouble(pictures: Path, parameters: Path) -> None:
    model = find_model(parameters)
    assert model is not None
    rows = {
        Path(row.uri).name: row
        for row in measure_pictures(list_source(str(pictures)).entries, ArchiveConfig(), model)
    }
    image = scene("red", height=200, seed=1)
    assert rows["1.png"].megapixels == 200 * 80 / 1e6
    assert rows["1.png"].glvn == glvn(image)
    assert rows["1.png"].brisque == pytest.approx(model.score(brisque_features(image)))
    assert np.isnan(rows["flat.png"].brisque)
    assert (rows["empty.jpg"].status, rows["text.jpg"].status) == ("empty", "damaged")
    assert len(rows) == 6


def test_the_summary_is_mean_deviation_and_medians_of_what_could_be_read(
    pictures: Path, parameters: Path
) -> None:
    rows = list(measure_pictures(list_source(str(pictures)).entries, ArchiveConfig(), find_model(parameters)))
    summary = summarise(rows)
    sizes = [0.008, 0.016, 0.024, 0.0025]
    assert summary["pictures"] == 4
    assert summary["unreadable"] == {"empty": 1, "damaged": 1}
    assert summary["megapixels_mean"] == pytest.approx(np.mean(sizes))
    assert summary["megapixels_std"] == pytest.approx(np.std(sizes))
    assert summary["glvn_median"] == pytest.approx(np.median(values_of(rows, "glvn")))
    assert summary["brisque_median"] == pytest.approx(np.median(values_of(rows, "brisque")))
    assert summary["without_brisque"] == 1
    assert np.isnan(summarise([])["megapixels_mean"])


def test_sub_folders_are_what_paths_do_not_share() -> None:
    assert group_names(["/data/PETA/set/3DPeS/archive/1.png", "/data/PETA/set/VIPeR/archive/2.png"]) == [
        "3DPeS",
        "VIPeR",
    ]
    assert group_names(["a.zip!/x/1.png", "a.zip!/x/y/2.png"]) == [".", "y"]
    assert group_names(["/d/1.png", "/d/2.png"]) == [".", "."]
    assert group_names([]) == []


@given(st.dictionaries(st.text(max_size=3), st.lists(st.floats(-1e6, 1e6), max_size=20), max_size=3))
def test_histograms_count_every_value_once_over_shared_bins(values: dict[str, list[float]]) -> None:
    histograms = histogram({name: np.array(each, np.float64) for name, each in values.items()})
    assert {name: sum(counts) for name, counts in histograms["counts"].items()} == {
        name: len(each) for name, each in values.items()
    }
    assert histograms["edges"] == sorted(histograms["edges"])


def test_the_command_prints_a_line_for_source_and_sub_folder_and_the_unreadable(
    pictures: Path, parameters: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(pictures / "north" / "0.png", "0.png")
    files = ["--json", str(tmp_path / "out" / "quality.json"), "--out", str(tmp_path / "out" / "quality.png")]
    result = CliRunner().invoke(
        app,
        ["analyse", str(pictures), str(tmp_path / "more.zip"), "--brisque-model", str(parameters), *files],
    )
    assert result.exit_code == 1, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:5]] == [
        [str(pictures), "4", "0.013"],
        ["north", "2", "0.012"],
        ["south", "2", "0.013"],
        [str(tmp_path / "more.zip"), "1", "0.008"],
    ]
    assert "without BRISQUE, being of one colour or too small: 1" in result.stdout
    assert "passed over: 1 not_an_image" in result.stdout
    assert "unreadable: 2 (1 damaged, 1 empty)" in result.stdout
    assert f"empty\t{pictures / 'south' / 'empty.jpg'}\tzero bytes" in lines
    report = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert report["about"]["brisque_parameters"] == str(parameters)
    assert report["sources"][0]["folders"]["north"]["pictures"] == 2
    assert {row["status"] for row in report["sources"][0]["failed"]} == {"empty", "damaged"}
    assert sum(report["histograms"]["glvn"]["counts"][str(pictures)]) == 4
    assert (tmp_path / "out" / "quality.png").read_bytes().startswith(b"\x89PNG")


def test_without_parameters_the_other_figures_are_there_and_one_line_says_what_to_install(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("par_core.studies.picture_quality.installed_model", lambda: None)
    result = CliRunner().invoke(app, ["analyse", str(pictures / "north"), "--json", "-"])
    assert result.exit_code == 0
    assert "pip install --no-deps brisque" in result.stderr
    summary = json.loads(result.stdout)["sources"][0]
    assert (summary["pictures"], summary["brisque_median"], summary["megapixels_mean"]) == (
        2,
        None,
        pytest.approx(0.012),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([".", "nowhere"], "nowhere"),
        ([".", "--out", "quality.docx"], ".png"),
        ([".", "--brisque-model", "no-such-file"], "allrange"),
    ],
)
def test_bad_settings_fail_before_the_work_starts(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("par_core.studies.picture_quality.measure_pictures", None)
    result = CliRunner().invoke(app, ["analyse", *arguments])
    assert isinstance(result.exception, BadConfigError)
    assert message in str(result.exception)


def test_an_empty_collection_is_a_line_without_figures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(
        app, ["analyse", str(tmp_path / "empty"), "--out", str(tmp_path / "quality.svg")]
    )
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[1:] == ["0", "-", "(-)", "-", "-"]
    assert (tmp_path / "quality.svg").exists()
