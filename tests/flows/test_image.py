"""``deployments/worker.Dockerfile`` is built by a real builder, and the image does work.

The base is ``PAR_BASE_IMAGE``, where it names an image that can be fetched; else a fresh Debian with Python
3.11 in place of ``python:3.11-slim``.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from par_core.stages.check import verify_store
from par_core.store.layout import Store
from par_core.version import __version__
from tests.flows.processes import free_port
from tests.flows.test_deployments import eventually
from tests.flows.test_manifested import status
from tests.pictures import archive

ROOT = Path(__file__).parents[2]
NEEDED = [program for program in ("buildah", "debootstrap") if shutil.which(program) is None]
PYTHON = "python3,python3-pip,ca-certificates"


@dataclass
class Builder:
    """Buildah with a storage of its own, without a daemon."""

    folder: Path

    def __call__(self, *arguments: object, timeout: float = 900) -> str:
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout.strip()

    def command(self, *arguments: object) -> list[str]:
        return [
            "buildah",
            "--root",
            f"{self.folder}/root",
            "--runroot",
            f"{self.folder}/run",
            *map(str, arguments),
        ]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    if os.geteuid() != 0 or NEEDED:
        pytest.skip("building the image needs root, buildah and debootstrap (Debian's packages)")
    made = Builder(tmp_path_factory.mktemp("images"))
    try:
        yield made
    finally:
        made("rm", "--all")
        shutil.rmtree(made.folder)


@pytest.fixture(scope="module")
def image(builder: Builder) -> str:
    base = os.environ.get("PAR_BASE_IMAGE") or debian_with_python(builder)
    file = "deployments/worker.Dockerfile"
    builder("bud", "--from", base, "--file", file, "--tag", f"par-worker:{__version__}", ".")
    return f"localhost/par-worker:{__version__}"


def debian_with_python(builder: Builder) -> str:
    """Make an image that has what ``python:3.11-slim`` has for the file: ``python`` and ``pip``."""
    tree = builder.folder / "tree"
    made = ["debootstrap", "--variant=minbase", f"--include={PYTHON}", "bookworm", str(tree)]
    subprocess.run(made, check=True, capture_output=True, timeout=600)
    for name, program in (("python", "python3"), ("pip", "pip3")):
        (tree / "usr/local/bin" / name).symlink_to(f"/usr/bin/{program}")
    (tree / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")  # also those of a proxy before the registry
    shutil.copy(authorities, tree / authorities.relative_to("/"))
    container = builder("from", "scratch")
    builder("add", "--quiet", container, tree, "/")
    builder("commit", "--quiet", "--rm", container, "localhost/python:3.11-slim")
    shutil.rmtree(tree)
    return "localhost/python:3.11-slim"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_image_indexes_and_serves_the_pages_of_prefect_as_a_user_without_rights(
    builder: Builder, image: str, tmp_path: Path
) -> None:
    container = builder("from", image)
    volume = tmp_path / "par"
    archive(volume / "photos", [("red",), ("green", "blue"), ()])
    for each in (volume, *volume.rglob("*")):
        os.chown(each, 1000, 1000)
    mount = ("--volume", f"{volume}:/srv/par")

    assert builder("run", container, "--", "id", "--user") == "1000"
    programs = builder(
        "run", container, "--", "sh", "-c", "which par dask prefect; ls /par; ls -d /par/*/*.py"
    )
    assert programs.split()[:3] == [f"/usr/local/bin/{name}" for name in ("par", "dask", "prefect")]
    assert "tests" not in programs
    assert "deployments" not in programs
    writable = "find / -xdev -writable -not -path '/proc/*' -not -path '/dev/*' -not -path '/sys/*' -type d"
    found = set(builder("run", container, "--", "sh", "-c", f"{writable} 2>/dev/null; true").split())
    assert {each for each in found if not each.startswith(("/home/par", "/tmp", "/var/tmp", "/run"))} == set()
    builder("run", *mount, container, "--", "par", "index", "/srv/par/photos", "--store", "/srv/par/store")
    assert "3 files listed" in builder(
        "run", *mount, container, "--", "par", "status", "--store", "/srv/par/store"
    )
    assert verify_store(Store.open(volume / "store")).problems == ()

    port = free_port()
    serve = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    compose = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())["services"]["prefect"]
    names = ("PREFECT_UI_STATIC_DIRECTORY", "PREFECT_SERVER_ANALYTICS_ENABLED")
    pages = [part for name in names for part in ("--env", f"{name}={compose['environment'][name]}")]
    server = subprocess.Popen(
        builder.command("run", *pages, container, "--", *serve),
        env=builder.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: status(f"http://127.0.0.1:{port}/api/health") == 200, 120)
        assert status(f"http://127.0.0.1:{port}/") == 200
    finally:
        os.killpg(server.pid, 15)
        server.wait(60)
