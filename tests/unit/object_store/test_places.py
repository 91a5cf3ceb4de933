"""Where working copies are: what is refused, what is damaged, and what messages name."""

import json
from pathlib import Path

import pytest

from par_core.errors import BadConfigError, StoreError
from par_core.object_store.names import COPY
from par_core.object_store.places import copy_folder, copy_of, shown

PASSWORD = "wJalrXUtnFEMI/K7MDENG"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    "url", [f"s3://KEY:{PASSWORD}@people/main", "s3://KEY:short@people/main", "s3://KEY@people"]
)
def test_credentials_in_a_url_are_refused_and_never_repeated(url: str, cache: Path) -> None:
    with pytest.raises(BadConfigError, match="holds no credentials") as error:
        copy_folder(url)
    assert not [word for word in ("KEY:", "wJalr", "K7MDENG", "short") if word in str(error.value)]
    assert not cache.exists()


def test_a_prefix_may_hold_an_at_sign() -> None:
    assert copy_folder("s3://people/a@b:c").is_dir()


def test_a_cache_that_cannot_be_written_to_is_named(cache: Path) -> None:
    cache.write_bytes(b"")
    with pytest.raises(BadConfigError, match=f"{cache}, which cannot be written to .*XDG_CACHE_HOME"):
        copy_folder("s3://people/main")


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"url": "s3://people/main"}', "\xff"])
def test_a_damaged_mark_of_a_copy_says_what_may_be_deleted(damaged: str) -> None:
    folder = copy_folder("s3://people/main")
    (folder / COPY / "place.json").write_text(damaged, encoding="latin-1")
    with pytest.raises(StoreError, match=f"delete {folder}, which is a copy"):
        copy_of(folder)


def test_a_message_never_asks_to_delete_the_store_itself() -> None:
    url = "memory://message"
    folder = copy_folder(url)
    copy = copy_of(folder)
    assert copy is not None
    assert shown(f"{folder}/status.json is damaged") == f"{url}/status.json is damaged"
    copy.state.meta("store")
    for path in (folder / COPY).glob("state.db*"):
        path.write_bytes(b"garbage")
    other = type(copy)(
        folder, url, json.loads((folder / COPY / "place.json").read_bytes())["id"], writing=False
    )
    with pytest.raises(StoreError) as error:
        other.state.meta("store")
    assert f"delete {folder}, which is a copy" in shown(str(error.value))
