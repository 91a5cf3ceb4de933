"""Reports of evaluations on small data sets, and comparisons of two of them."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.io
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.datasets.folders import name_of
from par_core.errors import BadConfigError
from par_core.evaluate.comparison import differences, intervals
from par_core.evaluate.items import AttributeItems, RetrievalItems, SegmentationItems, items_of
from par_core.evaluate.saved_run import read_run
from par_core.models.fake import FakeDescriber
from par_core.reports.compare import compare_runs
from par_core.studies.evaluation import EvaluationRequest, evaluate
from tests.indexing import FAKE
from tests.pictures import save
from tests.unit.studies.test_evaluation import ccp, coco, label_map, mit, pennfudan, scene  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("few_resamples")

HOSTILE = '<img src=x onerror="alert(1)">|`&'
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Counts tags and collects what a browser would fetch or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [
            str(value) for name, value in attrs if name in ("src", "href", "srcset") or name.startswith("on")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake describer's two attributes, under names that the data sets label."""
    monkeypatch.setattr(FakeDescriber, "attributes", ("female", "front"))


def page_of(folder: Path) -> Page:
    return Page((folder / "report.html").read_text())


@pytest.mark.parametrize(
    ("kind", "dataset"), [("segmentation", "pennfudan"), ("attributes", "mit"), ("retrieval", "mit")]
)
@pytest.mark.usefixtures("pennfudan", "mit", "telling")
def test_a_report_is_four_files_and_its_page_asks_for_nothing(
    tmp_path: Path, kind: str, dataset: str
) -> None:
    out = tmp_path / "out"
    scores = evaluate(EvaluationRequest(kind, dataset, tmp_path), FAKE, out)
    by_quality = {"quality.json"} if kind == "attributes" else set()
    assert {file.name for file in out.iterdir() if file.is_file()} == {
        "items.parquet",
        "report.html",
        "report.json",
        "report.md",
    } | by_quality
    assert json.loads((out / "report.json").read_text()) == scores
    page = page_of(out)
    assert page.open == []
    assert {"img", "svg", "table"} <= set(page.tags)
    assert "script" not in page.tags
    assert all(reference.startswith("data:image/jpeg;base64,") for reference in page.references)
    text = (out / "report.html").read_text()
    assert "Content-Security-Policy" in text
    assert not re.search(r"https?://|url\(|@import", text)
    for fact in (
        scores["about"]["data_digest"],
        scores["about"]["fingerprints"]["segmenter"],
        "1,000 resamples",
    ):
        assert fact in page.text
        assert fact in (out / "report.md").read_text()


@pytest.mark.usefixtures("telling")
def test_scores_keep_their_keys_and_gain_intervals(mit: Path) -> None:  # noqa: F811
    scores = evaluate(EvaluationRequest("attributes", "mit", mit), FAKE)
    first = ["mean_auc", "mA", "mean_ece", "mean_ece_by_chance", "attributes", "images", "found"]
    assert list(scores) == [*first, "instances", "not_answered", "too_few", "averaged", "intervals", "about"]
    kinds = ("accuracy", "mA", "recall", "specificity", "auc")
    assert set(scores["intervals"]) == {f"{kind}: {name}" for kind in kinds for name in ("female", "front")}
    for name in ("female", "front"):
        intervals = {kind: scores["intervals"][f"{kind}: {name}"] for kind in kinds}
        for kind in ("accuracy", "mA", "recall", "auc"):
            assert intervals[kind]["estimate"] == pytest.approx(scores["attributes"][name][kind])
            assert intervals[kind]["low"] <= intervals[kind]["estimate"] <= intervals[kind]["high"]
        rates = intervals["recall"]["estimate"], intervals["specificity"]["estimate"]
        assert sum(rates) / 2 == pytest.approx(intervals["mA"]["estimate"])
    assert {"seed", "data_digest", "command"} <= set(scores["about"])
    retrieval = evaluate(EvaluationRequest("retrieval", "mit", mit), FAKE)
    assert retrieval["intervals"]["mean_ap_over_prevalence"]["estimate"] == pytest.approx(
        retrieval["mean_ap_over_prevalence"]
    )
    assert retrieval["intervals"]["ap_over_prevalence: a woman"]["estimate"] == pytest.approx(
        retrieval["queries"]["a woman"]["ap_over_prevalence"]
    )


