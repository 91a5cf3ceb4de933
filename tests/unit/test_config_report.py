"""The settings in force, and all that is wrong with settings."""

from pathlib import Path

import pytest

from par_core.config import RunConfig, setting_names
from par_core.config_report import OTHER_VARIABLES, check_settings, settings_in_force, variable_of
from par_core.errors import BadConfigError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.upper().startswith("PAR_")]:
        monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    (folder / "par.toml").write_text(text)
    return folder / "par.toml"


def test_every_setting_says_where_its_value_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(
        tmp_path, "[segment]\nmin_score = 0.1\nmin_height_px = 11\n[machine]\nworkers = 3\nshard_size = 8\n"
    )
    monkeypatch.setenv("PAR_SEGMENT__MIN_SCORE", "0.2")
    monkeypatch.setenv("par_describe", '{"thumbnails": true}')
    monkeypatch.setenv("PAR_MACHINE__DEVICE", "")  # counts as not set
    found = settings_in_force(file, {"machine": {"workers": 2, "device": None}, "profile": "fake"})
    assert [setting.name for setting in found] == setting_names(RunConfig)
    by_name = {setting.name: (setting.value, setting.origin) for setting in found}
    assert by_name["segment.min_score"] == (0.2, "environment PAR_SEGMENT__MIN_SCORE")
    assert by_name["segment.min_height_px"] == (11, f"file {file}")
    assert by_name["machine.workers"] == (2, "option")
    assert by_name["machine.shard_size"] == (8, f"file {file}")
    assert by_name["profile"] == ("fake", "option")
    assert by_name["describe.thumbnails"] == (True, "environment par_describe")
    assert by_name["machine.device"] == ("auto", "default")
    monkeypatch.setenv("PAR_NODE__DEVICE", "cpu")
    monkeypatch.setenv("PAR_NODE__BATCH_SIZE", "5")
    of_node = {setting.name: (setting.value, setting.origin) for setting in settings_in_force(file, {})}
    assert of_node["machine.device"] == ("cpu", "environment PAR_NODE__DEVICE, on this machine")
    assert of_node["machine.batch_size"] == (5, "environment PAR_NODE__BATCH_SIZE, on this machine")
    monkeypatch.setenv("PAR_NODE__BATCH", "5")
    with pytest.raises(BadConfigError, match="no setting of a node is named PAR_NODE__BATCH"):
        settings_in_force(None, {})


def test_what_is_secret_in_an_address_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAR_METRICS__PUSH", "https://anna:s3cr3t@10.0.0.9:9091/job?key=s3cr3t")
    monkeypatch.setenv("PAR_MACHINE__SCHEDULER", "tcp://10.0.0.5:8786")
    by_name = {setting.name: setting.value for setting in settings_in_force(None, {})}
    assert by_name["metrics.push"] == "https://10.0.0.9:9091/(hidden)"
    assert by_name["machine.scheduler"] == "tcp://10.0.0.5:8786"
    file = written(tmp_path, 'profile = "https://anna:s3cr3t@host"\n')
    assert "s3cr3t" not in "".join(map(str, check_settings(file)))
    monkeypatch.setenv("PAR_TOKN", "par_s3cr3t")
    assert "s3cr3t" not in "".join(map(str, check_settings(None)))


def test_a_wrong_setting_is_an_error_and_not_a_row(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="min_score"):
        settings_in_force(written(tmp_path, "[segment]\nmin_score = 7\n"), {})


def test_all_problems_are_named_and_not_only_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(
        tmp_path,
        "nonsense = 1\n[segment]\nmin_scor = 0.1\nmin_height_px = 0\n[machine]\nworkers = 'many'\n[clip]\n"
        "model = 3\n",
    )
    monkeypatch.setenv("PAR_MACHINE__SHARD_SIZ", "3")
    monkeypatch.setenv("PAR_MACHINE__BATCH_SIZE", "x")
    found = [str(problem) for problem in check_settings(file)]
    assert len(found) == 7
    assert f"{file}: segment.min_scor: no such setting; did you mean segment.min_score?" in found
    assert f"{file}: nonsense: no such setting" in found
    assert any("segment.min_height_px: Input should be greater than or equal to 1; got 0" in p for p in found)
    assert any("machine.workers" in p and "got 'many'" in p for p in found)
    assert any("clip.model" in p for p in found)
    assert (
        "environment: PAR_MACHINE__SHARD_SIZ: no such setting; did you mean PAR_MACHINE__SHARD_SIZE?" in found
    )
    assert any(p.startswith("environment: PAR_MACHINE__BATCH_SIZE: ") and "got 'x'" in p for p in found)


def test_paths_that_do_not_exist_are_named_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "weights_dir = '/no/weights'\n[metrics]\nfile = '/no/folder/x.prom'\n")
    monkeypatch.setenv("PAR_STORE", str(tmp_path / "none"))
    assert [str(problem) for problem in check_settings(file)] == [
        f"{file}: weights_dir: there is no folder at /no/weights",
        f"environment: store: there is no store at {tmp_path / 'none'}",
        f"{file}: metrics.file: there is no folder at /no/folder",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not toml", "is no TOML"), (b"\xff\xfe", "is no TOML"), (None, "cannot be read: No such file")],
)
def test_a_broken_file_is_one_problem(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "par.toml").write_bytes(content)
    (problem,) = check_settings(tmp_path / "par.toml")
    assert message in str(problem)


def test_a_variable_of_another_program_is_a_note_and_those_of_par_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in OTHER_VARIABLES:
        monkeypatch.setenv(name, "x")
    assert check_settings(None) == []
    monkeypatch.setenv("PAR_HOOK_SECRET", "s3cr3t")
    (note,) = check_settings(None)
    assert (note.name, note.certain) == ("PAR_HOOK_SECRET", False)


def test_every_setting_has_a_variable_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of("segment.min_height_px"), "77")
    by_name = {setting.name: setting.value for setting in settings_in_force(None, {})}
    assert by_name["segment.min_height_px"] == 77


def test_settings_of_a_node_are_known_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAR_NODE__BATCH_SIZE", "4")
    monkeypatch.setenv("PAR_NODE__DEVICE", "")  # counts as not set
    assert check_settings(None) == []
    monkeypatch.setenv("PAR_NODE__BATCH_SIZE", "many")
    monkeypatch.setenv("PAR_NODE__DEVIC", "cpu")
    monkeypatch.setenv("PAR_NODE__X", "1")
    device, other, batch = (str(problem) for problem in check_settings(None))
    assert device.endswith("PAR_NODE__DEVIC: no such setting of a node; did you mean PAR_NODE__DEVICE?")
    assert "PAR_NODE__X: no such setting of a node; there are: PAR_NODE__BATCH_SIZE, " in other
    assert batch.startswith("environment: PAR_NODE__BATCH_SIZE: Input should be a valid integer")
    assert batch.endswith("got 'many'")


def test_the_beginning_of_a_name_stands_for_the_only_setting_that_has_it(tmp_path: Path) -> None:
    (problem,) = check_settings(written(tmp_path, "[machine]\nthread = 2\n"))
    assert problem.message == "no such setting; did you mean machine.threads_per_worker?"
