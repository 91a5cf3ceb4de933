"""Who answers questions: the store, opened in this process, or a running server of it.

Both give the same answers. A server has its models and its index in memory, which a command would load first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.console.asking import Asked
from flows.console.shown import ShownAnswer, ShownHit
from par_core.errors import BadConfigError, FilterError, StoreError

if TYPE_CHECKING:
    from par_core.config import RunConfig
    from par_core.query.answer import SearchResult
    from par_core.serve.client import Client
    from par_core.serve.schemas import SearchResponse

__all__ = ["LocalAnswers", "ServerAnswers", "server_answers", "unfit_for_a_server"]

_LARGEST_PAGE: Final = 500  # hits that a server gives at once
_WAIT_S: Final = 60.0
_IN_ORDER: Final = (
    *("question", "searched", "warnings", "order", "why", "total", "next_after", "chance", "results"),
)


class LocalAnswers:
    """Answers from the store, in this process.

    Args:
        store: Folder of the store.
        config: Names the models.
        version: Version of the index.

    Raises:
        BadConfigError: There is no store.
    """

    def __init__(self, store: Path, config: "RunConfig", version: str = "live") -> None:
        from par_core.access import Access
        from par_core.query.from_store import Searcher

        self.searcher = Searcher(store, config, version)
        self._config = config
        self._access = Access.open(store, config.access.audit_days)

    def warm(self) -> None:
        """Load the models for texts."""
        self.searcher.warm()

    def notes(self, text: str) -> Sequence[str]:
        """See ``Answers``; none on a question that cannot be read, which :meth:`ask` refuses and records."""
        from par_core.query.from_store import notes_on

        try:
            return notes_on(text, self._config)
        except FilterError:
            return ()

    def ask(self, asked: Asked) -> "SearchResult":
        """See ``Answers``."""
        from flows.console.lines import say
        from par_core.access import Caller, question_text
        from par_core.query.first_hits import first_hits
        from par_core.query.question import Question

        question = Question(
            asked.text, asked.image, asked.where, asked.top, asked.absent, asked.weak, asked.apart, near=True
        )
        with self._access.recording(
            Caller.local(),
            "search",
            question_text(question.text, question.image, question.where),
            unrecorded=lambda message: say(f"par: {message}"),
        ) as event:
            result = first_hits(self.searcher.ask, question)
            event.count = len(result.hits)
        return result

    def crops(self, hits: Sequence[ShownHit]) -> list[bytes | None]:
        """See ``Answers``."""
        from par_core.query.answer import Hit
        from par_core.query.crops import crops_of

        found = [hit for hit in hits if isinstance(hit, Hit)]
        segmented = self.searcher.index().info.segment_config
        crops = crops_of(found, self.searcher.store, segmented, self._config.archive)
        return [crop.jpeg for crop in crops]

    def save_gallery(self, path: Path, answer: ShownAnswer, command: str) -> None:
        """Write the contact sheet of an answer into a file.

        Args:
            path: The file.
            answer: An answer of :meth:`ask`.
            command: The command that asked.
        """
        from par_core.query.answer import SearchResult
        from par_core.query.from_store import save_gallery

        assert isinstance(answer, SearchResult)
        root = self.searcher.store.root
        save_gallery(path, answer, root, self.searcher.index(), self._config, command)

    def completions(self, text: str) -> Sequence[str]:
        """See ``Answers``."""
        from par_core.query.word_hints import completions
        from par_core.tags.of_index import tags_of

        index = self.searcher.index()
        try:
            tags = list(tags_of(index).counts())
        except StoreError:  # the answer says what is wrong with them
            tags = []
        return completions(text, index.attributes, tags)

    def as_json(self, answer: ShownAnswer) -> Mapping[str, Any]:
        """See ``Answers``."""
        from par_core.query.answer import SearchResult

        assert isinstance(answer, SearchResult)
        index = self.searcher.index()
        return answer.as_json() | {"embedding": index.info.embedding, "index_version": index.version}


@dataclass(frozen=True, slots=True)
class _ServedAnswer:
    """An answer of a server, as :class:`ShownAnswer` names its parts."""

    response: "SearchResponse"
    hits: Sequence[ShownHit]
    searched: int
    warnings: Sequence[str]
    why: Sequence[str]
    order: str
    chance: Any


class ServerAnswers:
    """Answers of a server; it writes the audit log.

    Args:
        client: Talks to the server.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client

    def notes(self, text: str) -> Sequence[str]:
        """See ``Answers``."""
        return self._client.suggest(text).notes

    def ask(self, asked: Asked) -> ShownAnswer:
        """See ``Answers``."""
        from par_core.serve.client import ServerError

        try:
            given = self._client.search(
                asked.text,
                where=asked.where,
                top=asked.top,
                absent=asked.absent,
                weak=asked.weak,
                apart=asked.apart,
            )
        except ServerError as error:
            if error.status == 400:  # the question is wrong
                raise BadConfigError(str(error)) from error
            raise
        return _ServedAnswer(
            given, given.results, given.searched, given.warnings, given.why, given.order, given.chance
        )

    def crops(self, hits: Sequence[ShownHit]) -> list[bytes | None]:
        """See ``Answers``."""
        return [self._crop(hit.person_id) for hit in hits]

    def completions(self, text: str) -> Sequence[str]:
        """See ``Answers``."""
        return self._client.suggest(text).completions

    def as_json(self, answer: ShownAnswer) -> Mapping[str, Any]:
        """See ``Answers``."""
        assert isinstance(answer, _ServedAnswer)
        content = answer.response.model_dump(mode="json")
        return {name: content[name] for name in _IN_ORDER} | {
            "embedding": self._client.status().embedding,
            "index_version": answer.response.versions.searched,
        }

    def _crop(self, person_id: str) -> bytes | None:
        from par_core.serve.client import ServerError

        try:
            return self._client.crop(person_id)
        except ServerError as error:
            if error.status in (404, 410):  # the file has gone
                return None
            raise


