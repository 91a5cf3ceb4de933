import base64
import json
import re
from pathlib import Path

import pytest

from par_core.config import load_config
from par_core.errors import BadConfigError, FilterError, FingerprintError
from par_core.models import profiles
from par_core.models.fake import FakeTextEncoder
from par_core.models.prompting import text_vector
from par_core.query.from_store import Question, ask, save_gallery
from par_core.query.one_picture import people_of, rank_prompts
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def store(tmp_path: Path, photos: Path) -> Path:
    index(tmp_path / "store", [photos])
    return tmp_path / "store"


def names(store: Path, question: Question) -> list[str]:
    return [Path(hit.uri).name for hit in ask(store, question, FAKE)[0].hits]


def test_words_find_the_people_they_describe_first(store: Path) -> None:
    result, _ = ask(store, Question("a red person", top=4, apart=True), FAKE)
    assert {Path(hit.uri).name for hit in result.hits[:2]} == {"0000.png", "0004.png"}
    cosines = [hit.cosine for hit in result.hits]
    assert cosines == sorted(cosines, reverse=True)
    assert result.hits[1].probability > 0.5 > result.hits[3].probability
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4]


def test_a_picture_finds_people_like_its_largest_person(store: Path, tmp_path: Path) -> None:
    query = save(tmp_path / "query.png", scene("yellow", seed=5))
    assert names(store, Question(image=query, top=1)) == ["0003.png"]


def test_a_filter_is_applied_before_the_search_not_after(store: Path) -> None:
    assert names(store, Question("red", where="upper_color = 'blue'", top=1)) == ["0001.png"]


def test_a_filter_alone_is_a_question(store: Path) -> None:
    assert names(store, Question(where="upper_color in ('yellow')")) == ["0003.png"]


def test_people_whose_file_is_missing_show_only_on_request(store: Path, photos: Path) -> None:
    (photos / "0003.png").unlink()
    index(store, [photos])
    assert "0003.png" not in names(store, Question("yellow"))
    assert names(store, Question("yellow", absent=True))[0] == "0003.png"


def test_a_store_of_another_model_is_refused_with_the_way_out(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("par_core.query.from_store.embedding_fingerprint", lambda config: "another-embedding")
    with pytest.raises(FingerprintError, match=r"fake-embedding-1.*another-embedding.*--profile"):
        ask(store, Question("red"), FAKE)


def test_an_empty_store_and_an_empty_question_are_one_clear_line(tmp_path: Path, store: Path) -> None:
    (tmp_path / "nothing").mkdir()
    index(tmp_path / "empty", [tmp_path / "nothing"])
    for place, question in [
        (tmp_path / "empty", Question("red")),
        (store, Question()),
        (store, Question("  ")),
        (tmp_path / "no", Question("red")),
    ]:
        with pytest.raises(BadConfigError) as caught:
            ask(place, question, FAKE)
        assert "\n" not in str(caught.value)


def test_words_that_the_model_never_saw_are_named(store: Path) -> None:
    (warning,) = ask(store, Question("a red chasuble"), FAKE)[0].warnings
    assert "'chasuble'" in warning
    assert "clip" in warning


def test_gallery_is_one_file_without_scripts_and_with_everything_escaped(
    store: Path, photos: Path, tmp_path: Path
) -> None:
    hostile = "red <script>alert('x')</script>"
    save(photos / "<img src=x onerror=alert(1)>.png", scene("red", seed=42))
    index(store, [photos])
    (photos / "0000.png").unlink()
    result, opened = ask(store, Question(hostile, top=10, apart=True), FAKE)
    save_gallery(tmp_path / "g.html", result, store, opened, FAKE, "par search <b>")
    page = (tmp_path / "g.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "the file is not there any more" in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(pictures) == len(result.hits) - 1
    assert all(base64.b64decode(picture).startswith(b"\xff\xd8") for picture in pictures)


def test_a_gallery_without_people_says_so(store: Path, tmp_path: Path) -> None:
    result, opened = ask(store, Question("red", where="height_px > 5000"), FAKE)
    save_gallery(tmp_path / "g.html", result, store, opened, FAKE, "par")
    assert "Nobody in the index fits" in (tmp_path / "g.html").read_text()


def test_hits_are_json(store: Path) -> None:
    hits = json.loads(json.dumps([hit.as_json() for hit in ask(store, Question("red"), FAKE)[0].hits]))
    assert set(hits[0]["attributes"]) == {"bright", "tall"}
    assert len(hits[0]["box"]) == 4


def test_prompts_are_ranked_for_each_person_and_sum_to_one() -> None:
    people = people_of(
        scene("red", "blue"), profiles.load_segmenter(FAKE), profiles.load_describer(FAKE), FAKE
    )
    ranked = [rank_prompts(person.vector, ["red", "green", "blue"], FakeTextEncoder()) for person in people]
    assert {prompts[0][0] for prompts in ranked} == {"red", "blue"}
    assert all(abs(sum(p for _, p in prompts) - 1) < 1e-5 for prompts in ranked)


def test_the_index_can_be_searched_while_another_process_holds_the_store(store: Path) -> None:
    with Store.open(store).exclusive():
        assert names(store, Question("red", top=1))


def test_settings_from_the_environment_reach_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAR_SEGMENT__MIN_HEIGHT_PX", "77")
    assert load_config().segment.min_height_px == 77


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("upper_color = 'gray'", "did you mean 'grey'"),
        ("not lower_color in ('red', 'violett')", "one of: black"),
    ],
)
def test_a_colour_that_no_garment_can_have_is_refused_not_silently_unmatched(
    store: Path, where: str, hint: str
) -> None:
    with pytest.raises(FilterError, match=hint):
        ask(store, Question("red", where=where), FAKE)


def test_photo_of_is_not_said_twice() -> None:
    encoder = FakeTextEncoder()
    assert (text_vector("A photo of a red person.", encoder) == text_vector("a red person", encoder)).all()
