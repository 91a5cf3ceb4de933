"""The public face: its names, its cost, its examples, and what it does with wrong calls."""

import doctest
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import par_core as par
import par_core.api
from tests.pictures import archive

NAMES = {
    *("Archive", "ExportReport", "Hit", "IndexSummary", "Results", "StatusReport", "open", "__version__"),
    *(
        "BadConfigError",
        "FilterError",
        "FingerprintError",
        "GoneError",
        "ParError",
        "StoreError",
        "TransientError",
        "UnknownIdError",
        "WeightsError",
    ),
}
METHODS = {
    *("config", "export", "index", "path", "search", "status"),
    *("add_picture", "all_hits", "audit", "browse", "crop", "facets", "groups", "image", "outline", "person"),
    *("compare", "image_people", "tag", "tags", "tags_of"),
    *("remove_search", "run_searches", "save_search", "saved_search", "searches", "suggest", "timeline"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("face")
    archive(root / "photos", [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "red")])
    return root


def test_the_exported_names_are_these() -> None:
    assert set(par.__all__) == NAMES
    assert {name for name in NAMES if getattr(par, name) is not None} == NAMES
    assert set(dir(par)) >= NAMES
    opened = par.open("store", profile="fake")
    assert {name for name in dir(opened) if not name.startswith("_")} == METHODS
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        par.serach  # noqa: B018


def test_every_example_of_the_documentation_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples stand on one another: the first one of the module fills the store."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PAR_PROFILE", "fake")
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    names = {"par": par}
    pieces = [
        par_core.api,
        par.open,
        par.Archive.search,
        par.Archive.index,
        par.Archive.export,
        par.Archive.status,
        par.Archive.all_hits,
        par.Archive.browse,
        par.Archive.facets,
        par.Archive.suggest,
        par.Archive.save_search,
        par.Archive.run_searches,
    ]
    for piece in pieces:
        example = parser.get_doctest(piece.__doc__ or "", names, getattr(piece, "__name__", ""), None, None)
        assert example.examples, f"{piece} has no example"
        runner.run(example, clear_globs=False)
        names |= example.globs
    assert runner.summarize(verbose=False).failed == 0


def test_importing_it_costs_less_than_a_fifth_of_a_second() -> None:
    code = (
        "import time; t = time.process_time(); import par_core as par; par.open; print(time.process_time()"
        " - t)"
    )
    costs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(costs) < 0.2


def test_it_loads_no_model_and_no_database() -> None:
    heavy = (
        "{name.split('.')[0] for name in sys.modules} & {'torch', 'lancedb', 'pyarrow', 'numpy', 'prefect',"
        " 'distributed', 'PIL'}"
    )
    code = (
        f"import sys; import par_core as par; print({heavy}); par.open('store'); print({heavy} - {{'numpy'}})"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert printed[:2] == ["set()", "set()"]


def test_wrong_calls_say_what_to_do(tmp_path: Path) -> None:
    opened = par.open(tmp_path / "store", profile="fake")
    with pytest.raises(par.BadConfigError, match="no store at"):
        opened.search("a man")
    with pytest.raises(par.BadConfigError, match="no store at"):
        opened.status()
    with pytest.raises(par.BadConfigError, match="name a source"):
        opened.index()
    with pytest.raises(par.BadConfigError, match="a store cannot be at gs://bucket/store"):
        par.open("gs://bucket/store")
    with pytest.raises(par.BadConfigError, match="no setting"):
        par.open(tmp_path, maschine={"device": "cpu"})
    assert not (tmp_path / "store").exists()


def test_an_export_refuses_choices_that_do_not_exist(folder: Path, tmp_path: Path) -> None:
    # in another process, as the tests' own checks of types would refuse them before
    program = f"""
import par_core as par
opened = par.open({str(folder / "store")!r}, profile="fake")
for choice in ({{"form": "xml"}}, {{"crops": "bad"}}, {{"query": "red", "top": 0}}):
    try:
        opened.export("out", **choice)
    except par.BadConfigError as error:
        print(str(error).split(";")[0])
"""
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(par.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines() == [
        "no format 'xml'",
        "no treatment 'bad' of crops",
        "top is 1 to 10,000, got 0",
    ]
    assert not (tmp_path / "out").exists()


def test_wrong_arguments_of_its_methods_are_refused_in_words(folder: Path) -> None:
    # in another process, as the tests' own checks of types would refuse them before
    program = f"""
import par_core as par
opened = par.open({str(folder / "store")!r}, profile="fake")
if not opened.status().rows:
    opened.index({str(folder / "photos")!r})
person = next(opened.browse())
for wrong in (
    lambda: opened.groups("hour"),
    lambda: opened.image(person.image_id, longest=0),
    lambda: opened.tag(person.person_id, ["check"]),
    lambda: opened.tag([person.person_id], "check"),
):
    try:
        wrong()
    except par.BadConfigError as error:
        print(error)
try:
    opened.crop("0" * 32)
except par.UnknownIdError as error:
    print(error)
"""
    par.open(folder / "store", profile="fake").index(folder / "photos")
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    groups, image, *tag, crop = found.stdout.splitlines()
    assert groups == "no groups by 'hour'; there are: camera, day"
    assert image == "longest is a number of pixels, 1 or more; got 0"
    assert tag == ["people and tags are lists, also of one: [person_id], ['check']"] * 2
    assert "0" * 32 in crop


def test_an_archive_on_s3_shows_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert repr(par.open("s3://bucket/people")) == "Archive('s3://bucket/people')"


def test_it_works_from_another_folder(tmp_path: Path, folder: Path) -> None:
    code = (
        f"import par_core as par; a = par.open('store', profile='fake'); a.index({str(folder / 'photos')!r});"
        " print(len(a.search('red', top=2)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) >= 1


def test_a_second_call_uses_the_open_store(folder: Path) -> None:
    opened = par.open(folder / "second", profile="fake")
    opened.index(folder / "photos")
    opened.search("red")
    begun = time.monotonic()
    assert len(opened.search("green", include_low_confidence=True, grouping=False)) == 6
    assert time.monotonic() - begun < 2
