"""``par evaluate faces`` on painted people: a reader that knows their colours, and every refusal."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.console.evaluation import evaluation_lines
from par_core.errors import BadConfigError, StoreError, WeightsError
from par_core.evaluate.faces.run import FaceRun, evaluate_faces
from par_core.evaluate.saved_run import read_run
from par_core.faces.base import Face, FaceReadingError
from par_core.models.fake import FakeDescriber
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.reports.faces import write_faces
from par_core.studies.evaluation import EvaluationRequest, FaceEngine, about, plain
from par_core.studies.faces import read_faces_of
from tests.indexing import FAKE
from tests.pictures import RGB, save, scene

HOSTILE = '<img src=x onerror="alert(1)">'


@dataclass
class PaintedFaces:
    """Black patches are faces: of a woman on red, of a man on blue. On yellow there is none, and it answers
    from the whole picture; on cyan it fails.
    """

    fingerprint: str = "painted"
    summary: str = "painted faces"
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def read(self, cutouts: Sequence[np.ndarray]) -> list[list[Face]]:
        return [self._read(cutout) for cutout in cutouts]

    def _read(self, cutout: np.ndarray) -> list[Face]:
        self.seen.append(cutout.shape)
        colours = {name: int((cutout == rgb).all(axis=2).sum()) for name, rgb in RGB.items()}
        colour = max(colours, key=lambda name: colours[name])
        whole = (0.0, 0.0, float(cutout.shape[1]), float(cutout.shape[0]))
        if colour == "cyan":
            raise FaceReadingError(f"the worker died: {HOSTILE}")
        rows, columns = np.nonzero((cutout < 40).all(axis=2))
        if not len(rows):
            return [Face(whole, 0.0, 0.8, 50.0)] if colour == "yellow" else []
        box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
        return [Face(box, 0.9, 0.95 if colour == "red" else 0.1, 25.0)]


def painted(colour: str, seed: int, *, face: bool = True) -> np.ndarray:
    picture = scene(colour, height=200, person_height=160, seed=seed)
    if face:
        picture[45:55, 35:44] = 0  # in a person from x 30 to 50, y 35 to 195
    return picture


def write(root: Path, columns: dict[str, list[str]] | None = None, *, each: int = 4) -> Path:
    """Red women and blue men with faces, green men and yellow women without, and a cyan woman."""
    people = [("red", "1"), ("blue", "0"), ("green", "0"), ("yellow", "1")] * each + [("cyan", "1")]
    with (root / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "Female", "Age17-30", *(columns or {})])
        for i, (colour, woman) in enumerate(people):
            name = f"{i:02d} {HOSTILE.replace('/', '')}.png" if i == 0 else f"{i:02d}.png"
            save(root / name, painted(colour, i, face=colour in ("red", "blue")))
            rows.writerow([name, woman, "1", *(values[i] for values in (columns or {}).values())])
    return root


def run(root: Path, out: Path, reader: PaintedFaces, heights: tuple[int, ...] = ()) -> FaceRun:
    cache = PredictionCache(out, compute_here)
    return evaluate_faces("csv", root, FAKE, cache, reader=reader, heights=heights)


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake describer's two attributes, under names that the data set labels."""
    monkeypatch.setattr(FakeDescriber, "attributes", ("female", "front"))


def test_every_person_is_read_once_and_counted(tmp_path: Path) -> None:
    reader = PaintedFaces()
    done = run(write(tmp_path), tmp_path / "out", reader)
    scores = done.scores
    assert (scores["people"], scores["with_face"], scores["whole_picture_answers"], scores["errors"]) == (
        17,
        8,
        4,
        1,
    )
    assert scores["coverage"] == pytest.approx(8 / 17)
    assert len(reader.seen) == 17
    rows = scores["gender"]
    assert rows["faces, everybody"]["recall"] == pytest.approx(4 / 9)
    assert rows["with answers from the whole picture"]["recall"] == pytest.approx(8 / 9)
    assert rows["faces, of people with one"]["mA"] == 1.0
    assert scores["ages"]["Age17-30"]["everybody"]["recall"] == pytest.approx(8 / 17)
    assert done.readings.error[-1].startswith("the worker died")
    again = run(tmp_path, tmp_path / "out", reader)
    assert len(reader.seen) == 17, "kept"
    assert plain(again.scores) == plain(scores)
    assert (
        run(tmp_path, tmp_path / "out", replace(reader, fingerprint="other")).scores["coverage"]
        == scores["coverage"]
    )
    assert len(reader.seen) == 34, "another reader reads again"


def test_boxes_are_in_pixels_of_the_picture(tmp_path: Path) -> None:
    reader = PaintedFaces()
    found = run(write(tmp_path), tmp_path / "out", reader, heights=(80, 400))
    readings = found.readings
    first = [float(edge[0]) for edge in (readings.left, readings.top, readings.right, readings.bottom)]
    assert first == [35, 45, 44, 55]
    assert readings.height[0] == 160
    assert reader.seen[0] == (173, 80, 3), (
        "with a margin, half as wide as high, as far as the picture reaches"
    )
    assert reader.seen[17] == (86, 40, 3), "shrunk"
    assert reader.seen[34] == (173, 80, 3), "nobody is enlarged"
    shrunk, _ = found.scores["shrunk"]
    assert (shrunk["height"], shrunk["high"]) == (80, 80.0)
    assert shrunk["coverage"]["estimate"] == pytest.approx(8 / 17)
    assert (shrunk["says_woman"], shrunk["same_as_unshrunk"]) == (0.5, 1.0)
    assert shrunk["median_face"] == pytest.approx(5, abs=1), "in pixels of the shrunk person"


