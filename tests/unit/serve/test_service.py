import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from par_core.errors import BadConfigError, FilterError
from par_core.forget import Request, find_subject, forget
from par_core.models.fake import FakeTextEncoder
from par_core.query import first_hits, from_store
from par_core.query.answer import Chance, SearchResult
from par_core.query.from_store import Question, Searcher
from par_core.query.people import People
from par_core.query.searching import sample_of
from par_core.query.table import PeopleTable
from par_core.serve import searches
from par_core.serve.examples import EXAMPLES
from par_core.serve.problems import GoneError, UnknownIdError
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import save, scene


def made_again(own: Path) -> None:
    """Delete the index, and index again: its versions begin with 1 again."""
    shutil.rmtree(own / "store" / "index.lance")
    index(own / "store", [own / "photos"])


def test_pages_follow_one_another_without_gap_or_overlap(service: ArchiveService) -> None:
    whole = service.search("red", top=100, weak=True, apart=True)
    assert len(whole.result.hits) == 7
    hits, offset = [], 0
    while offset is not None:
        page = service.search("red", top=3, offset=offset, weak=True, apart=True)
        assert page.offset == offset
        hits += page.result.hits
        offset = page.next
    assert hits == list(whole.result.hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert whole.next is None


def test_chance_is_stated_for_each_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ArchiveService(folder / "store", FAKE)
    ask = service._searcher.ask
    assert service.search("red").result.chance is None
    monkeypatch.setattr(
        service._searcher, "ask", lambda question: replace(ask(question), chance=Chance(0.15, 0.9, 3))
    )
    for offset in (0, 2):
        result = service.search("red", top=2, offset=offset, weak=True, apart=True).result
        assert len(result.hits) == 2
        assert result.chance.share == pytest.approx(1 - np.mean([hit.probability for hit in result.hits]))
        assert (result.chance.cutoff, result.chance.left_out) == (0.15, 3)
    assert service.search("red", top=2, offset=50, weak=True, apart=True).result.chance == Chance(
        0.15, 0.0, 3
    )


def test_a_page_behind_the_end_is_empty_and_the_last(service: ArchiveService) -> None:
    page = service.search("red", top=3, offset=500)
    assert (page.result.hits, page.next) == ((), None)
    with pytest.raises(BadConfigError, match="first 10000 hits"):
        service.search("red", top=3, offset=10_000)


def test_the_last_page_is_cut_off_where_no_more_hits_are_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (first_hits, searches):
        monkeypatch.setattr(module, "DEEPEST", 5)
    service = ArchiveService(folder / "store", FAKE)
    pages = [service.search("red", top=3, offset=offset, weak=True, apart=True) for offset in (0, 3)]
    assert [[hit.rank for hit in page.result.hits] for page in pages] == [[1, 2, 3], [4, 5]]
    assert [page.next for page in pages] == [3, None]
    assert pages[0].end == ""
    assert pages[1].end.startswith(
        "These are the first 5 hits, and a list in the order of fit ends there. Ask"
    )
    facts = service.search(where="height_px > 0", top=5, apart=True)
    assert (facts.next, facts.end) == (None, "")
    further = service.search(
        where="height_px > 0", top=5, apart=True, after=facts.result.next_after, offset=5
    )
    assert further.result.hits[0].rank == 6
    with pytest.raises(BadConfigError, match="by fields and filters alone"):
        service.search("red", after=facts.result.next_after)
    with pytest.raises(BadConfigError, match="no such place in the list"):
        service.search(where="height_px > 0", after="0.5")
    assert service.search("red", top=2, weak=True, apart=True).end == ""


def test_what_was_answered_before_is_not_searched_again_and_no_text_is_embedded_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, encoded, asked = ArchiveService(folder / "store", FAKE), [], []
    encode, ask = FakeTextEncoder.encode, service._searcher.ask
    monkeypatch.setattr(
        FakeTextEncoder, "encode", lambda self, texts: encoded.append(texts) or encode(self, texts)
    )
    monkeypatch.setattr(service._searcher, "ask", lambda question: asked.append(question) or ask(question))
    service.search("a person all in red", top=2, weak=True)
    service.search(" a person all in red ", top=2, weak=True)
    assert len(asked) == 1
    service.search("a person all in red", top=2, offset=2, weak=True)
    service.search("a person all in red", top=4, weak=True)
    service.search("a person all in red", where="height_px > 1", top=2, weak=True)
    assert len(asked) == 3
    assert len(encoded) == 1


def test_the_pages_of_an_answer_fit_together_and_the_last_one_has_no_next(folder: Path) -> None:
    service = ArchiveService(folder / "store", FAKE)
    whole = service.search("red", weak=True, apart=True)
    ids = [hit.person_id for hit in whole.result.hits]
    assert whole.next is None
    pages = [service.search("red", top=1, offset=offset, weak=True, apart=True) for offset in range(len(ids))]
    assert [page.result.hits[0].person_id for page in pages] == ids
    assert [page.next for page in pages] == [*range(1, len(ids)), None]


def test_deeper_pages_than_were_looked_up_are_looked_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_hits, "_STRIDE", 2)
    service = ArchiveService(folder / "store", FAKE)
    first, second = (service.search("red", top=2, offset=offset, weak=True, apart=True) for offset in (0, 2))
    assert first.next == 2
    assert [hit.rank for hit in second.result.hits] == [3, 4]


