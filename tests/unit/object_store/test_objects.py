"""What every object store keeps to, on the memory of this process, on moto's server and on SeaweedFS; what S3
says of trouble.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fsspec
import pytest

from benchmarks.faulty_proxy import FaultyProxy, Kind
from par_core.errors import BadConfigError, TransientError
from par_core.object_store import s3
from par_core.object_store.client import MissingObjectError, Objects
from par_core.object_store.opening import open_objects
from par_core.object_store.s3 import S3Objects
from tests.object_store_fixtures import objects_by
from tests.object_stores import BUCKET, client_of


@pytest.fixture(params=["memory", "s3", "seaweedfs"])
def objects(request: pytest.FixtureRequest, url: str) -> Objects:
    return objects_by(request, url)


def content(objects: Objects, key: str) -> bytes:
    stored = objects.get(key)
    assert stored is not None
    return stored.content


def test_an_object_is_read_as_it_was_written(objects: Objects) -> None:
    tag = objects.put("a/b@1", b"one")
    stored = objects.get("a/b@1")
    assert stored is not None
    assert (stored.content, stored.tag) == (b"one", tag)
    assert objects.get("a/b@1", unless=tag) is None
    objects.put("a/b@1", b"two")
    again = objects.get("a/b@1", unless=tag)
    assert again is not None
    assert again.content == b"two"


def test_what_is_missing_is_said(objects: Objects) -> None:
    with pytest.raises(MissingObjectError):
        objects.get("none")
    objects.delete(["none"])


def test_a_write_keeps_to_its_condition(objects: Objects) -> None:
    tag = objects.put_if("head", b"one", None)
    assert tag is not None
    assert objects.put_if("head", b"two", None) is None
    newer = objects.put_if("head", b"two", tag)
    assert newer is not None
    assert objects.put_if("head", b"three", tag) is None
    assert content(objects, "head") == b"two"
    assert objects.put_if("other", b"x", newer) is None


def test_of_writers_at_the_same_moment_one_passes_the_condition(objects: Objects) -> None:
    for known in (None, objects.put("1", b"first")):
        key = "0" if known is None else "1"
        ready = threading.Barrier(8)

        def write(number: int, key: str = key, known: str | None = known, ready: Any = ready) -> str | None:
            ready.wait(30)
            return objects.put_if(key, b"%d" % number, known)

        with ThreadPoolExecutor(8) as pool:
            tags = list(pool.map(write, range(8)))
        [winner] = [number for number, tag in enumerate(tags) if tag is not None]
        assert content(objects, key) == b"%d" % winner


def test_objects_are_listed_by_prefix_and_deleted(objects: Objects) -> None:
    for name in ("x/1", "x/2", "y/1"):
        objects.put(name, b"abc")
    assert [(item.key, item.size) for item in objects.listed("x/")] == [("x/1", 3), ("x/2", 3)]
    objects.delete(["x/1", "x/2", "none"])
    assert [item.key for item in objects.listed("")] == ["y/1"]


@pytest.mark.slow
def test_more_objects_than_a_page_are_listed_and_deleted(proxy: FaultyProxy, url: str) -> None:
    objects = S3Objects(url)
    client = client_of(proxy.url)
    for number in range(1_050):
        client.put_object(Bucket=BUCKET, Key=f"{url.split('/', 3)[3]}/{number:05}", Body=b"")
    keys = [item.key for item in objects.listed("")]
    assert keys == [f"{number:05}" for number in range(1_050)]
    objects.delete(keys)
    assert list(objects.listed("")) == []


@pytest.mark.parametrize(
    ("kind", "requests"), [("error", 8), ("cut", 8), ("lost", 8), ("twice", 2), ("short", 5)]
)
def test_reads_and_writes_outlast_three_faults(
    proxy: FaultyProxy, url: str, kind: Kind, requests: int
) -> None:
    objects = S3Objects(url)
    proxy.fail(kind, "PUT", "/a", times=3)
    proxy.fail(kind, "GET", "/a", times=3)
    objects.put("a", b"content")
    assert content(objects, "a") == b"content"
    assert len(proxy.seen) == requests


def test_trouble_that_lasts_is_transient(proxy: FaultyProxy, url: str) -> None:
    objects = S3Objects(url)
    proxy.away = True
    with pytest.raises(TransientError, match=f"^{url} cannot be reached: "):
        objects.put("a", b"")


def test_trouble_never_shows_credentials(
    proxy: FaultyProxy, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"endpoint_url": proxy.url, "key": "AKIAVISIBLE", "secret": "geheim", "token": "tok-geheim"}
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    objects = S3Objects(url)
    proxy.away = True
    with pytest.raises(TransientError) as caught:
        objects.get("a")
    shown = f"{caught.value} {caught.value.__cause__}"
    assert not any(secret in shown for secret in ("AKIAVISIBLE", "geheim"))


def test_a_bucket_that_is_not_there_is_a_wrong_setting(proxy: FaultyProxy) -> None:
    with pytest.raises(BadConfigError, match="no bucket for s3://none/x"):
        S3Objects("s3://none/x").put("a", b"")


@pytest.mark.parametrize("url", ["gs://bucket/x", "https://host/x", "s3://"])
def test_a_url_where_no_store_can_be_is_refused(url: str) -> None:
    with pytest.raises(BadConfigError, match=url):
        open_objects(url)


def test_older_versions_are_erased_too(server: tuple[str, int], proxy: FaultyProxy, url: str) -> None:
    bucket = "versioned"
    client = client_of(proxy.url)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = S3Objects(f"s3://{bucket}/store")
    for text in (b"1", b"2"):
        objects.put("files/kept", text)
        objects.put("files/gone", text)
    objects.delete(["files/gone"])
    client.put_object(Bucket=bucket, Key="other", Body=b"")
    assert objects.erase_versions("files/") == 4
    left = client.list_object_versions(Bucket=bucket)
    assert sorted(item["Key"] for item in left["Versions"]) == ["other", "store/files/kept"]
    assert "DeleteMarkers" not in left
    assert content(objects, "files/kept") == b"2"


def test_a_bucket_without_versions_says_so(proxy: FaultyProxy) -> None:
    client_of(proxy.url).create_bucket(Bucket="unversioned")  # others turn versions on
    assert S3Objects("s3://unversioned/store").erase_versions("") is None


def test_objects_that_others_write_meanwhile_stay(proxy: FaultyProxy, url: str) -> None:
    bucket = "versioned-meanwhile"
    client = client_of(proxy.url)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = S3Objects(f"s3://{bucket}/store")
    listed = objects._client.list_object_versions

    def after_another_host(**named: str) -> object:
        client.put_object(Bucket=bucket, Key="store/records/tags/4b.json", Body=b"theirs")
        return listed(**named)

    objects._client.list_object_versions = after_another_host
    assert objects.erase_versions("") == 0
    assert content(objects, "records/tags/4b.json") == b"theirs"


def test_marks_of_deletion_go_last(proxy: FaultyProxy, url: str) -> None:
    bucket = "versioned-marks"
    client = client_of(proxy.url)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = S3Objects(f"s3://{bucket}/store")
    for key in ("a", "b"):
        objects.put(key, b"1")
        objects.put(key, b"2")
    objects.delete(["a", "b"])
    listed = objects._client.list_object_versions
    objects._client.list_object_versions = lambda **named: listed(**named, MaxKeys=1)
    seen = []
    delete = objects._client.delete_objects

    def deleted(**named: object) -> object:
        answer = delete(**named)
        seen.append([item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])])
        return answer

    objects._client.delete_objects = deleted
    assert objects.erase_versions("") == 6
    assert len(seen) == 2
    assert not any(seen)
    left = client.list_object_versions(Bucket=bucket)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint_url": "http://me:hidden-1@127.0.0.1:1", "key": "hidden-2", "secret": "hidden-3"},
        {"endpoint_url": "http://me:hidden/1@127.0.0.1:1", "key": "hidden-2", "secret": "hidden-3"},
        {"endpoint_url": "me:hidden-1@host", "key": "hidden-2", "secret": "hidden-3"},
        {"endpoint_url": "http://127.0.0.1:1", "key": "hidden\n-2", "secret": "hidden-3"},
        {"endpoint_url": "http://127.0.0.1:1", "key": "hidden-2"},
        {"profile": "none-of-this-name"},
    ],
)
def test_settings_that_fail_are_said_without_what_is_secret(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    with pytest.raises((BadConfigError, TransientError)) as error:
        S3Objects("s3://people/main").get("head.json")
    assert "hidden" not in str(error.value)
    assert "\n" not in str(error.value)