def test_a_stopped_run_continues_with_the_shard_that_is_missing(tmp_path: Path) -> None:
    reader = PaintedFaces()
    run(write(tmp_path, each=17), tmp_path / "out", reader)
    files = sorted((tmp_path / "out" / "faces").rglob("*.parquet"))
    assert [file.name for file in files] == ["00000.parquet", "00001.parquet"]
    files[1].unlink()
    run(tmp_path, tmp_path / "out", reader)
    assert len(reader.seen) == 69 + 5
    files[0].write_bytes(b"damaged")
    with pytest.raises(StoreError, match=r"00000\.parquet cannot be read .* delete it"):
        run(tmp_path, tmp_path / "out", reader)


@pytest.mark.usefixtures("telling")
def test_the_report_holds_the_tables_and_shows_the_people(tmp_path: Path) -> None:
    behind = ["1", "0"] * 8 + ["0"]
    request = EvaluationRequest("faces", "csv", write(tmp_path, {"Back": behind}))
    done = run(tmp_path, tmp_path / "out", PaintedFaces(), heights=(80,))
    made = about(request, done.data_digest, FAKE) | {
        "face_engine": "painted faces",
        "face_fingerprint": "painted",
    }
    ranges = {name: vars_of(interval) for name, interval in done.intervals.items()}
    scores = plain({**done.scores, "intervals": ranges, "about": made})
    write_faces(tmp_path / "out", done, scores, FAKE.archive)
    page = (tmp_path / "out" / "report.html").read_text()
    for text in (
        "faces, everybody",
        "PAR, everybody",
        "Faces on backs",
        "The same people, shrunk",
        "Age17-30, with a face",
        "woman 0.95, 25 years",
        "Failed",
        "Ages that the faces show",
        "4 people. The surest first.",
    ):
        assert text in page, text
    assert HOSTILE not in page
    assert page.count("data:image/jpeg") >= 17
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == scores
    table = pq.read_table(tmp_path / "out" / "faces.parquet")
    assert table.num_rows == 17
    assert table["woman"].null_count == 9
    assert table["woman_label"].to_pylist()[:2] == [1.0, 0.0]
    assert "par_woman" in table.column_names
    lines = "\n".join(evaluation_lines(scores))
    for text in (
        "8 of 17 people have a face",
        "1 pictures on which the engine failed",
        "from behind: 8 people, 50.0%",
        "shrunk to 80 px",
    ):
        assert text in lines, text
    with pytest.raises(BadConfigError, match=r"no items\.parquet"):
        read_run(tmp_path / "out")


def vars_of(interval: object) -> dict[str, float]:
    return {name: getattr(interval, name) for name in ("estimate", "low", "high", "undefined")}


@pytest.mark.usefixtures("telling")
def test_a_data_set_that_labels_men_is_turned_round(tmp_path: Path) -> None:
    usual = run(write(tmp_path), tmp_path / "out", PaintedFaces())
    file = tmp_path / "labels.csv"
    header, *rows = list(csv.reader(file.read_text().splitlines()))
    with file.open("w", newline="") as again:
        turned = [[name, str(1 - int(woman)), *rest] for name, woman, *rest in rows]
        csv.writer(again).writerows([["image", "personalMale", *header[2:]], *turned])
    men = run(tmp_path, tmp_path / "out", PaintedFaces())
    assert men.scores["gender"] == usual.scores["gender"]
    assert "PAR, everybody" in men.scores["gender"]


def test_without_labels_of_gender_there_is_coverage_and_no_table(tmp_path: Path) -> None:
    save(tmp_path / "a.png", painted("red", 0))
    (tmp_path / "labels.csv").write_text("image,hat\na.png,1\n")
    scores = run(tmp_path, tmp_path / "out", PaintedFaces()).scores
    assert "gender" not in scores
    assert scores["coverage"] == 1.0
    assert scores["age_spread"]["median"] == 25.0


@pytest.mark.parametrize(
    ("engine", "error", "message"),
    [
        (FaceEngine("openface"), BadConfigError, "there are: face-api, deepface"),
        (
            FaceEngine("deepface"),
            BadConfigError,
            r"deepface needs --python: .*pip install deepface==0\.0\.103",
        ),
        (
            FaceEngine("deepface", python=Path("python")),
            WeightsError,
            r"gender_model_weights\.onnx \(537 MB\)",
        ),
        (FaceEngine("face-api", allow_downloads=True), BadConfigError, "are for --engine deepface"),
        (FaceEngine("face-api"), WeightsError, "par models fetch face-api"),
    ],
)
def test_what_is_missing_is_said_before_the_work(
    tmp_path: Path, engine: FaceEngine, error: type[Exception], message: str
) -> None:
    request = EvaluationRequest("faces", "csv", tmp_path, faces=replace(engine, weights_dir=tmp_path))
    with pytest.raises(error, match=message):
        read_faces_of(request, FAKE)


def test_the_command_refuses_options_of_faces_elsewhere(tmp_path: Path) -> None:
    at = ["evaluate", "attributes", "--dataset", "mit", "--root", str(tmp_path)]
    refused = CliRunner().invoke(app, [*at, "--engine", "face-api", "--heights", "64"])
    assert "--engine, --heights: only for par evaluate faces" in str(refused.exception)
    unknown = CliRunner().invoke(
        app, ["evaluate", "faces", "--dataset", "mit", "--root", str(tmp_path), "--engine", "x"]
    )
    assert "there are: face-api, deepface" in str(unknown.exception)
