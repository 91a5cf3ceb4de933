"""The hunts of one store, open for many askers: a hunt that goes on stays in memory, one judgement at a time changes it."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from par_core.errors import BadConfigError
from par_core.query.answer import Hit
from par_core.query.from_store import Searcher
from par_core.review.recall import Estimate
from par_core.review.record import HuntRecord, hunt_names, load_record
from par_core.review.session import Batch, Hunt
from par_core.serve.service import ArchiveService

__all__ = ["HuntState", "Hunts"]

_KEPT: Final = 16  # hunts in memory
_BATCH: Final = 12  # people


@dataclass(frozen=True, slots=True)
class HuntState:
    """Where a hunt is.

    Attributes:
        record: What is kept of it.
        batch: The people to be judged now; without hits if everybody was asked about.
        answers: Of the people of the batch who have one: by id.
        estimate: How many are left.
        found: Whoever was judged to fit, the latest first.
        warnings: What the hunter should know.
    """

    record: HuntRecord
    batch: Batch
    answers: dict[str, str]
    estimate: Estimate
    found: tuple[Hit, ...]
    warnings: tuple[str, ...]


class _Seat:
    """A hunt and its lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.hunt: Hunt | None = None


class Hunts:
    """All hunts of a store.

    Args:
        service: The store.
    """

    def __init__(self, service: ArchiveService) -> None:
        self._service = service
        self._searcher = Searcher(service.store.root, service.config)
        self._seats: OrderedDict[str, _Seat] = OrderedDict()
        self._lock = threading.Lock()

    def records(self) -> tuple[HuntRecord, ...]:
        """All that are kept in the store, by name."""
        return tuple(load_record(self._service.store, name) for name in hunt_names(self._service.store))

    def start(self, text: str, where: str | None) -> str:
        """Start a hunt.

        Args:
            text: What is hunted, in plain words.
            where: Only people for whom this filter holds take part; None is everybody.

        Returns:
            Its name.

        Raises:
            BadConfigError: The text is empty, the filter is wrong, or nobody takes part.
            NotReadyError: Nobody is in the index yet.
            FingerprintError: The store was filled with another model.
        """
        self._service.versions()
        hunt = Hunt.start(self._searcher, text.strip(), where=where)
        self._seat(hunt.record.name).hunt = hunt
        return hunt.record.name

    def state(self, name: str) -> HuntState:
        """Where a hunt is; makes a new batch where the last one is answered.

        Raises:
            BadConfigError: There is no such hunt.
            FingerprintError: The store was filled with another model since.
        """
        return self._with(name, lambda _: None)

    def answer(self, name: str, person_id: str, answer: str) -> HuntState:
        """Judge one person, or correct what was said.

        Args:
            name: Of the hunt.
            person_id: Of somebody it asked about.
            answer: ``yes``, ``no`` or ``skip``.

        Raises:
            BadConfigError: There is no such hunt, it did not ask about this person, or the answer is another word.
        """
        return self._with(name, lambda hunt: hunt.answer({person_id: answer}))

    def answer_rest(self, name: str) -> HuntState:
        """Judge that nobody who still waits in the batch fits."""
        return self._with(name, lambda hunt: hunt.answer(dict.fromkeys(hunt.batch(_BATCH).open, "no")))

    def undo(self, name: str) -> HuntState:
        """Take the latest answer back."""
        return self._with(name, lambda hunt: hunt.undo())

    def _with(self, name: str, change: Callable[[Hunt], object]) -> HuntState:
        seat = self._seat(name)
        with seat.lock:
            if seat.hunt is None or self._is_old(seat.hunt):
                seat.hunt = Hunt.resume(self._searcher, name)
            change(seat.hunt)
            batch = seat.hunt.batch(_BATCH)
            shown = {hit.person_id for hit in batch.hits}
            answers = {asked.person_id: asked.answer for asked in seat.hunt.record.asked if asked.person_id in shown and asked.answer is not None}
            return HuntState(seat.hunt.record, batch, dict(answers), seat.hunt.estimate(), seat.hunt.found()[::-1], seat.hunt.warnings)

    def _is_old(self, hunt: Hunt) -> bool:
        """Whether the index, or another process the hunt, has gone on."""
        known = hunt.record
        return self._service.versions().searched != hunt.index.version or load_record(self._service.store, known.name).rounds != known.rounds

    def _seat(self, name: str) -> _Seat:
        if name not in hunt_names(self._service.store):
            raise BadConfigError(f"there is no hunt {name!r}")
        with self._lock:
            seat = self._seats.setdefault(name, _Seat())
            self._seats.move_to_end(name)
            while len(self._seats) > _KEPT:
                self._seats.popitem(last=False)
            return seat
