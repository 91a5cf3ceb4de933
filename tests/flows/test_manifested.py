"""The pods of ``deployments/kubernetes``, started as processes: Dask over TLS, probes, passwords."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.flows.manifested import Manifested
from tests.flows.test_deployments import eventually
from tests.flows.test_manifests import DEPLOYMENTS, pods
from tests.pictures import archive

PAR = [sys.executable, "-m", "flows.cli.main"]
SECRETS = {
    "par-prefect": {"connection-url": "sqlite+aiosqlite:////FOLDER/prefect.db", "auth-string": "par:Xr7pe0mQ"}
}


def certificates(folder: Path) -> Path:
    """Make them by the commands of the guide."""
    folder.mkdir()
    lines = [line.strip() for line in (DEPLOYMENTS / "README.md").read_text().splitlines()]
    typed = [line for line in lines if line.startswith("openssl ")]
    assert len(typed) == 2
    for line in typed:
        subprocess.run(["bash", "-c", line], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def manifested(prefect_environment: dict[str, str], tmp_path: Path) -> Iterator[Manifested]:
    own = certificates(tmp_path / "own")
    (tmp_path / "par").mkdir()
    secrets = {
        name: {key: text.replace("/FOLDER", str(tmp_path)) for key, text in each.items()}
        for name, each in SECRETS.items()
    }
    mounts = {"/etc/dask-tls": own, "/srv/par": tmp_path / "par"}
    made = Manifested(prefect_environment, tmp_path / "pods", secrets, mounts)
    try:
        yield made
    finally:
        made.end()


def status(url: str, **headers: str) -> int:
    """Return the status of an answer, 0 if there is none. Redirects count as they are for a probe."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def index(
    manifested: Manifested, environment: dict[str, str], *more: object
) -> subprocess.CompletedProcess[str]:
    address = manifested.local("tls://scheduler:8786")
    typed = [
        *PAR,
        "index",
        manifested.local("/srv/par/photos"),
        "--store",
        manifested.local("/srv/par/store"),
    ]
    return subprocess.run(
        [*typed, "--profile", "fake", "--scheduler", address, *map(str, more)],
        env={**environment, "PAR_MACHINE__PATIENCE_S": "20"},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_dask_takes_work_over_tls_and_refuses_whoever_has_no_certificate_of_its_authority(
    manifested: Manifested, prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    archive(Path(manifested.local("/srv/par/photos")), [("red",), ("green", "blue"), ()] * 4)
    manifested.start("dask-scheduler")
    manifested.start("dask-worker-cpu")
    for pod in ("dask-scheduler", "dask-worker-cpu"):
        for kind, url in manifested.probes(pod).items():
            eventually(lambda url=url: status(url) == 200, 60)
            assert status(url.replace("/health", "/info/main/workers.html")) == 404, kind
    with_keys = {**prefect_environment, **manifested.environment("prefect-worker")}
    with_keys.pop("PREFECT_API_URL")

    nobody = index(manifested, prefect_environment)
    other = certificates(tmp_path / "other")
    stranger = index(
        manifested, {key: text.replace(str(tmp_path / "own"), str(other)) for key, text in with_keys.items()}
    )
    plain = index(manifested, prefect_environment, "--scheduler", manifested.local("tcp://scheduler:8786"))
    said = (
        "this machine has no certificate for it: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE",
        "TLS certificate does not match",
        "no Dask scheduler answers",
    )
    for refused, reason in zip((nobody, stranger, plain), said, strict=True):
        assert refused.returncode == 2, refused.stderr
        assert reason in refused.stderr
    assert not (tmp_path / "par" / "store" / "describe").exists()
    own = index(manifested, with_keys)
    assert own.returncode == 0, own.stderr
    assert "12 files listed = 8 indexed + 4 without people + 0 failed" in own.stderr
    assert verify_store(Store.open(tmp_path / "par" / "store")).problems == ()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_probes_ask_what_answers_without_a_token(
    manifested: Manifested, prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    store = manifested.local("/srv/par/store")
    photos = archive(tmp_path / "photos", [("red",)])
    for typed in (["index", str(photos), "--profile", "fake"], ["tokens", "add", "anna", "--role", "search"]):
        subprocess.run(
            [*PAR, *typed, "--store", store], env=prefect_environment, check=True, capture_output=True
        )
    for pod in ("serve", "prefect"):
        manifested.start(pod)
    for pod in ("serve", "prefect"):
        for url in manifested.probes(pod).values():
            eventually(lambda url=url: status(url) == 200, 90)
    assert status(manifested.local("http://serve:8000/")) == 401
    assert status(manifested.local("http://prefect:4200/api/flows/count")) == 401
    assert set(pods()) == {
        "dask-scheduler",
        "dask-worker-cpu",
        "dask-worker-gpu",
        "postgres",
        "prefect",
        "prefect-worker",
        "serve",
    }
