"""A store on S3 as several hosts use it that share no folder: each has a cache of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import par_core as par_api
from benchmarks.faulty_proxy import FaultyProxy
from flows.cli.main import app
from flows.following import following
from flows.index import run_index
from par_core.config import load_config
from par_core.errors import BadConfigError
from par_core.object_store.places import close_copies
from par_core.object_store.s3 import S3Objects
from par_core.store.layout import Store
from tests.forgetting import anywhere
from tests.indexing import content, index
from tests.object_store_fixtures import proxy, server, url
from tests.object_stores import BUCKET, client_of
from tests.pictures import archive, save, scene
from tests.serving import answering
from tests.serving import client_of as page_of
from tests.waiting import wait_until

__all__ = ["proxy", "server", "url"]

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]
THREADS = load_config(profile="fake", machine={"runner": "threads", "workers": 1})


@dataclass
class Host:
    """A host: commands there use its cache."""

    cache: Path
    url: str

    @contextlib.contextmanager
    def here(self) -> Iterator[Path]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(self.cache))
            yield Path(self.url)
            close_copies()

    def index(self, *sources: Path) -> int:
        with self.here() as store:
            return run_index([str(source) for source in sources], store, THREADS, quiet=True).exit_code

    def content(self) -> list[dict]:
        with self.here() as store:
            Store.open(store).refresh()
            return content(store)

    def par(self, *arguments: object, typed: str | None = None) -> Result:
        with self.here() as store:
            Store(store).refresh()
            words = [*map(str, arguments), "--store", self.url]
            return CliRunner().invoke(app, words, input=typed)


@pytest.fixture
def hosts(url: str, proxy: FaultyProxy, tmp_path: Path) -> list[Host]:
    return [Host(tmp_path / f"host{number}", url) for number in range(3)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


def objects_with(proxy: FaultyProxy, url: str, text: str, folder: Path) -> list[str]:
    """Objects below a URL, former versions too, that hold a text; independent of PAR's reading of them."""
    client, prefix = client_of(proxy.url), url.split("/", 3)[3] + "/"
    for item in client.list_object_versions(Bucket=BUCKET, Prefix=prefix).get("Versions", []):
        read = client.get_object(Bucket=BUCKET, Key=item["Key"], VersionId=item["VersionId"])
        ending = ".parquet" if ".parquet@" in item["Key"] else ""
        name = re.sub(r"[^A-Za-z0-9]", "_", item["Key"]) + item["VersionId"][:8] + ending
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(read["Body"].read())
    return anywhere(folder, text)


def test_hosts_index_search_verify_and_rebuild_one_store(
    hosts: list[Host], photos: Path, tmp_path: Path
) -> None:
    first, second, third = hosts
    assert first.index(photos) == 0
    index(tmp_path / "local", [photos])
    assert second.content() == content(tmp_path / "local")
    save(photos / "new.png", scene("red", "blue", seed=9))
    assert second.index(photos) == 0
    index(tmp_path / "local", [photos])
    assert first.content() == third.content() == content(tmp_path / "local")
    status = json.loads(third.par("status", "--json").stdout)
    assert (status["accounting"]["indexed"], status["rows"]) == (5, 9)
    verified = third.par("verify", "--thorough")
    assert (verified.exit_code, "all is well" in verified.stdout) == (0, True), verified.stdout
    assert third.par("rebuild").exit_code == 0
    assert first.content() == content(tmp_path / "local")
    assert third.index(photos) == 0
    found = first.par("search", "a red person", "--profile", "fake", "--json")
    assert '"person_id"' in found.stdout, found.output
    assert first.par("verify", "--thorough").exit_code == 0


@pytest.mark.slow
def test_an_export_has_outlines_from_shards_that_are_fetched(
    hosts: list[Host], photos: Path, tmp_path: Path
) -> None:
    hosts[0].index(photos)
    done = hosts[1].par("export", "coco", "--out", tmp_path / "out", "--profile", "fake")
    assert done.exit_code == 0, done.output
    files = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json")]
    exported = next(content for content in files if "annotations" in content)
    assert len(exported["annotations"]) == 7
    assert all(annotation["segmentation"]["counts"] for annotation in exported["annotations"])
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert provenance["store"] == hosts[1].url


