"""What must be light is light, and the check itself can fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from par_core.store.layout import Store
from tests.indexing import content
from tests.pictures import archive

HEAVY = {
    "cv2",
    "dask",
    "distributed",
    "lance",
    "lancedb",
    "open_clip",
    "openvino",
    "prefect",
    "timm",
    "torch",
    "torchvision",
}


def loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_par_core_imports_nothing_heavy() -> None:
    assert loaded("import par_core, par_core.config, par_core.errors, par_core.types") == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["index", "--help"],
        ["search", "--help"],
        ["serve", "--help"],
        ["watch", "--help"],
        ["--version"],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['par', *{arguments!r}]\nfrom flows.cli.main import main\ntry:"
        " main()\nexcept SystemExit: pass\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", f"{code}import sys; print('HEAVY', *sorted({HEAVY!r} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "HEAVY"


WRONG_STORE = [
    *(
        "analyse",
        "audit-log",
        "forget --person 0",
        "gate",
        "review hat",
        "rebuild",
        "search hat",
        "serve",
        "shell",
        "status",
        "verify",
    ),
    *(
        "evaluate store --labels l.csv",
        "export csv --out o",
        "tokens add anna",
        "tokens list",
        "tokens revoke anna",
    ),
]


@pytest.mark.parametrize("typed", WRONG_STORE)
def test_a_wrong_store_is_reported_before_anything_heavy_is_imported(typed: str) -> None:
    arguments = [*typed.split(), "--store", "/nonexistent"]
    code = (
        f"import sys; sys.argv = ['par', *{arguments!r}]\nfrom flows.cli.main import main\ntry:"
        " main()\nexcept SystemExit as left: assert left.code == 2\n"
    )
    check = f"print('HEAVY', *sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=True)
    assert run.stderr.startswith("par: no store at /nonexistent; make one with")
    assert run.stdout == "HEAVY\n"


def test_a_status_loads_neither_arrow_nor_arrays() -> None:
    code = (
        "import sys; from pathlib import Path; from par_core.store.layout import Store;"
        " from par_core.stages.status import store_status; from flows.console.status import status_lines;"
        " from tempfile import mkdtemp; store_status(Store.create(Path(mkdtemp())));"
        " assert not {'numpy', 'pyarrow', 'sqlite3'} & set(sys.modules)"
    )
    assert loaded(code) == set()


def test_par_status_reads_no_settings_that_it_does_not_use(tmp_path: Path) -> None:
    Store.create(tmp_path / "s")
    code = (
        f"import sys; sys.argv = ['par', 'status', '--store', {str(tmp_path / 's')!r}]\n"
        "from flows.cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
        "assert not {'pydantic_settings', 'par_core.config'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "listed" in done.stdout


def test_searching_loads_no_orchestrator() -> None:
    code = (
        "import par_core.query.searching, par_core.query.where, par_core.store.lance,"
        " par_core.models.profiles"
    )
    assert loaded(code) & {"prefect", "dask", "distributed", "torch"} == set()


def test_serving_loads_no_orchestrator_and_asking_a_server_loads_nothing() -> None:
    assert loaded("import par_core.serve.app") & {"prefect", "dask", "distributed", "torch"} == set()
    assert loaded("import par_core.serve.client") == set()


def test_an_index_run_loads_nothing_heavy_before_its_server_starts() -> None:
    assert loaded("import flows.index") & {"lancedb", "prefect", "torch"} == set()


def test_a_run_over_a_few_pictures_imports_no_orchestrator_and_no_server(tmp_path: Path) -> None:
    archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])
    unused = {
        *("prefect", "dask", "distributed", "sqlalchemy", "fastapi", "uvicorn"),
        *("scipy", "matplotlib", "lance_namespace_urllib3_client"),
    }
    code = (
        "import os, sys; os.environ.pop('PREFECT_API_URL', None); from flows.cli.main import main;"
        f" sys.argv = ['par', 'index', {str(tmp_path / 'photos')!r}, '--store', {str(tmp_path / 's')!r},"
        " '--profile', 'fake', '--quiet']\ntry: main()\nexcept SystemExit as left: assert left.code == 0\n"
        f"print(*sorted({unused!r} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"
    assert len(content(tmp_path / "s")) == 3, "it did the work"


def test_the_check_itself_can_fail() -> None:
    assert loaded("import torch") == {"torch"}