def test_a_new_version_is_answered_from_and_nothing_of_the_old_one_is_kept(own: Path) -> None:
    service = ArchiveService(own / "store", FAKE)
    before = service.search("red", apart=True)
    victim = before.result.hits[0]
    service.crop(victim.person_id)
    Path(victim.uri.removeprefix("file://")).unlink()
    save(own / "photos" / "9999.png", scene("red", seed=99))
    index(own / "store", [own / "photos"])
    after = service.search("red", apart=True)
    assert after.versions.searched > before.versions.searched
    assert "9999.png" in {Path(hit.uri).name for hit in after.result.hits}
    assert victim.uri not in {hit.uri for hit in after.result.hits}
    assert service.person(victim.person_id).hit.source_state == "vanished"
    with pytest.raises(GoneError, match="not there any more"):
        service.crop(victim.person_id)
    with pytest.raises(GoneError, match="not there any more"):
        service.image(victim.image_id)


def test_nothing_is_kept_of_an_index_that_was_deleted_and_made_again_with_the_same_number(own: Path) -> None:
    service = ArchiveService(own / "store", FAKE)
    before = service.search("red", apart=True)
    victim = before.result.hits[0]
    service.crop(victim.person_id)
    Path(victim.uri.removeprefix("file://")).unlink()
    made_again(own)
    after = service.search("red", apart=True)
    assert after.versions.searched == before.versions.searched
    assert victim.uri not in {hit.uri for hit in after.result.hits}
    with pytest.raises(GoneError, match="not there any more"):
        service.crop(victim.person_id)


def test_texts_are_weighed_by_the_people_of_the_current_index(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[set[str]] = []

    def sampled(table: PeopleTable) -> People:
        people = sample_of(table)
        drawn.append(set(people.ids))
        return people

    monkeypatch.setattr(from_store, "sample_of", sampled)
    searcher = Searcher(own / "store", FAKE)
    before = searcher.ask(Question("red", apart=True, weak=True)).hits
    store = Store.open(own / "store")
    with store.exclusive():
        forget(store, find_subject(store, Request.of((), (), (before[0].person_id,))))
    save(own / "photos" / "9999.png", scene("red", seed=99))
    made_again(own)
    searcher.ask(Question("red"))
    assert before[0].person_id in drawn[0] - drawn[-1]
    assert len(drawn) == 2


def test_an_answer_that_ends_after_the_index_has_changed_brings_no_person_back(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ArchiveService(own / "store", FAKE)
    victim = service.search("red", apart=True).result.hits[0]
    ask = service._searcher.ask

    def late(question: Question) -> SearchResult:
        result = ask(question)
        monkeypatch.setattr(service._searcher, "ask", ask)
        store = Store.open(own / "store")
        with store.exclusive():
            forget(store, find_subject(store, Request.of((), (), (victim.person_id,))))
        service.versions()
        return result

    monkeypatch.setattr(service._searcher, "ask", late)
    service.search("red", apart=True, weak=True)
    with pytest.raises(UnknownIdError):
        service.crop(victim.person_id)


def test_a_person_is_described_with_the_others_of_the_image(service: ArchiveService) -> None:
    hit = next(hit for hit in service.search("cyan").result.hits if Path(hit.uri).name == "0004.png")
    person = service.person(hit.person_id)
    assert person.hit.person_id == hit.person_id
    assert (person.hit.image_width, person.hit.image_height) == (160, 96)
    assert len(person.others) == 2
    assert hit.person_id not in person.others
    assert {service.person(other).hit.image_id for other in person.others} == {hit.image_id}
    assert service.person(person.others[0]).hit.box[0] < service.person(person.others[1]).hit.box[0]
    assert person.info.profile == "fake"


@pytest.mark.parametrize("identity", ["", "0", "f" * 65, "x", "' OR 1=1 --", "../../etc/passwd", "ABCDEF"])
def test_ids_of_no_person_are_unknown_whatever_they_hold(service: ArchiveService, identity: str) -> None:
    for ask in (service.person, service.crop, service.image, service.outline):
        with pytest.raises(UnknownIdError):
            ask(identity)


def test_facets_count_the_people_whose_file_is_there(own: Path) -> None:
    service = ArchiveService(own / "store", FAKE)
    counted = service.facets()
    everybody = service.search(where="height_px > 0", top=100).result.hits
    assert counted.people == len(everybody) == 7
    assert counted.folders == {everybody[0].uri.rpartition("/")[0] + "/": 7}
    assert counted.upper_color["red"] == sum(hit.upper_color == "red" for hit in everybody) == 2
    assert counted.attributes == {
        name: n for name in ("bright", "tall") if (n := sum(name in hit.seen for hit in everybody))
    }
    assert counted.days == {}
    assert service.facets("upper_color = 'red'").people == 2
    (own / "photos" / "0000.png").unlink()
    index(own / "store", [own / "photos"])
    assert service.facets().people == 6
    with pytest.raises(FilterError, match="did you mean 'red'"):
        service.facets("upper_color = 'rde'")


def test_examples_are_questions_that_find_somebody(service: ArchiveService) -> None:
    examples = service.examples()
    assert 0 < len(examples) <= 6
    for text in examples:
        answer = service.search(text).result
        assert answer.hits, text
        assert not [note for note in answer.warnings if "nobody" in note or "never saw" in note], text
    assert set(EXAMPLES) - set(examples), "the little store holds no hats"


def test_an_empty_store_has_no_examples(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    index(tmp_path / "store", [tmp_path / "photos"])
    assert ArchiveService(tmp_path / "store", FAKE).examples() == ()


def test_suggestions_complete_a_question_that_is_not_whole_yet(client: TestClient) -> None:
    answer = client.get("/api/suggest", params={"q": "(upper:re"}).json()
    assert answer == {"completions": ["(upper:red"], "notes": []}
