"""What ``pip install`` puts on a machine: three packages, and the licence."""

import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import pytest

from par_core import __version__

INFO = f"par_search-{__version__}.dist-info"
ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
# of www.apache.org/licenses/LICENSE-2.0.txt
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy of the repository, with what a developer's checkout may hold beside it; without the
    weights, which are large.
    """
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(".*", "__pycache__", "*.safetensors", "results", "build")
    shutil.copytree(ROOT, copy, ignore=left_out, dirs_exist_ok=True)
    (copy / "build").mkdir()
    (copy / "build" / "__init__.py").touch()
    subprocess.run([sys.executable, "-P", "-c", BUILD, str(out)], cwd=copy, capture_output=True, check=True)
    (file,) = out.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_installs_these_three_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name.split("/")[0] for name in wheel.namelist()}
    assert names == {"flows", "tasks", "par_core", INFO}


def test_the_wheel_has_all_code_and_what_pages_are_made_of(wheel: zipfile.ZipFile) -> None:
    kept = {
        path
        for package in ("flows", "tasks", "par_core")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
    }
    wanted = {str(path.relative_to(ROOT)) for path in kept if path.suffix not in (".pyc", ".safetensors")}
    assert wanted == {name for name in wheel.namelist() if not name.startswith("par_search-")}


def test_the_licence_is_unmodified_and_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    text = (ROOT / "LICENSE").read_bytes()
    assert sha256(text).hexdigest() == APACHE_2
    assert wheel.read(f"{INFO}/licenses/LICENSE") == text
    metadata = message_from_bytes(wheel.read(f"{INFO}/METADATA"))
    assert (metadata["License-Expression"], metadata.get_all("License-File")) == ("Apache-2.0", ["LICENSE"])


def test_the_container_is_built_with_the_licence_that_the_package_names() -> None:
    dockerfile = (ROOT / "deployments" / "worker.Dockerfile").read_text()
    assert {"pyproject.toml", "README.md", "LICENSE"} <= set(
        dockerfile.split("COPY ")[1].splitlines()[0].split()
    )
