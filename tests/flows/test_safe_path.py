"""Whatever the repository starts Python with keeps it from importing from the current folder."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("par_core", "tasks", "flows", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def unsafe_starts(code: str) -> Iterator[str]:
    """Command lines in Python that run ``-m`` or ``-c`` without ``-P`` or the environment's PYTHONSAFEPATH in
    the same module.
    """
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.List) and node.elts and ast.unparse(node.elts[0]) == "sys.executable":
            flags = [element.value for element in node.elts[1:] if isinstance(element, ast.Constant)]
            if {"-m", "-c"} & set(flags) and "-P" not in flags and '"PYTHONSAFEPATH": "1"' not in code:
                yield ast.unparse(node)


def test_python_is_started_without_the_current_folder() -> None:
    assert [start for path in SOURCES for start in unsafe_starts(path.read_text())] == []


@pytest.mark.parametrize("options", ['"-m", "flows.cli.main"', '"-c", code'])
def test_the_check_itself_can_fail(options: str) -> None:
    assert list(unsafe_starts(f"subprocess.run([sys.executable, {options}])"))
    assert not list(unsafe_starts(f'subprocess.run([sys.executable, "-P", {options}])'))


def test_the_makefile_starts_modules_without_the_current_folder() -> None:
    assert re.findall(r"python -m .*", (ROOT / "Makefile").read_text()) == []


def test_units_containers_and_deployments_are_set_up_so() -> None:
    deployments = ROOT / "deployments"
    assert "PYTHONSAFEPATH=1" in (deployments / "systemd" / "par.env").read_text().splitlines()
    for unit in (deployments / "systemd").glob("*.service"):
        assert "EnvironmentFile=/etc/par/par.env" in unit.read_text().splitlines(), unit
    assert re.search(r"^ENV .*\bPYTHONSAFEPATH=1", (deployments / "worker.Dockerfile").read_text(), re.M)
    for name, service in yaml.safe_load((deployments / "compose.yaml").read_text())["services"].items():
        if name not in ("postgres", "objects"):  # those that do not run Python
            assert service["build"]["dockerfile"] == "deployments/worker.Dockerfile", name
    for deployment in yaml.safe_load((deployments / "prefect.yaml").read_text())["deployments"]:
        assert deployment["work_pool"]["job_variables"]["env"]["PYTHONSAFEPATH"] == "1", deployment["name"]
