"""The gate from end to end on small pictures: which versions pass, and which version searches read."""

import json
from pathlib import Path

import pytest

from flows.console.gate import gate_lines, gate_markdown, gate_object
from par_core.config import load_config
from par_core.errors import BadConfigError, StoreError
from par_core.gate import publish
from par_core.gate.golden import Golden, GoldenQuery, StoreHealth
from par_core.gate.publish import run_gate
from par_core.gate.report import Finding, GateReport, last_gate
from par_core.query.from_store import Question, ask
from par_core.stages.check import verify_store
from par_core.stages.commit import rebuild_index
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]
RED = GoldenQuery(text="a red person", among_top=4, at_least=2)
PASSING = Golden(queries=(RED,))
FAILING = Golden(queries=(GoldenQuery(text="a red person", at_least=3),))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def store(tmp_path: Path, photos: Path) -> Store:
    index(tmp_path / "store", [photos])
    return Store.open(tmp_path / "store")


def names_of(store: Store, question: Question, version: str = "live") -> list[str]:
    return [Path(hit.uri).name for hit in ask(store.root, question, FAKE, version)[0].hits]


def only(store: Store, query: GoldenQuery) -> Finding:
    (finding,) = run_gate(
        store, Golden(store=StoreHealth(verified=False), queries=(query,)), FAKE, dry_run=True
    ).findings
    return finding


def test_a_version_that_passes_becomes_live(store: Store) -> None:
    report = run_gate(store, PASSING, FAKE)
    assert report.passed
    assert report.live_before == report.version, "without a gate, a commit makes its version live"
    status = store_status(store)
    assert status.live_version == status.version == report.version
    assert last_gate(store) == report


def test_a_version_that_fails_leaves_the_old_one_live_and_says_why(store: Store, photos: Path) -> None:
    first = run_gate(store, PASSING, FAKE).version
    save(photos / "new.png", scene("yellow", seed=77))
    index(store.root, [photos])
    report = run_gate(store, FAILING, FAKE)
    assert not report.passed
    assert store_status(store).live_version == first < report.version
    assert last_gate(store) == report
    assert list(gate_lines(report)) == [
        f"version {report.version} did not pass the gate (1 of 2 checks failed); version {first} stays live",
        "failed: a red person: expected at least 3 hits with a probability above 0.15; got 2 among 8 hits",
    ]
    assert verify_store(store).problems == ()
    yellow = Question(where="upper_color = 'yellow'")
    assert names_of(store, yellow) == ["0003.png"]
    assert sorted(names_of(store, yellow, "latest")) == ["0003.png", "new.png"]
    assert names_of(store, yellow, str(first)) == ["0003.png"]
    (warning,) = ask(store.root, yellow, FAKE)[0].warnings
    assert warning.startswith(f"searched version {first} of the index; the newest is {report.version}")


def test_a_dry_run_changes_nothing(store: Store) -> None:
    assert run_gate(store, PASSING, FAKE, dry_run=True).passed
    assert last_gate(store) is None
    assert not store.has_gate()


def test_killed_between_commit_and_tag_the_old_version_stays_live_and_the_next_gate_goes_on(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_gate(store, PASSING, FAKE).version
    save(photos / "new.png", scene("yellow", seed=77))
    index(store.root, [photos])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publish, "query_findings", killed)
        with pytest.raises(KeyboardInterrupt):
            run_gate(store, PASSING, FAKE)
    assert store_status(store).live_version == first
    assert names_of(store, Question(where="upper_color = 'yellow'")) == ["0003.png"]
    with monkeypatch.context() as patch:
        patch.setattr(publish, "save_gate", killed)  # tagged, but the report is the one before
        with pytest.raises(KeyboardInterrupt):
            run_gate(store, PASSING, FAKE)
    status = store_status(store)
    assert status.live_version == status.version
    assert run_gate(store, PASSING, FAKE).live_before == status.version


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_people_whose_file_is_missing_are_not_hits_of_a_live_version_that_lags_behind(
    store: Store, photos: Path, how: str
) -> None:
    run_gate(store, PASSING, FAKE)
    if how == "removed":
        (photos / "0003.png").unlink()
    else:
        save(photos / "0003.png", scene("green", seed=9))
    index(store.root, [photos])
    assert not run_gate(store, FAILING, FAKE).passed
    yellow = Question("a yellow person", top=1)
    assert len(names_of(store, yellow)) == 1  # the next one takes the place
    assert "0003.png" not in names_of(store, Question("a yellow person"))
    assert "left out: 1 person whose files" in ask(store.root, yellow, FAKE)[0].warnings[1]
    (hit,) = ask(store.root, Question("a yellow person", top=1, absent=True), FAKE)[0].hits
    assert (Path(hit.uri).name, hit.source_state) == (
        "0003.png",
        "vanished" if how == "removed" else "replaced",
    )


