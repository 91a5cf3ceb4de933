"""The archive in this process and the client of a server have the same methods, and give the same answers."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from par_core.api import Archive
from par_core.errors import ParError
from par_core.serve.app import create_app
from par_core.serve.client import Client
from par_core.serve.service import ArchiveService
from tests.indexing import FAKE
from tests.pictures import save, scene
from tests.serving import answering, small_store

#: What only one of them can do, or what differs for a reason: a search and a status of an archive are objects
#: of this process, with pictures and accounting. A process with the store erases by ``par forget``.
ONLY_ARCHIVE = {"config", "export", "index", "path", "run_searches"}
ONLY_CLIENT = {"close", "forget", "forgetting"}
OF_OTHER_TYPES = {"search", "status"}


def methods(of: type) -> set[str]:
    return {name for name in dir(of) if not name.startswith("_") and callable(getattr(of, name))}


SHARED = sorted((methods(Client) & methods(Archive)) - OF_OTHER_TYPES)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Archive, Client]]:
    store = small_store(tmp_path_factory.mktemp("both"))
    with answering(create_app(ArchiveService(store, FAKE))) as address, Client(address) as client:
        yield Archive(store, FAKE), client


def test_each_has_what_the_other_has() -> None:
    assert methods(Client) - methods(Archive) == ONLY_CLIENT
    assert methods(Archive) - methods(Client) == ONLY_ARCHIVE - {"config", "path"}


@pytest.mark.parametrize("name", SHARED)
def test_arguments_and_types_are_the_same(name: str) -> None:
    here, there = (inspect.signature(getattr(kind, name)) for kind in (Archive, Client))

    def plain(annotation: Any) -> str:
        text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
        text = text.replace("typing.", "").replace("collections.abc.", "")
        return text.replace("pathlib.", "").replace("par_core.serve.schemas.", "").strip("'\"")

    assert [
        (each.name, each.kind, each.default, plain(each.annotation)) for each in here.parameters.values()
    ] == [(each.name, each.kind, each.default, plain(each.annotation)) for each in there.parameters.values()]
    assert plain(here.return_annotation) == plain(there.return_annotation)


def plain(value: Any) -> Any:
    if isinstance(value, Iterator):
        return [each.model_dump() for each in value]
    return value.model_dump() if hasattr(value, "model_dump") else value


CALLS: dict[str, Callable[[Any], Any]] = {
    "all hits": lambda it: it.all_hits("a red person", weak=True, apart=True),
    "all hits of a filter": lambda it: it.all_hits(where="height_px > 10"),
    "browse": lambda it: it.browse("oldest", apart=True),
    "browse an answer": lambda it: it.browse(q="red", weak=True),
    "facets": lambda it: it.facets("upper_color in ('red', 'blue')", q="upper:red"),
    "facets of everybody": lambda it: it.facets(),
    "groups": lambda it: it.groups("camera", "upper:red"),
    "timeline": lambda it: it.timeline(),
    "suggest": lambda it: it.suggest("upper:re"),
    "searches": lambda it: it.searches(),
}


@pytest.mark.parametrize("name", CALLS)
def test_answers_are_the_same(both: tuple[Archive, Client], name: str) -> None:
    here, there = (plain(CALLS[name](one)) for one in both)
    assert here == there
    assert here or name == "searches"


def test_people_and_pictures_are_the_same(both: tuple[Archive, Client], tmp_path: Path) -> None:
    here, there = both
    hit = next(here.all_hits("red", weak=True))
    assert here.outline(hit.person_id) == there.outline(hit.person_id)
    assert here.crop(hit.person_id) == there.crop(hit.person_id)
    assert here.image(hit.image_id) == there.image(hit.image_id)
    one, other = here.person(hit.person_id), there.person(hit.person_id)
    scores = {"cosine", "probability", "parts", "rank", "similar", "near"}  # of the search before
    assert one.model_dump(exclude={"person": scores}) == other.model_dump(exclude={"person": scores})
    picture = save(tmp_path / "q.png", scene("yellow", seed=5))
    added = here.add_picture(picture)
    assert added == there.add_picture(picture.read_bytes())
    found = [plain(each.all_hits(f"picture:{added.name}")) for each in both]
    assert found[0] == found[1]
    assert found[0][0]["upper_color"] == "yellow"


def test_a_search_of_either_finds_the_same_people(both: tuple[Archive, Client]) -> None:
    here, there = both
    ours = here.search("red", include_low_confidence=True, top=3)
    theirs = there.search("red", weak=True, top=3)
    assert [(hit.person_id, hit.probability) for hit in ours] == [
        (hit.person_id, hit.probability) for hit in theirs.results
    ]


def test_saved_searches_are_one_list(both: tuple[Archive, Client]) -> None:
    here, there = both
    mine = here.save_search("upper:red", name="mine")
    theirs = there.save_search(where="upper_color = 'blue'")
    assert here.searches() == there.searches()
    assert [search.name for search in here.searches().searches] == sorted([mine.name, theirs.name])
    assert here.saved_search("mine") == there.saved_search("mine") == mine
    assert [(outcome.name, outcome.new, outcome.trouble) for outcome in here.run_searches("mine")] == [
        ("mine", 0, "")
    ]
    here.remove_search(theirs.name)
    there.remove_search("mine")
    assert here.searches().searches == there.searches().searches == []


@pytest.mark.parametrize(
    "call",
    [
        lambda it: it.facets("heigth_px > 1"),
        lambda it: it.person("abc"),
        lambda it: it.saved_search("none"),
        lambda it: it.remove_search("none"),
        lambda it: it.save_search(""),
        lambda it: list(it.all_hits("red AND")),
        lambda it: it.add_picture(b"no picture"),
    ],
)
def test_errors_say_the_same(both: tuple[Archive, Client], call: Callable[[Any], Any]) -> None:
    said = []
    for one in both:
        with pytest.raises(ParError) as caught:
            call(one)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_both_are_in_the_audit_log(both: tuple[Archive, Client]) -> None:
    here, there = both
    for one, how in ((here, "python"), (there, "api")):
        list(one.browse())
        one.facets(q="upper:red")
        events = one.audit(top=5).events
        assert [(event.how, event.action) for event in events[:2]] == [(how, "facets"), (how, "search")]
        assert events[1].what == "everybody; newest first"