@pytest.mark.slow
def test_a_gate_on_one_host_decides_what_others_read(hosts: list[Host], photos: Path, tmp_path: Path) -> None:
    hosts[0].index(photos)
    golden = tmp_path / "golden.yaml"
    golden.write_text("store:\n  verified: true\n")
    assert hosts[1].par("gate", "--golden", golden, "--profile", "fake").exit_code == 0
    save(photos / "new.png", scene("red", "blue", seed=9))
    hosts[0].index(photos)  # goes live only through the gate
    with hosts[2].here() as store:
        Store.open(store).refresh()
        assert len(content(store, "live")) == 7
        assert len(content(store, "latest")) == 9
    assert hosts[2].par("gate", "--golden", golden, "--profile", "fake").exit_code == 0
    with hosts[1].here() as store:
        Store.open(store).refresh()
        assert len(content(store, "live")) == 9


@pytest.mark.slow
def test_reviews_searches_tokens_and_the_audit_log_reach_other_hosts(hosts: list[Host], photos: Path) -> None:
    hosts[0].index(photos)
    review = ("review", "a red person", "--batch", "2", "--profile", "fake")
    assert hosts[0].par(*review, typed="1\nq\n").exit_code == 0
    assert (
        "a-red-person: 'a red person'; judged 2"
        in hosts[1].par("review", "--list", "--profile", "fake").stdout
    )
    assert hosts[1].par("searches", "add", "reds", "a red person", "--profile", "fake").exit_code == 0
    assert hosts[2].par("searches", "list").stdout.startswith("reds\t")
    assert hosts[2].par("tokens", "add", "anna").exit_code == 0
    assert "anna" in hosts[0].par("tokens", "list").stdout
    assert hosts[0].par("tokens", "revoke", "anna").exit_code == 0
    log = json.loads(hosts[1].par("audit-log", "--json").stdout)
    done = [event["action"] for event in (log if isinstance(log, list) else log["events"])]
    assert {"review", "add_saved_search", "add_token", "revoke_token"} <= set(done)


def test_a_forgotten_person_is_gone_from_all_objects_and_copies(
    hosts: list[Host], photos: Path, proxy: FaultyProxy, tmp_path: Path
) -> None:
    client_of(proxy.url).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    hosts[0].index(photos)
    rows = hosts[1].content()
    going = next(row for row in rows if row["upper_color"] == "yellow" or len(rows) == 7)["person_id"]
    hosts[1].par("review", "a red person", "--batch", "9", "--profile", "fake", typed="\nq\n")
    assert hosts[1].par("tag", "add", "check", going).exit_code == 0  # only its own log names the person
    assert objects_with(proxy, hosts[0].url, going, tmp_path / "before")
    done = hosts[2].par("forget", "--person", going, "--yes")
    assert done.exit_code == 0, done.output
    assert "older versions deleted" in done.stderr
    assert objects_with(proxy, hosts[0].url, going, tmp_path / "after") == []
    assert len(hosts[0].content()) == len(hosts[1].content()) == len(rows) - 1
    for host in hosts[:2]:
        readers = [folder for folder in host.cache.rglob("reader") if folder.is_dir()]
        assert readers
        assert [anywhere(folder, going) for folder in readers] == [[] for _ in readers]
    client_of(proxy.url).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})


