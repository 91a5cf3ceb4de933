"""Every command that takes a store finds it in the same way: --store, then PAR_STORE, then the file of
--config.
"""

import sys
from pathlib import Path

import pytest
import typer

from flows.cli import main as cli
from par_core.store.layout import Store

COMMANDS = {
    f"{name} {inner}".strip(): command
    for name, group in typer.main.get_command(cli.app).commands.items()  # type: ignore[attr-defined]
    for inner, command in getattr(group, "commands", {"": group}).items()
}
WITH_STORE = [
    name
    for name, command in COMMANDS.items()
    if any("--store" in parameter.opts for parameter in command.params)
]
OPTIONAL = ("config show", "generate prune")  # which work without a store too
NEEDED = [name for name in WITH_STORE if name not in OPTIONAL]
MADE = ["index", "plan", "watch"]  # which take a store that does not exist yet
READING = [name for name in NEEDED if name not in MADE]
ALSO_NEEDED = {
    "index": ["photos"],
    "plan": ["photos"],
    "watch": ["photos"],
    "export": ["csv", "--out", "people"],
    "evaluate": ["store", "--labels", "labels.csv"],
    "tokens add": ["anna"],
    "tokens revoke": ["anna"],
    "searches add": ["red", "upper:red"],
    "searches show": ["red"],
    "searches remove": ["red"],
    "tag add": ["check", "1eba3ecb27aa3da0f6df4c4231b98568"],
    "tag remove": ["check", "1eba3ecb27aa3da0f6df4c4231b98568"],
    "tag note": ["1eba3ecb27aa3da0f6df4c4231b98568", "a ladder"],
}
PLACES = [
    ({"--store", "PAR_STORE", "--config"}, "--store"),
    ({"--store", "--config"}, "--store"),
    ({"PAR_STORE", "--config"}, "PAR_STORE"),
    ({"--config"}, "--config"),
]


def typed(name: str, places: set[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command's arguments; each of the places names a folder after itself."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PAR_STORE", raising=False)
    arguments = list(ALSO_NEEDED.get(name, []))
    if "PAR_STORE" in places:
        monkeypatch.setenv("PAR_STORE", str(folder / "PAR_STORE"))
    if "--config" in places:
        (folder / "par.toml").write_text(f"store = '{folder / '--config'}'\n")
        arguments += ["--config", "par.toml"]
    if "--store" in places:
        arguments += ["--store", str(folder / "--store")]
    return arguments


def failure(
    name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setattr(sys, "argv", ["par", *name.split(), *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    return capsys.readouterr().err


def test_the_commands_with_a_store_are_these() -> None:
    assert set(WITH_STORE) == {
        *(
            "analyse",
            "audit-log",
            "evaluate",
            "export",
            "forget",
            "gate",
            "review",
            "index",
            "plan",
            "rebuild",
            "search",
            "serve",
            "shell",
            "status",
            "watch",
            "generate prune",
        ),
        "config show",
        *("tokens add", "tokens list", "tokens revoke", "verify"),
        *("searches add", "searches list", "searches show", "searches remove", "searches run"),
        *("tag add", "tag remove", "tag note", "tag list"),
    }


@pytest.mark.parametrize(("places", "wins"), PLACES)
@pytest.mark.parametrize("name", READING)
def test_the_strongest_place_names_the_store(
    name: str,
    places: set[str],
    wins: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = failure(name, typed(name, places, tmp_path, monkeypatch), monkeypatch, capsys)
    assert (
        shown
        == f"par: no store at {tmp_path / wins}; make one with: par index SOURCE --store {tmp_path / wins}\n"
    )


@pytest.mark.parametrize(("places", "wins"), PLACES)
@pytest.mark.parametrize("name", MADE)
def test_the_strongest_place_names_the_store_that_is_made(
    name: str, places: set[str], wins: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = COMMANDS[name].make_context(name, typed(name, places, tmp_path, monkeypatch))
    assert context.params["store"] == tmp_path / wins


@pytest.mark.parametrize("name", NEEDED)
def test_a_url_without_its_slashes_is_no_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*typed(name, set(), tmp_path, monkeypatch), "--store", "s3:people/main"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    shown = failure(name, arguments, monkeypatch, capsys)
    assert shown.startswith("par: s3:people/main has no // after the colon: write s3://people/main; "), shown
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("name", NEEDED)
def test_without_any_store_one_error_says_how_to_name_it(
    name: str,
    empty: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = typed(name, set(), tmp_path, monkeypatch)
    Store.create(tmp_path / "store")  # no command takes a folder by its name alone
    if empty:
        monkeypatch.setenv("PAR_STORE", "")
    shown = failure(name, arguments, monkeypatch, capsys)
    beginning = "name a source (par analyse photos/) or a store" if name == "analyse" else "no store is named"
    assert (
        shown
        == f'par: {beginning}: give --store DIR, set PAR_STORE=DIR, or write store = "DIR" into the file of'
        " --config\n"
    )


@pytest.mark.parametrize("name", NEEDED)
def test_a_wrong_file_of_settings_fails_also_where_the_store_is_given(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*typed(name, {"--store"}, tmp_path, monkeypatch), "--config", "none.toml"]
    assert failure(name, arguments, monkeypatch, capsys) == "par: no configuration file at none.toml\n"


def test_a_source_that_is_analysed_needs_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAR_STORE", str(tmp_path / "none"))
    monkeypatch.setattr(sys, "argv", ["par", "analyse", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert "no store" not in capsys.readouterr().err
    assert left.value.code == 0
