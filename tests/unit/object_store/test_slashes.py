"""Stores and sources that are URLs without their slashes."""

from pathlib import Path

import pytest

import par_core as par
from par_core.archive.listing import list_source
from par_core.errors import BadConfigError
from par_core.forget.request import Request
from par_core.object_store.slashes import refuse_without_slashes
from par_core.store.layout import Store
from tests.pictures import archive

LACKING = ["s3:people", "S3:people/main", "s3a:people", "memory:people", "gs:people", "http:host/x"]


@pytest.mark.parametrize("place", LACKING)
def test_no_store_is_made_there(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for make in (Store.create, Store.open, par.open):
        with pytest.raises(BadConfigError, match=f"^{place} has no // after the colon: write "):
            make(Path(place))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [*LACKING, "s3:/people"])
def test_no_source_is_read_there(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / place, [("red",)])
    match = f"^{place} has no // after the colon"
    with pytest.raises(BadConfigError, match=match):
        list_source(place)
    with pytest.raises(BadConfigError, match=match):
        Request.of(sources=[place])
    assert len(list_source(str(tmp_path / place)).entries) == 1


@pytest.mark.parametrize(
    "place", ["s3://people", "/srv/s3:people", "./s3:people", "s3", "s3:", "s3x:people", "c:x"]
)
def test_others_are_taken_as_they_are(place: str) -> None:
    refuse_without_slashes(place)


def test_what_pathlib_makes_of_a_url_is_the_url() -> None:
    refuse_without_slashes(str(Path("s3://people/main")), one_will_do=True)
    with pytest.raises(BadConfigError):
        refuse_without_slashes("s3:/people/main")


def test_credentials_are_not_repeated() -> None:
    with pytest.raises(BadConfigError, match=r"^s3:\.\.\. has no //") as error:
        refuse_without_slashes("s3:KEY:hidden/1@people")
    assert "hidden" not in str(error.value)
