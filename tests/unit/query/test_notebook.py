import re
import subprocess
import sys
from pathlib import Path

import pytest

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.errors import BadConfigError, FilterError, ParError
from par_core.query import Results, search
from par_core.query.notebook import _swatches
from tests.indexing import index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("notebook")
    photos = archive(root / "photos", GROUPS)
    save(photos / "<img src=x onerror=alert(1)>.png", scene("red", seed=42))
    index(root / "store", [photos])
    return root / "store"


def test_one_call_gives_hits_in_every_shape(store: Path) -> None:
    results = search("a red person", store=str(store), top=4, weak=True, apart=True, profile="fake")
    assert isinstance(results, Results)
    assert len(results) == 4
    assert [hit.rank for hit in results] == [1, 2, 3, 4]
    assert results[0].upper_color == "red"
    assert results.table["person_id"].to_pylist() == [hit.person_id for hit in results]
    assert results.table["bright"].to_pylist() == pytest.approx([hit.attributes["bright"] for hit in results])
    frame = results.to_pandas()
    assert list(frame["rank"]) == [1, 2, 3, 4]
    assert frame["x2"][0] == pytest.approx(results[0].box[2])
    assert "4 of 8 people" in repr(results)


def test_crops_are_pictures_cut_once_and_only_when_asked_for(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from par_core.query import notebook

    cut: list[int] = []
    monkeypatch.setattr(
        notebook,
        "crops_of",
        lambda hits, *rest, real=notebook.crops_of: cut.append(len(hits)) or real(hits, *rest),
    )
    results = search("red", store=store, top=5, weak=True, apart=True, profile="fake")
    assert cut == []
    (first,) = results.crops(top=1)
    assert first is not None
    assert (first.mode, first.height) == ("RGB", 320)
    red, green, _ = first.getpixel((first.width // 2, 160))  # type: ignore[misc]
    assert red > 200 > 60 > green
    assert len(results.crops()) == 5
    results._repr_html_()
    assert [n for n in cut if n] == [1, 4]


def test_a_notebook_shows_one_escaped_piece_without_scripts_of_limited_size(store: Path) -> None:
    page = search(
        "red <script>alert(1)</script>", store=store, top=8, weak=True, apart=True, profile="fake"
    )._repr_html_()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page
    assert len(re.findall(r"data:image/jpeg;base64,", page)) == 8
    assert len(page) < 8 * 20_000
    assert not re.search(r"(?<![-a-z])color: #(000|fff)", page), (
        "text takes the notebook's own colour, light or dark"
    )


def test_a_card_shows_what_a_card_of_the_page_shows(store: Path) -> None:
    page = search("red AND tall", store=store, top=2, weak=True, apart=True, profile="fake")._repr_html_()
    for colour in COLOUR_TERMS:
        assert re.fullmatch("#[0-9a-f]{6}", _swatches()[colour]), colour
    assert page.count('title="red above"') == page.count('title="red below"') == 2
    assert page.count(f"background: {_swatches()['red']}") == 4
    assert re.search(r"<b>\d+\u202f%</b>", page)
    assert re.search(r'title="red \d+%, tall \d+%', page)
    assert "aspect-ratio: 5 / 8" in page
    alike = search("red", store=store, top=2, weak=True, profile="fake")._repr_html_()
    assert re.search(r"\+\d alike", alike)


def test_a_filter_and_a_picture_are_questions_too(store: Path, tmp_path: Path) -> None:
    assert [
        hit.upper_color for hit in search(store=store, where="upper_color = 'yellow'", profile="fake")
    ] == ["yellow"]
    query = save(tmp_path / "q.png", scene("blue", seed=3))
    assert search(image=query, store=store, top=1, profile="fake")[0].upper_color == "blue"


def test_an_answer_may_hold_no_person(store: Path) -> None:
    results = search("red", store=store, where="height_px > 5000", profile="fake")
    assert (len(results), len(results.table), results.crops()) == (0, 0, [])
    assert "Nobody fits" in results._repr_html_()


def test_errors_are_of_par_and_say_what_to_do(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options in (
        {"top": 0},
        {"store": tmp_path / "no"},
        {"profile": "nonsense"},
        {"config": tmp_path / "no.toml"},
    ):
        with pytest.raises(ParError):
            search("red", **{"store": store, "profile": "fake"} | options)
    with pytest.raises(FilterError):
        search("red", store=store, where="hut", profile="fake")
    results = search("red", store=store, profile="fake")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadConfigError, match="pip install pandas"):
        results.to_pandas()


def test_the_package_stays_light_until_it_is_used() -> None:
    heavy = "print(*sorted({'lancedb', 'cv2', 'torch'} & set(sys.modules)))"
    code = f"import sys, par_core.query\n{heavy}\nfrom par_core.query import search\n{heavy}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["", "cv2 lancedb"]
