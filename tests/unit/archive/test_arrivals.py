"""Which files of a folder are finished, on a clock that the test turns."""

import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from par_core.archive import list_source
from par_core.archive.arrivals import Arrivals
from par_core.stages.unfinished import without_unfinished
from par_core.store.layout import Store
from par_core.store.listings import save_listing
from tests.pictures import save, scene


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def watched(folder: Path, *, containers: bool = False) -> tuple[Arrivals, Clock]:
    clock = Clock()
    return Arrivals(folder, 5.0, containers, clock), clock


def names(arrivals: Arrivals) -> set[str]:
    return {Path(path).name for path in arrivals.finished()}


def test_a_file_is_finished_after_a_quiet_time_and_not_while_it_grows(tmp_path: Path) -> None:
    arrivals, clock = watched(tmp_path)
    save(tmp_path / "a.png", scene("red"))
    os.utime(tmp_path / "a.png", (1, 1))  # as rsync and cp -p leave it: its time alone says nothing
    (tmp_path / "b.jpg").write_bytes(b"begin")
    arrivals.look()
    assert (len(arrivals), names(arrivals)) == (2, set())
    clock.now += 4
    (tmp_path / "b.jpg").write_bytes(b"begin and more")
    arrivals.look()
    assert arrivals.changed_at == clock.now
    clock.now += 1
    arrivals.look()
    assert names(arrivals) == {"a.png"}
    clock.now += 4
    arrivals.look()
    assert names(arrivals) == {"a.png", "b.jpg"}
    assert clock.now - arrivals.changed_at == 5


def test_the_same_size_written_again_counts_as_a_change(tmp_path: Path) -> None:
    arrivals, clock = watched(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"12345")
    arrivals.look()
    clock.now += 5
    os.utime(tmp_path / "a.jpg", ns=(7, 7))
    arrivals.look()
    assert names(arrivals) == set()


def test_hidden_files_links_to_nowhere_and_other_files_are_passed_over(tmp_path: Path) -> None:
    arrivals, clock = watched(tmp_path)
    for name in (".upload.jpg.part", ".hidden.jpg", "letter.txt", "photos.zip", "@eaDir/x.jpg", "sub/in.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "none")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    arrivals.look()
    clock.now += 5
    arrivals.look()
    assert names(arrivals) == {"in.jpg"}
    with_archives, clock = watched(tmp_path, containers=True)
    with_archives.look()
    clock.now += 5
    with_archives.look()
    assert names(with_archives) == {"in.jpg", "photos.zip"}


def test_what_is_being_written_is_left_as_it_was_listed_last(tmp_path: Path) -> None:
    folder, store = tmp_path / "in", Store.create(tmp_path / "store")
    save(folder / "old.png", scene("red"))
    save(folder / "gone.png", scene("red"))
    before = list_source(str(folder))
    save_listing(store, before, "2026-01-01T00:00:00+00:00")
    arrivals, clock = watched(folder)
    (folder / "gone.png").unlink()
    save(folder / "whole.png", scene("blue"))
    arrivals.look()
    clock.now += 5
    save(folder / "old.png", scene("red", "blue"))  # being replaced
    save(folder / "new.png", scene("blue"))  # being written
    (folder / "nowhere.png").symlink_to(folder / "none")
    arrivals.look()
    save(folder / "unseen.png", scene("blue"))  # came after the last look
    listing = without_unfinished(store, list_source(str(folder)), arrivals.is_finished)
    kept = {Path(entry.uri).name: entry for entry in listing.entries}
    assert set(kept) == {"nowhere.png", "old.png", "whole.png"}
    assert kept["old.png"] == next(entry for entry in before.entries if entry.uri.endswith("old.png"))
    clock.now += 5
    arrivals.look()
    clock.now += 5
    arrivals.look()
    now = list_source(str(folder))
    assert without_unfinished(store, now, arrivals.is_finished) == now


def test_members_are_as_finished_as_their_archive(tmp_path: Path) -> None:
    folder, store = tmp_path / "in", Store.create(tmp_path / "store")
    save(tmp_path / "a.png", scene("red"))
    folder.mkdir()
    with ZipFile(folder / "night.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "a.png")
    arrivals, clock = watched(folder, containers=True)
    arrivals.look()
    clock.now += 4
    arrivals.look()
    listing = list_source(str(folder), containers=True)
    assert len(listing.entries) == 1
    assert without_unfinished(store, listing, arrivals.is_finished).entries == ()
    clock.now += 1
    arrivals.look()
    assert without_unfinished(store, listing, arrivals.is_finished) == listing
    with ZipFile(folder / "night.zip", "a") as archive:  # changed since the look
        archive.write(tmp_path / "a.png", "b.png")
    assert without_unfinished(store, listing, arrivals.is_finished).entries == ()


def test_a_folder_that_goes_away_is_an_error_and_nothing_is_forgotten(tmp_path: Path) -> None:
    arrivals, _ = watched(tmp_path / "in")
    save(tmp_path / "in" / "a.png", scene("red"))
    arrivals.look()
    (tmp_path / "in").rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        arrivals.look()
    assert len(arrivals) == 1
