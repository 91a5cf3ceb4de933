from pathlib import Path

import pytest

from par_core.config import config_of, load_config
from par_core.errors import BadConfigError, WeightsError
from par_core.models.fingerprints import fingerprints


def test_command_line_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "par.toml"
    file.write_text("[segment]\nmin_score = 0.1\nmin_height_px = 11\n[machine]\nworkers = 3\n")
    monkeypatch.setenv("PAR_SEGMENT__MIN_SCORE", "0.2")
    config = load_config(file, segment={"min_score": 0.3})
    assert (config.segment.min_score, config.segment.min_height_px, config.machine.workers) == (0.3, 11, 3)
    assert load_config(file).segment.min_score == 0.2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"segment": {"min_score": 7}}, "segment.min_score"),
        ({"nonsense": 1}, "no setting nonsense; there are: profile, "),
        ({"segment": {"min_scor": 0.1}}, r"no setting segment\.min_scor; did you mean segment\.min_score\?"),
        ({"describe": {"cutout": {"marging": 0.1}}}, r"did you mean describe\.cutout\.margin\?"),
        ({"profile": "huge"}, "profile"),
        ({"machine": {"workers": 0}}, "machine.workers"),
    ],
)
def test_wrong_settings_are_named(overrides: dict, message: str) -> None:
    with pytest.raises(BadConfigError, match=message):
        load_config(**overrides)


def test_unknown_keys_and_broken_files_fail(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[segment]\nmin_scor = 0.1\n")
    (tmp_path / "b.toml").write_text("not toml")
    for name, message in (("a.toml", "min_scor"), ("b.toml", "b.toml"), ("c.toml", "no configuration file")):
        with pytest.raises(BadConfigError, match=message):
            load_config(tmp_path / name)


def test_a_configuration_survives_the_way_to_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(profile="fake", weights_dir="/w", segment={"min_score": 0.4})
    monkeypatch.setenv("PAR_SEGMENT__MIN_SCORE", "0.9")  # the worker's own environment must not matter
    assert config_of(config.model_dump(mode="json")) == config


def test_what_decides_the_answer_changes_the_digest_and_the_machine_does_not() -> None:
    plain = load_config()
    assert (
        load_config(describe={"cutout": {"background": "blur"}}).describe.digest() != plain.describe.digest()
    )
    assert fingerprints(load_config(machine={"workers": 7})) == fingerprints(plain)
    assert fingerprints(load_config(segment={"min_score": 0.2})).segmenter != fingerprints(plain).segmenter


def test_missing_weights_of_the_clip_profile_say_which_file_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="--weights-dir"):
        fingerprints(load_config(profile="clip"))
    with pytest.raises(WeightsError, match=f"put maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth into {tmp_path}"):
        fingerprints(load_config(profile="clip", weights_dir=tmp_path))
