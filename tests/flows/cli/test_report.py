"""``par report compare`` as a user types it."""

from pathlib import Path

from typer.testing import CliRunner

from flows.cli.main import app
from tests.pictures import save, scene


def par(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_reports_without_a_common_figure_say_so(tmp_path: Path) -> None:
    for number, colour in enumerate(("red", "blue")):
        save(tmp_path / f"{number}.png", scene(colour, seed=number))
    labels = tmp_path / "labels.csv"
    labels.write_text("image,bright\n0.png,1\n1.png,0\n")
    out = tmp_path / "report"
    par("evaluate", "attributes", "--dataset", "csv", "--root", labels, "--out", out, "--profile", "fake")
    assert par("report", "compare", out, out) == "no figure is defined in both reports\n"
