"""Tars and zips inside of a folder, such as the shards that img2dataset writes: passed over and counted, or
read like archives that are named as sources.
"""

import io
import json
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import fsspec
import pytest

from flows.console.passed_over import passed_over
from par_core.archive import Listing, list_source, read_entries
from par_core.config import ArchiveConfig, load_config
from par_core.query.from_store import Question, Searcher
from par_core.status import Status
from tests.forgetting import assert_well, erase, par
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene

READ = load_config(profile="fake", sources={"containers": True})
SHARDS = {"00000": ("red", "blue"), "00001": ("green", "yellow")}


def write_shard(folder: Path, name: str, people: tuple[str, ...]) -> None:
    """A shard in the form of webdataset, and the files that img2dataset puts beside it."""
    with tarfile.open(folder / f"{name}.tar", "w") as tar:
        for number, person in enumerate(people):
            picture = save(folder / "x.png", scene(person, seed=int(name) + number)).read_bytes()
            key = f"{name}{number:04}"
            caption = {"caption": person, "key": key, "status": "success", "exif": "{}"}
            for suffix, data in (("png", picture), ("json", json.dumps(caption).encode()), ("txt", b"a man")):
                info = tarfile.TarInfo(f"{key}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    (folder / "x.png").unlink()
    (folder / f"{name}.parquet").write_bytes(b"PAR1")
    (folder / f"{name}_stats.json").write_text("{}")


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    folder.mkdir()
    for name, people in SHARDS.items():
        write_shard(folder, name, people)
    save(folder / "deep" / "alone.png", scene("cyan", seed=9))
    return folder


def members(listing: Listing) -> list[str]:
    return [entry.uri.removeprefix(listing.source + "/") for entry in listing.entries]


def test_they_are_passed_over_and_the_line_names_the_option(shards: Path) -> None:
    listing = list_source(str(shards))
    assert members(listing) == ["deep/alone.png"]
    assert listing.skipped == {"archive": 2, "not_an_image": 4}
    assert passed_over(listing.skipped).startswith("2 archives (read with --containers, or named as sources")


def test_they_are_listed_as_if_they_were_named_and_sidecars_are_passed_over(shards: Path) -> None:
    listing = list_source(str(shards), containers=True)
    assert members(listing) == [
        *(f"{name}.tar!/{name}{number:04}.png" for name in SHARDS for number in (0, 1)),
        "deep/alone.png",
    ]
    assert listing.skipped == {"not_an_image": 4 + 2 * 4}
    named = {entry for name in SHARDS for entry in list_source(str(shards / f"{name}.tar")).entries}
    assert named < set(listing.entries)
    assert all(isinstance(read, bytes) for _, read in read_entries(listing.entries, ArchiveConfig()))


def test_zips_links_damaged_and_nested_archives(shards: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shards / "b.ZIP", "w") as archive_file:
        archive_file.write(shards / "deep" / "alone.png", "alone.png")
        archive_file.write(shards / "00000.tar", "inner.tar")
    (shards / "damaged.tar").write_bytes(b"no tar" * 500)
    (shards / "link.tar").symlink_to(shards / "00000.tar")
    shutil.copy(shards / "00001.tar", tmp_path / "away.tar")
    (shards / "outside.tar").symlink_to(tmp_path / "away.tar")
    (shards / "folder.tar").mkdir()
    save(shards / "folder.tar" / "in.png", scene())
    listing = list_source(str(shards), containers=True)
    odd = {
        name: entry
        for name, entry in zip(members(listing), listing.entries, strict=True)
        if entry.status != "ok"
    }
    assert {name: entry.status for name, entry in odd.items()} == {
        "damaged.tar": Status.DAMAGED_ARCHIVE,
        "outside.tar": Status.SYMLINK_OUTSIDE,
    }
    assert {"b.ZIP!/alone.png", "folder.tar/in.png"} < set(members(listing))
    assert (listing.skipped["archive"], listing.skipped["archive_link"]) == (1, 1)


def test_an_archive_that_may_not_be_read_has_a_status(shards: Path) -> None:
    """Run as another user if this one is root, who may read every file."""
    (shards / "00000.tar").chmod(0)
    for parent in [shards, *shards.parents][:5]:
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    code = (
        "import os, sys\nimport cv2, jaxtyping, PIL.Image, fsspec\nfrom par_core.archive import list_source\n"
        "os.getuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
        "for entry in list_source(sys.argv[1], containers=True).entries: print(entry.status)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(shards)], capture_output=True, text=True, check=False
    )
    assert sorted(run.stdout.split()) == ["ok", "ok", "ok", "permission"], run.stderr


def test_a_list_may_name_whole_archives(shards: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("shards/00001.tar\nshards/deep/alone.png\nshards/gone.tar\n")
    listing = list_source(str(tmp_path / "list.txt"), containers=True)
    assert [(entry.uri.rsplit("/", 1)[1], entry.status.value) for entry in listing.entries] == [
        ("000010000.png", "ok"),
        ("000010001.png", "ok"),
        ("alone.png", "ok"),
        ("gone.tar", "vanished"),
    ]


def test_archives_under_a_url_are_listed_too(shards: Path) -> None:
    files = fsspec.filesystem("memory")
    try:
        for path in (*shards.glob("*.*"), shards / "deep" / "alone.png"):
            files.pipe(f"/wds/{path.name}", path.read_bytes())
        files.pipe("/wds/damaged.tar", b"no tar" * 500)
        assert list_source("memory://wds").skipped == {"archive": 3, "not_an_image": 4}
        listing = list_source("memory://wds", containers=True)
        assert sorted(entry.status.value for entry in listing.entries) == ["damaged_archive"] + 5 * ["ok"]
        good = [entry for entry in listing.entries if entry.status == "ok"]
        assert all(isinstance(read, bytes) for _, read in read_entries(good, ArchiveConfig()))
    finally:
        files.rm("/wds", recursive=True)


def places(root: Path) -> set[str]:
    return {row["uri"] for row in content(root) if row["source_state"] == "present"}


def test_a_store_is_that_of_archives_that_are_named(shards: Path, tmp_path: Path) -> None:
    index(tmp_path / "a", [shards], READ)
    index(tmp_path / "b", [shards, *shards.glob("*.tar")])
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(places(tmp_path / "a")) == 5
    plan, _ = index(tmp_path / "a", [shards], READ)
    assert (plan.n_images, plan.unchanged) == (0, 5)
    plan, _ = index(tmp_path / "a", [shards, shards / "00000.tar"], READ)
    assert (plan.n_images, plan.listed) == (0, 5)
    found = Searcher(tmp_path / "a", FAKE).ask(Question("source:00001.tar", top=9)).hits
    assert {Path(hit.uri).name for hit in found} == {"000010000.png", "000010001.png"}
    assert_well(tmp_path / "a")


def test_a_replaced_and_a_vanished_archive_are_noticed(shards: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    index(root, [shards], READ)
    write_shard(shards, "00000", ("magenta", "blue"))
    (shards / "00001.tar").unlink()
    plan, _ = index(root, [shards], READ)
    assert plan.vanished == 2
    assert places(root) == {
        str(shards / "deep" / "alone.png"),
        *(f"{shards}/00000.tar!/00000000{number}.png" for number in (0, 1)),
    }
    assert_well(root)


def test_a_member_and_a_whole_archive_are_forgotten(shards: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    index(root, [shards], READ)
    for source in (f"{shards}/00000.tar!/000000000.png", str(shards / "00001.tar")):
        assert erase(root, source=source).proof.found_in == ()
    index(root, [shards], READ)
    assert places(root) == {str(shards / "deep" / "alone.png"), f"{shards}/00000.tar!/000000001.png"}


def test_a_folder_without_archives_is_as_before(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("blue",)])
    assert list_source(str(photos), containers=True) == list_source(str(photos))


def test_the_option_and_the_setting_are_the_same(shards: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[sources]\ncontainers = true\n")
    counts = []
    for arguments in ([], ["--containers"], ["--config", tmp_path / "settings.toml"]):
        printed = par("analyse", shards, "--json", "-", *arguments).stdout
        counts.append(sum(source["pictures"] for source in json.loads(printed)["sources"]))
    assert counts == [1, 5, 5]
    assert load_config(tmp_path / "settings.toml").sources.containers
