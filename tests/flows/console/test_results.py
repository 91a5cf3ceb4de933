"""What files are called goes to a terminal."""

from pathlib import Path

from typer.testing import CliRunner

from flows.cli.main import app
from tests.indexing import index
from tests.pictures import save, scene

HOSTILE = "\x1b[2J\nok\t\u202eforged"


def test_a_files_name_moves_no_cursor_and_makes_up_no_line(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    save(photos / f"{HOSTILE}a.png", scene("red"))
    (photos / f"{HOSTILE}b.png").write_bytes(b"no picture")
    index(tmp_path / "store", [photos])
    for command in (["search", "--where", "height_px > 0", "--profile", "fake"], ["status", "--failed"]):
        shown = CliRunner().invoke(app, [*command, "--store", str(tmp_path / "store")]).stdout
        assert r"\x1b[2J\nok\t\u202eforged" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    shown = CliRunner().invoke(app, ["analyse", str(photos)]).stdout
    assert "\x1b" not in shown