def test_live_answers_when_new_settings_detect_no_person_but_leaves_out_missing_files(
    store: Store, photos: Path
) -> None:
    run_gate(store, PASSING, FAKE)
    (photos / "0003.png").unlink()
    index(store.root, [photos], load_config(profile="fake", segment={"min_height_px": 5000}))
    report = run_gate(store, Golden(store=StoreHealth(people_fall_at_most=0.5)), FAKE)
    assert [finding.actual for finding in report.failed] == [
        f"0 people, 7 in the live version {report.live_before}"
    ]
    assert len(names_of(store, Question("a person", apart=True))) == 6
    assert "0003.png" not in names_of(store, Question("a person", apart=True))


def test_an_archive_that_is_out_of_reach_does_not_pass(store: Store, photos: Path) -> None:
    first = run_gate(store, PASSING, FAKE).version
    for path in list(photos.iterdir())[1:]:
        path.unlink()
    index(store.root, [photos])
    (finding,) = run_gate(store, Golden(store=StoreHealth(people_fall_at_most=0.2)), FAKE).failed
    assert finding.actual.endswith(f"1 person, 7 in the live version {first}")


def test_a_word_that_the_model_never_saw_is_part_of_the_actual_value(store: Store) -> None:
    assert "'chasuble'" in only(store, GoldenQuery(text="a red chasuble", at_most=0)).actual


def test_rebuild_leaves_live_where_it_is_and_the_gate_moves_it(store: Store) -> None:
    first = run_gate(store, PASSING, FAKE).version
    record, lost = rebuild_index(store)
    assert lost is None
    assert store_status(store).live_version == first < record.version
    assert verify_store(store).problems == ()
    assert len(names_of(store, Question("a person", apart=True))) == 7
    assert run_gate(store, PASSING, FAKE).passed
    assert store_status(store).live_version == record.version


@pytest.mark.parametrize("files", ["_versions/*.manifest", "data/*.lance"])
def test_rebuild_releases_a_live_version_whose_files_are_lost(store: Store, photos: Path, files: str) -> None:
    live = run_gate(store, PASSING, FAKE).version
    (photos / "0003.png").unlink()
    index(store.root, [photos])
    for path in (store.index_path / "people.lance").glob(files):
        # Lance numbers manifests downwards
        if not files.startswith("_versions") or path.stem == str(2**64 - 1 - live):
            path.unlink()
    with pytest.raises((StoreError, RuntimeError, OSError)):
        ask(store.root, Question("a person", apart=True), FAKE)
    record, lost = rebuild_index(store)
    assert (lost, store_status(store).live_version) == (live, record.version)
    assert len(names_of(store, Question("a person", apart=True))) == 6
    assert run_gate(store, PASSING, FAKE).passed


