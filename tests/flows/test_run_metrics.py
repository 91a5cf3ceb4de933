"""What a run says to Prometheus, in a file and to a gateway."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows.index import run_index
from par_core.config import RunConfig, load_config
from par_core.errors import BadConfigError, StoreError
from par_core.store.layout import Store
from tests.pictures import archive

GROUPS = [("red",), ("green", "blue"), (), ("yellow",)]
Samples = dict[tuple[str, ...], float]


def parsed(text: str) -> Samples:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def config_of(**metrics: object) -> RunConfig:
    return load_config(profile="fake", metrics=metrics, machine={"runner": "threads", "workers": 1})


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    photos = archive(tmp_path / "photos", GROUPS)
    (photos / "letter.png").write_bytes(b"no picture")
    return photos


def test_the_file_of_a_run_agrees_with_its_report_and_with_the_store(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "par.prom"
    report = run_index([str(photos)], tmp_path / "s", config_of(file=file), quiet=True)
    now = parsed(file.read_text())
    assert now["par_run_exit_code",] == report.exit_code == 1
    assert now["par_run_in_progress",] == 0
    assert (now["par_run_images", "done"], now["par_run_images", "queued"]) == (5, 0)
    assert now["par_run_files", "new"] == report.plan.new == now["par_run_listed_files",] == 5
    assert now["par_store_files", "indexed"] == report.accounting.indexed == 3
    [failure] = report.accounting.failures
    assert now["par_store_failed_files", failure] == report.accounting.failures[failure] == 1
    assert now["par_store_people", "described"] == now["par_index_people",] == report.commit.rows == 4
    assert now["par_run_end_timestamp_seconds",] >= now["par_run_start_timestamp_seconds",]
    rows = {key[1:]: value for key, value in now.items() if key[0] == "par_run_stage_rows_total"}
    assert rows["segment", "ok"] == 3
    assert rows["segment", failure] == 1
    assert rows["describe", "ok"] == 4
    work = [key for key in now if key[0] == "par_run_stage_seconds_total"]
    assert {key[2] for key in work} == {"segment", "describe"}
    assert len({key[1] for key in work}) == 1  # this host
    assert (file.stat().st_mode & 0o444) == 0o444  # node_exporter is another user
    assert sorted(path.name for path in tmp_path.iterdir()) == ["par.prom", "photos", "s"]


def test_a_run_with_nothing_to_do_says_so(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "par.prom"
    for _ in range(2):
        run_index([str(photos)], tmp_path / "s", config_of(file=file), quiet=True)
    now = parsed(file.read_text())
    assert now["par_run_files", "new"] == 0
    assert now["par_run_files", "unchanged"] == 5
    assert now["par_run_images", "done"] == 0
    assert not [key for key in now if key[0].startswith("par_run_stage")]
    assert now["par_index_people",] == 4


def test_a_run_writes_while_it_works(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, seen = tmp_path / "par.prom", threading.Event()

    def slowly(*arguments: object) -> None:
        def under_way() -> bool:
            now = parsed(file.read_text())
            return now["par_run_in_progress",] == 1 and any(key[0] == "par_run_workers" for key in now)

        for _ in range(200):
            if under_way():
                seen.set()
                return
            threading.Event().wait(0.05)

    monkeypatch.setattr("flows.shard_job.index_shards", slowly)
    run_index([str(photos)], tmp_path / "s", config_of(file=file, every_s=0.05), quiet=True)
    assert seen.is_set()
    assert parsed(file.read_text())["par_run_in_progress",] == 0


def test_an_error_that_ends_a_run_is_in_the_file(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "par.prom"
    with pytest.raises(BadConfigError):
        run_index([str(tmp_path / "none")], tmp_path / "s", config_of(file=file), quiet=True)
    assert parsed(file.read_text())["par_run_exit_code",] == 2


def test_a_second_run_that_must_not_write_leaves_the_file_of_the_first(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "par.prom"
    with Store.create(tmp_path / "s").exclusive(), pytest.raises(StoreError):
        run_index([str(photos)], tmp_path / "s", config_of(file=file), quiet=True)
    assert not file.exists()


def test_a_wrong_place_is_refused_before_work_begins(photos: Path, tmp_path: Path) -> None:
    for metrics, hint in [
        ({"file": tmp_path / "par.txt"}, "end in .prom"),
        ({"file": tmp_path / "none" / "par.prom"}, "there is no folder"),
        ({"push": "10.0.0.9:9091"}, "http://"),
    ]:
        with pytest.raises(BadConfigError, match=hint):
            run_index([str(photos)], tmp_path / "s", config_of(**metrics), quiet=True)
    assert not (tmp_path / "s").exists()


class Gateway(http.server.ThreadingHTTPServer):
    """Takes what is pushed, as a Pushgateway does."""

    pushed: list[tuple[str, str]]
    status = 200


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.server.pushed.append((unquote(self.path), body))  # type: ignore[attr-defined]
            self.send_response(self.server.status)  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with Gateway(("127.0.0.1", 0), Handler) as server:
        server.pushed = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_gateway_gets_the_same_metrics(photos: Path, tmp_path: Path, gateway: Gateway) -> None:
    address = f"http://127.0.0.1:{gateway.server_port}"
    report = run_index([str(photos)], tmp_path / "s", config_of(push=address), quiet=True)
    path, body = gateway.pushed[-1]
    assert path.startswith("/metrics/job/par-index/")
    now = parsed(body)
    assert now["par_run_exit_code",] == report.exit_code
    assert now["par_index_people",] == 4


def test_a_gateway_that_is_away_or_refuses_costs_one_warning(
    photos: Path, tmp_path: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.status = 400
    for port in (1, gateway.server_port):
        file = tmp_path / "par.prom"
        config = config_of(push=f"http://127.0.0.1:{port}", file=file)
        report = run_index([str(photos)], tmp_path / f"s{port}", config, quiet=True)
        assert report.commit.rows == 4
        assert capsys.readouterr().err.count("the metrics of the run could not be written") == 1
        assert parsed(file.read_text())["par_run_exit_code",] == 1


def test_the_workers_of_a_cluster_are_known_by_their_host(
    photos: Path, tmp_path: Path, gateway: Gateway
) -> None:
    metrics = {"push": f"http://127.0.0.1:{gateway.server_port}", "every_s": 0.05}
    config = load_config(profile="fake", metrics=metrics, machine={"runner": "dask", "workers": 1})
    run_index([str(photos)], tmp_path / "s", config, quiet=True)
    seen = [parsed(body) for _, body in gateway.pushed]
    assert any(now.get(("par_run_workers", "127.0.0.1")) == 1 for now in seen)
    assert not any(key[0] == "par_run_workers" for key in seen[-1])
    assert seen[-1]["par_run_images", "done"] == 5
    assert sum(value for key, value in seen[-1].items() if key[0] == "par_run_stage_shards_total") == 2