def unfit_for_a_server(asked: Asked, version: str, *, html: bool) -> str:
    """Return why a question is answered without a server; empty if one can answer it.

    Args:
        asked: The question.
        version: Version of the index.
        html: Whether a contact sheet is wanted.
    """
    if asked.image is not None:
        return "--image is read by this command"
    if version != "live":
        return "a server reads the live version only"
    if asked.top > _LARGEST_PAGE:
        return f"a server gives {_LARGEST_PAGE} hits at once, and {asked.top} are wanted"
    return "--html is written by this command" if html else ""


def server_answers(where: str, store: Path, token: str | None) -> tuple[ServerAnswers | None, str]:
    """Return a server's answers, or None, and a sentence on which server was taken or why none.

    Args:
        where: Address of a server, or ``auto``: the server of this store that runs on this machine.
        store: Folder of the store, for ``auto``.
        token: Token for the server, or None.

    Raises:
        BadConfigError: The address is none.
        ServerError: The server at a given address does not answer, or refuses.
    """
    from par_core.serve.address import server_of
    from par_core.serve.client import Client, ServerError

    if where != "auto":
        if "://" not in where:
            raise BadConfigError(
                f"--server wants auto or an address such as http://127.0.0.1:8000, got {where!r}"
            )
        client = Client(where, token, timeout=_WAIT_S)
        client.suggest("")  # says now whether it answers, and takes the token
        return ServerAnswers(client), f"answered by the server at {where}, from the store that it serves"
    found = server_of(store)
    if found is None:
        return None, f"no par serve of {store} runs on this machine"
    client = Client(found.url, token, timeout=_WAIT_S)
    try:
        client.suggest("")
    except ServerError as error:
        client.close()
        why = "it needs a token: set PAR_TOKEN" if error.status == 401 and not token else str(error)
        return None, f"the server at {found.url} was not used: {why}"
    return ServerAnswers(client), f"answered by the server at {found.url}"
