"""Sets of text-based person search, written by the test in exactly the published formats."""

import json
from pathlib import Path

import pytest

from flows.console.datasets import check_dataset, report_lines
from par_core.datasets.captioned import CAPTIONED_SETS, read_captioned
from par_core.errors import BadConfigError
from tests.published import CAPTIONED, captioned


@pytest.mark.parametrize("name", CAPTIONED_SETS)
def test_pictures_captions_and_people_are_read_as_published(tmp_path: Path, name: str) -> None:
    entries = captioned(tmp_path, name)
    data = read_captioned(name, tmp_path)
    _, field, _ = CAPTIONED[name]
    assert [str(image.relative_to(tmp_path / "imgs")) for image in data.images] == [e[field] for e in entries]
    assert [list(captions) for captions in data.captions] == [entry["captions"] for entry in entries]
    assert data.identities == ("1", "1", "2", "2", "3", "3")
    assert data.parts == {"train": (0, 1), "test": (2, 3, 4, 5)}
    report = check_dataset(name, tmp_path, "0")
    assert report["problems"] == []
    n = sum(map(len, data.captions))
    assert list(report_lines(report))[:2] == [
        f"6 pictures with {n} captions, train 2, test 4",
        "identities: 3 on 6 images; 0 in train and test",
    ]


def test_the_other_spelling_of_icfg_pedes_is_read(tmp_path: Path) -> None:
    captioned(tmp_path, "icfg-pedes")
    (tmp_path / "ICFG-PEDES.json").rename(tmp_path / "ICFG_PEDES.json")
    assert len(read_captioned("icfg-pedes", tmp_path).images) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "valid"}, r"entry 3 \(cam_a/0002.png\): 'split' is 'valid', not one of train, val, test"),
        ({"captions": []}, r"entry 3 \(cam_a/0002.png\): there are no captions"),
        ({"captions": ["ok", " "]}, r"entry 3 \(cam_a/0002.png\): a caption is empty or no text"),
        ({"captions": "a man"}, r"entry 3 \(cam_a/0002.png\): there are no captions"),
        ({"id": None}, r"entry 3 \(cam_a/0002.png\): 'id' is None, not who it is"),
        ({"id": True}, r"entry 3 \(cam_a/0002.png\): 'id' is True"),
        (
            {"file_path": "../secret.png"},
            r"entry 3 \(../secret.png\): 'file_path' is '../secret.png', no path",
        ),
        ({"file_path": "/etc/passwd"}, r"entry 3 \(/etc/passwd\): .* no path in imgs/"),
        ({"file_path": 7}, r"entry 3: 'file_path' is 7, no path in imgs/"),
        ({"file_path": "cam_a/9.png"}, r"pictures that are not there: .*cam_a/9.png$"),
    ],
)
def test_an_odd_entry_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    entries = captioned(tmp_path, "cuhk-pedes")
    entries[2] |= change
    (tmp_path / "reid_raw.json").write_text(json.dumps(entries))
    with pytest.raises(BadConfigError, match=message):
        read_captioned("cuhk-pedes", tmp_path)
    assert len(check_dataset("cuhk-pedes", tmp_path, "0")["problems"]) == 1


def test_the_first_five_of_many_mistakes_are_named(tmp_path: Path) -> None:
    entries = captioned(tmp_path, "cuhk-pedes")
    (tmp_path / "reid_raw.json").write_text(json.dumps([7, *({**entry, "id": ""} for entry in entries)]))
    with pytest.raises(BadConfigError, match=r"entry 1: expected an object, got 7; entry 2 .*; and 2 more$"):
        read_captioned("cuhk-pedes", tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe[", b"[" * 100_000])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data_captions.json").write_bytes(content)
    with pytest.raises(BadConfigError, match=r"data_captions.json (is no JSON|holds no list)") as caught:
        read_captioned("rstpreid", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match=r"reid_raw.json is missing"):
        read_captioned("cuhk-pedes", tmp_path)