@pytest.mark.parametrize(
    ("query", "passed", "actual"),
    [
        (RED, True, "2 among 4 hits"),
        (GoldenQuery(text="a red person", among_top=2, at_least=2), True, "2 or more among 2 hits"),
        (GoldenQuery(text="a red person", at_most=1), False, "2 among 7 hits"),
        (GoldenQuery(text="a red person", at_most=0, probability=1), True, "0 among 7 hits"),
        (GoldenQuery(where="upper_color = 'green'", at_least=1, at_most=1), True, "1 among 1 hit"),
        (GoldenQuery(where="height_px > 5000", at_most=0), True, "0 among 0 hits"),
        (
            GoldenQuery(text="a red person", among_top=2, expect=("0000.png", "photos/0004.png")),
            True,
            "2 of 2",
        ),
        (
            GoldenQuery(text="a red person", among_top=2, expect=("0000.png", "0003.png")),
            False,
            "1 of 2; missing: 0003.png",
        ),
        (
            GoldenQuery(text="a red person", among_top=2, expect=("0000.png", "0003.png"), recall=0.5),
            True,
            "1 of 2; missing: 0003.png",
        ),
        # ends at a folder's border
        (
            GoldenQuery(text="a red person", among_top=7, expect=("000.png",)),
            False,
            "0 of 1; missing: 000.png",
        ),
        (GoldenQuery(where="hatt > 0.5", at_most=0), False, "no column 'hatt'"),
    ],
)
def test_each_expectation(
    tmp_path: Path, store: Store, query: GoldenQuery, passed: bool, actual: str
) -> None:
    findings = run_gate(
        store, Golden(store=StoreHealth(verified=False), queries=(query,)), FAKE, dry_run=True
    ).findings
    assert {finding.passed for finding in findings} == {passed}
    assert all(actual in finding.actual for finding in findings)


def test_a_picture_and_ids_can_be_expected(store: Store, tmp_path: Path) -> None:
    picture = save(tmp_path / "query.png", scene("yellow", seed=5))
    (hit,) = ask(store.root, Question(image=picture, top=1), FAKE)[0].hits
    for name in (hit.person_id, hit.image_id, "0003.png"):
        assert only(store, GoldenQuery(image=picture, among_top=1, expect=(name,))).passed


def test_the_stores_own_health(store: Store, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    index(store.root, [photos])
    share = run_gate(store, Golden(store=StoreHealth(failed_share_at_most=0.1)), FAKE)
    assert [(finding.actual, finding.passed) for finding in share.findings] == [
        ("no problem", True),
        ("1 of 6 (16.7%)", False),
        ("0 of 7 (0.0%)", True),
    ]
    assert run_gate(
        store, Golden(store=StoreHealth(failed_share_at_most=0.2, people_fall_at_most=0.0)), FAKE
    ).passed
    (damaged,) = [path for path in (store.root / "describe").rglob("people.parquet") if path.stat().st_size][
        :1
    ]
    damaged.write_bytes(b"damaged")
    report = run_gate(store, Golden(), FAKE)
    assert [finding.expected for finding in report.failed] == ["par verify finds no problem"]
    assert "delete" in report.failed[0].actual


def test_without_an_index_there_is_nothing_to_gate(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="fill it with"):
        run_gate(Store.create(tmp_path / "empty"), PASSING, FAKE)


def test_a_stored_report_keeps_its_keys(store: Store) -> None:
    report = run_gate(store, PASSING, FAKE)
    kept = json.loads((store.root / "gate.json").read_text())
    assert set(kept) == {"checked_at", "version", "live_before", "findings"}
    assert kept["findings"][0] == {
        "check": "store",
        "wanted": "par verify finds no problem",
        "found": "no problem",
        "passed": True,
    }
    assert gate_object(report) == kept | {"passed": True}


def test_a_damaged_report_is_one_clear_line(store: Store) -> None:
    (store.root / "gate.json").write_text('{"findings": 3}')
    with pytest.raises(StoreError, match=r"gate\.json is damaged .* delete it"):
        last_gate(store)


def test_no_part_of_a_query_is_markup_in_a_report() -> None:
    finding = Finding("<script>|`x`", "[a](http://b) *c*", "line\nbreak", passed=False)
    table = gate_markdown(GateReport("2026-11-24T00:00:00+00:00", 2, 1, (finding,)))
    assert (
        table.splitlines()[-1]
        == r"| **failed** | &lt;script&gt;\|\`x\` | \[a\](http://b) \*c\* | line break |"
    )