def test_means_over_clothing_have_intervals(ccp: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(FakeDescriber, "attributes", ("hat", "dress"))
    names = [str(cell[0]) for cell in scipy.io.loadmat(ccp / "ccp" / "label_list.mat")["label_list"][0]]
    for number in range(4, 24):
        save(
            ccp / "ccp" / "photos" / f"{number:04d}.jpg", scene("red", seed=number, person_height=30 + number)
        )
        tags = np.array([names.index(("hat", "dress", "coat")[number % 3])])
        scipy.io.savemat(ccp / "ccp" / "annotations" / "image-level" / f"{number:04d}.mat", {"tags": tags})
    scores = evaluate(EvaluationRequest("attributes", "ccp", ccp), FAKE, ccp / "out")
    assert list(scores["attributes"]) == ["hat", "dress"]
    for name in ("mean_auc", "mA"):
        assert scores["intervals"][name]["estimate"] == pytest.approx(scores[name])
    thresholds = {name: row["threshold"] for name, row in scores["attributes"].items()}
    again = items_of("attributes", pq.read_table(ccp / "out" / "items.parquet"), thresholds)
    assert intervals(again)["mean_auc"].low == pytest.approx(scores["intervals"]["mean_auc"]["low"])


def test_intervals_of_segmentation_are_about_its_scores(pennfudan: Path) -> None:  # noqa: F811
    mask = pennfudan / "pennfudan" / "PedMasks" / "Fudan00000_mask.png"
    labels = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    labels[:20, :20] = 2  # a person that the models cannot see
    cv2.imwrite(str(mask), labels)
    scores = evaluate(EvaluationRequest("segmentation", "pennfudan", pennfudan), FAKE, pennfudan / "out")
    recall = scores["intervals"]["recall"]
    assert recall["low"] < recall["estimate"] == scores["recall"] < recall["high"]
    rows = pq.read_table(pennfudan / "out" / "items.parquet").to_pylist()
    assert [(row["matched"], row["missed"], row["false"]) for row in rows] == [
        (1, 1, 0),
        (2, 0, 0),
        (3, 0, 0),
    ]
    assert [row["quality"] for row in rows] == pytest.approx([2 / 3, 1, 1])


def test_hostile_names_of_files_are_only_text(tmp_path: Path) -> None:
    image = scene("red")
    save(tmp_path / "pennfudan" / "PNGImages" / "plain.png", image)
    (tmp_path / "pennfudan" / "PNGImages" / "plain.png").rename(
        tmp_path / "pennfudan" / "PNGImages" / f"{HOSTILE}.png"
    )
    save(tmp_path / "pennfudan" / "PedMasks" / "plain.png", label_map(image, "red"))
    (tmp_path / "pennfudan" / "PedMasks" / "plain.png").rename(
        tmp_path / "pennfudan" / "PedMasks" / f"{HOSTILE}_mask.png"
    )
    hostile_root = tmp_path.rename(tmp_path.with_name("<script>alert(2)<|script>"))
    evaluate(EvaluationRequest("segmentation", "pennfudan", hostile_root), FAKE, hostile_root / "out")
    page = page_of(hostile_root / "out")
    assert HOSTILE in page.text
    assert "script" not in page.tags
    assert all(reference.startswith("data:image/jpeg") for reference in page.references)
    root = next(
        line
        for line in (hostile_root / "out" / "report.md").read_text().splitlines()
        if line.startswith("| root")
    )
    assert root.count("|") - root.count("\\|") == 3
    assert "\\<script" in root


@pytest.mark.usefixtures("telling")
def test_attributes_show_right_and_wrong_people_in_their_frames(mit: Path) -> None:  # noqa: F811
    evaluate(EvaluationRequest("attributes", "mit", mit), FAKE, mit / "out")
    text = (mit / "out" / "report.html").read_text()
    sheet = text.split("<h3>front")[1].split("<h3>")[0]
    people = {row["image"]: row for row in pq.read_table(mit / "out" / "items.parquet").to_pylist()}
    shown = re.findall(r'<figure class="(\w+)">.*?told ([\d.]+)<span>([^<]*)', sheet)
    assert shown
    for frame, probability, image in shown:
        p, y = people[image]["front_probability"], people[image]["front_label"]
        assert frame == ("right" if (p >= 0.5) == (y == 1) else "wrong")
        assert probability == f"{p:.2f}"
    assert re.search(r'<figure class="right">', text)
    assert re.search(r'<figure class="wrong">', text)


@pytest.mark.usefixtures("mit")
def test_first_hits_are_the_nearest_and_framed_by_their_labels(tmp_path: Path) -> None:
    evaluate(EvaluationRequest("retrieval", "mit", tmp_path), FAKE, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    for row in pq.read_table(tmp_path / "out" / "items.parquet").to_pylist():
        assert row["ap"] > 0
        sheet = text.split(f"<h3>{row['query']}</h3>")[1].split("<h3>")[0]
        nearest = np.argsort(-np.array(row["scores"]), kind="stable")[:10]
        assert re.findall(r'<figure class="(\w+)">', sheet) == [
            "right" if row["labels"][i] == 1 else "wrong" for i in nearest
        ]


def test_a_file_name_that_is_no_text_is_spelt_out(tmp_path: Path) -> None:
    assert name_of(tmp_path / "photos" / "\udcff.jpg") == r"photos/\xff.jpg"


def test_items_come_back_as_they_were_written() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([[1, np.nan], [0, 1], [1, 0]], np.float32)
    probabilities = np.array([[0.9, np.nan], [0.2, np.nan], [0.4, np.nan]], np.float32)
    people = AttributeItems(("a", "b", "c"), ("hat", "bag"), labels, probabilities, {"hat": 0.3})
    queries = RetrievalItems(("a woman", "a man"), labels.T, rng.normal(size=(2, 3)).astype(np.float32))
    photos = SegmentationItems(
        ("a", "b"), *(rng.integers(3, size=2) for _ in range(3)), np.array([0.5, np.nan], np.float32)
    )
    for kind, items in (("attributes", people), ("retrieval", queries), ("segmentation", photos)):
        again = items_of(kind, items.table(), {"hat": 0.3})
        for field in items.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(again, field), getattr(items, field))


def test_differences_are_paired() -> None:
    n = 200
    rng = np.random.default_rng(1)
    matched = rng.integers(0, 6, n)
    missed = 6 - matched
    ones = np.zeros(n, np.float32)
    first = SegmentationItems(("",) * n, matched, missed, 0 * missed, ones)
    better = SegmentationItems(("",) * n, matched + (missed > 0), missed - (missed > 0), 0 * missed, ones)
    change, alone = differences(first, better)["recall"], intervals(first)["recall"]
    assert 0 < change.low < change.high
    assert change.high - change.low < (alone.high - alone.low) / 3  # hard photographs are hard for both


@pytest.mark.parametrize(
    ("kind", "dataset"), [("segmentation", "pennfudan"), ("attributes", "mit"), ("retrieval", "mit")]
)
@pytest.mark.usefixtures("pennfudan", "mit", "telling")
def test_a_run_does_not_differ_from_itself(tmp_path: Path, kind: str, dataset: str) -> None:
    evaluate(EvaluationRequest(kind, dataset, tmp_path), FAKE, tmp_path / "out")
    run = read_run(tmp_path / "out")
    compared = compare_runs(run, run)
    assert compared
    for each in compared:
        assert each.first == each.second
        assert (each.change.estimate, each.change.low, each.change.high, each.beyond_chance) == (
            0,
            0,
            0,
            False,
        )


def test_runs_on_other_data_or_of_another_kind_are_refused(pennfudan: Path, mit: Path, coco: Path) -> None:  # noqa: F811
    evaluate(EvaluationRequest("segmentation", "pennfudan", pennfudan), FAKE, pennfudan / "one")
    evaluate(EvaluationRequest("segmentation", "coco", coco), FAKE, pennfudan / "two")
    evaluate(EvaluationRequest("retrieval", "mit", mit), FAKE, pennfudan / "three")
    one, two, three = (read_run(pennfudan / name) for name in ("one", "two", "three"))
    with pytest.raises(BadConfigError, match="on different data"):
        compare_runs(one, two)
    with pytest.raises(BadConfigError, match="of different kinds"):
        compare_runs(one, three)
    with pytest.raises(BadConfigError, match=r"no report\.json"):
        read_run(pennfudan)
    (pennfudan / "two" / "items.parquet").write_bytes(b"no parquet")
    with pytest.raises(BadConfigError, match="cannot be read"):
        read_run(pennfudan / "two")


def test_a_label_that_differs_is_other_data(pennfudan: Path) -> None:  # noqa: F811
    before = evaluate(EvaluationRequest("segmentation", "pennfudan", pennfudan), FAKE)["about"]["data_digest"]
    mask = pennfudan / "pennfudan" / "PedMasks" / "Fudan00000_mask.png"
    labels = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    labels[0, 0] = 1
    cv2.imwrite(str(mask), labels)
    assert (
        evaluate(EvaluationRequest("segmentation", "pennfudan", pennfudan), FAKE)["about"]["data_digest"]
        != before
    )


def test_the_commands_write_a_report_and_compare_two(pennfudan: Path) -> None:  # noqa: F811
    def par(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    out, page = str(pennfudan / "out"), pennfudan / "deep" / "difference.html"
    printed = par(
        "evaluate",
        "segmentation",
        "--dataset",
        "pennfudan",
        "--root",
        str(pennfudan),
        "--profile",
        "fake",
        "--out",
        out,
        "--json",
        "-",
    )
    assert json.loads(printed) == json.loads((pennfudan / "out" / "report.json").read_text())
    assert "recall" in par("report", "compare", out, out, "--html", str(page))
    assert "no difference" in Page(page.read_text()).text
    report = json.loads(par("report", "compare", out, out, "--json"))
    assert report["differences"]["recall"] == {
        "first": 1.0,
        "second": 1.0,
        "difference": 0.0,
        "low": 0.0,
        "high": 0.0,
        "beyond_chance": False,
    }