@pytest.mark.slow
def test_a_server_answers_from_new_versions_and_while_the_store_is_away(
    hosts: list[Host], photos: Path, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    from par_core.serve.app import create_app
    from par_core.serve.service import ArchiveService

    monkeypatch.setattr("flows.following.LOOKS_EVERY_S", 0.1)
    hosts[0].index(photos)
    with hosts[1].here() as store:
        service = ArchiveService(store, load_config(profile="fake"))
        with following(service.store), answering(create_app(service)) as address:

            def rows() -> int:
                return httpx.get(f"{address}/api/status", timeout=20).json()["people"]

            assert rows() == 7
            save(photos / "new.png", scene("red", "blue", seed=9))
            hosts[0].index(photos)
            wait_until(lambda: rows() == 9, 30)
            proxy.away = True
            time.sleep(0.3)
            assert rows() == 9
            proxy.away = False
            assert hosts[2].par("tokens", "add", "anna").exit_code == 0
            wait_until(lambda: httpx.get(f"{address}/api/status", timeout=20).status_code == 401, 30)


@pytest.mark.slow
def test_worker_processes_write_what_their_run_commits(
    hosts: list[Host], photos: Path, tmp_path: Path
) -> None:
    settings = load_config(profile="fake", machine={"runner": "dask", "workers": 2, "shard_size": 2})
    with hosts[0].here() as store:
        assert run_index([str(photos)], store, settings, quiet=True).exit_code == 0
    index(tmp_path / "local", [photos])
    assert hosts[1].content() == content(tmp_path / "local")
    moved = photos.rename(tmp_path / "moved")
    with hosts[2].here() as store:  # rows are copied from shards that workers fetch
        report = run_index([str(moved)], store, settings, quiet=True)
    assert (report.exit_code, report.recognised) == (0, 5)
    assert hosts[1].par("verify", "--thorough").exit_code == 0


@pytest.mark.slow
def test_python_callers_index_and_search(hosts: list[Host], photos: Path) -> None:
    with hosts[0].here():
        archive_ = par_api.open(hosts[0].url, profile="fake")
        archive_.index(photos)
        assert archive_.status().rows == 7
        save(photos / "new.png", scene("red", "blue", seed=9))
        archive_.index(photos)
        assert archive_.status().rows == 9


def test_the_page_forgets_a_person_of_a_store_on_s3(
    hosts: list[Host], photos: Path, proxy: FaultyProxy, tmp_path: Path
) -> None:
    hosts[0].index(photos)
    going = hosts[1].content()[0]["person_id"]
    with hosts[0].here() as store, page_of(store) as client:
        assert client.post("/api/tags", json={"people": [going], "add": ["check"]}).status_code == 200
        begun = client.post("/api/forget", json={"people": [going], "number": 1}).json()
        wait_until(lambda: client.get(f"/api/forget/{begun['name']}").json()["state"] != "running", 60)
        ended = client.get(f"/api/forget/{begun['name']}").json()
        assert (ended["state"], ended["left"], ended["message"]) == ("done", 0, "")
        assert client.get("/api/tags").json()["tags"] == {}  # the server's own copy has followed
    assert len(hosts[1].content()) == 6
    assert objects_with(proxy, hosts[0].url, going, tmp_path / "after") == []


def test_workers_of_other_hosts_are_refused_for_a_store_in_memory(hosts: list[Host], photos: Path) -> None:
    settings = load_config(profile="fake", machine={"scheduler": "tcp://127.0.0.1:1"})
    with hosts[0].here(), pytest.raises(BadConfigError, match=r"sees memory://here: name s3://"):
        run_index([str(photos)], Path("memory://here"), settings, quiet=True)


def test_messages_name_the_url(hosts: list[Host], tmp_path: Path) -> None:
    with hosts[0].here():
        done = CliRunner().invoke(app, ["status", "--store", hosts[0].url])
    assert str(done.exception) == (
        f"no store at {hosts[0].url}; make one with: par index SOURCE --store {hosts[0].url}"
    )


@pytest.mark.slow
def test_runs_killed_at_any_moment_lose_at_most_their_work(
    hosts: list[Host], photos: Path, proxy: FaultyProxy, tmp_path: Path
) -> None:
    """SIGKILL after ever more requests. The next run, on the same host or on another once the lease has
    ended, gives what a run in a folder gives.
    """
    index(tmp_path / "local", [photos])
    wanted = content(tmp_path / "local")
    proxy.delay_s = 0.005
    program = (
        "import sys; from par_core.object_store import holding; holding.LEASE_S, holding._SKEW_S = 1.0, 0.0;"
        "from flows.cli.main import main; sys.argv[0] = 'par'; main()"
    )
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    killed = 0
    for number, requests in enumerate((12, 25)):
        url = f"{hosts[0].url}-{number}"
        words = ["index", str(photos), "--store", url, "--profile", "fake", "--workers", "1"]
        proxy.seen.clear()
        run = subprocess.Popen(
            [sys.executable, "-P", "-c", program, *words],
            env={**environment, "XDG_CACHE_HOME": str(tmp_path / "killed")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while run.poll() is None and len(proxy.seen) < requests:
            time.sleep(0.002)
        killed += run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait()
        time.sleep(1.5)
        cache = tmp_path / ("killed" if number % 2 else "other")
        again = subprocess.run(
            [sys.executable, "-P", "-c", program, *words],
            env={**environment, "XDG_CACHE_HOME": str(cache)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 0, again.stderr
        reader = Host(tmp_path / f"reader{number}", url)
        assert reader.content() == wanted
        assert reader.par("verify", "--thorough").exit_code == 0
        with reader.here() as store:
            copy = Store.open(store).copy
            assert copy is not None
            named = {part.key for parts in copy.state.files().values() for part in parts}
        assert {item.key for item in S3Objects(url).listed("files/")} == named
    assert killed == 2
