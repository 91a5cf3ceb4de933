"""The accounting of files and people, as the ledger counts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from par_core.plurals import number_of
from par_core.status import Status

__all__ = ["FAILED_FILES", "FAILED_PEOPLE", "NOTHING", "Accounting", "accounting_of"]

#: Counters whose names begin so count failed files, and failed people, by status.
FAILED_FILES: Final = "failed:"
FAILED_PEOPLE: Final = "person_failed:"


@dataclass(frozen=True, slots=True)
class Accounting:
    """Two equations that must hold.

    Files: listed = indexed + no_people + failed + duplicates + forgotten + pending.
    People of the indexed images: found = described + too_small + second_cuts + people_failed +
    people_forgotten + people_pending.

    Attributes:
        listed: Files and archive members that the newest listings hold.
        indexed: Different images with at least one person of usable size.
        no_people: Different images without such a person.
        failed: Files with a failure status.
        duplicates: Further files with the bytes of an image that is counted already.
        forgotten: Files that were erased on purpose and are still in the archive.
        pending: Files not worked on yet, because a run was stopped.
        people: People of usable size in the indexed images, second cuts included.
        too_small: People below the configured size.
        described: People with a row in the index.
        people_failed: People who could not be described.
        people_forgotten: People who were erased on purpose from images that stay.
        people_pending: People of images whose people are not described, or not in the index yet.
        vanished: Files known from before that the newest listings no longer hold (not part of the equation).
        failures: Failed files by status.
        person_failures: People who could not be described, by status.
        second_cuts: Further outlines of people who are there already.
        unreadable_times: Different images, indexed or without people, that have a time of capture which
            cannot be read (not part of an equation).
    """

    listed: int
    indexed: int
    no_people: int
    failed: int
    duplicates: int
    forgotten: int
    pending: int
    people: int
    too_small: int
    described: int
    people_failed: int
    people_forgotten: int
    people_pending: int
    vanished: int
    failures: Mapping[str, int]
    person_failures: Mapping[str, int]
    second_cuts: int = 0
    unreadable_times: int = 0

    @property
    def found(self) -> int:
        """All people that were found in the indexed images."""
        return self.people + self.too_small + self.people_forgotten

    @property
    def holds(self) -> bool:
        """Whether both equations hold."""
        files = self.indexed + self.no_people + self.failed + self.duplicates + self.forgotten + self.pending
        return self.listed == files and self.people == (
            self.described + self.second_cuts + self.people_failed + self.people_pending
        )

    def __str__(self) -> str:
        parts = [
            f"{self.indexed} indexed",
            f"{self.no_people} without people",
            f"{self.failed} failed",
            number_of(self.duplicates, "duplicate"),
        ]
        parts += [f"{self.forgotten} forgotten"] if self.forgotten else []
        parts += [f"{self.pending} pending"] if self.pending else []
        return f"{number_of(self.listed, 'file')} listed = {' + '.join(parts)}"

    @property
    def people_by_state(self) -> dict[str, int]:
        """The parts that the people found add up to, by name."""
        return {
            "described": self.described,
            "too_small": self.too_small,
            "second_cuts": self.second_cuts,
            "failed": self.people_failed,
            "forgotten": self.people_forgotten,
            "pending": self.people_pending,
        }

    @property
    def people_sentence(self) -> str:
        """The equation of the people as a sentence."""
        parts = [
            f"{self.described} described",
            f"{self.too_small} too small",
            f"{self.people_failed} failed",
        ]
        parts += [number_of(self.second_cuts, "second cut")] if self.second_cuts else []
        parts += [f"{self.people_forgotten} forgotten"] if self.people_forgotten else []
        parts += [f"{self.people_pending} pending"] if self.people_pending else []
        return f"{number_of(self.found, 'person')} found = {' + '.join(parts)}"

    @property
    def times_sentence(self) -> str:
        """How many times of capture could not be read, as a sentence."""
        return f"times of capture that cannot be read: {self.unreadable_times}"


def accounting_of(counters: Mapping[str, int], people_forgotten: int) -> Accounting:
    """Return the accounting of the counters of a ledger.

    Args:
        counters: Value by name.
        people_forgotten: People on the suppression list of the store.
    """

    def named(prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): n for name, n in counters.items() if n and name.startswith(prefix)}

    failures, person_failures = named(FAILED_FILES), named(FAILED_PEOPLE)
    second_cuts = person_failures.pop(Status.SECOND_CUT.value, 0)
    get = counters.get
    return Accounting(
        listed=get("listed", 0),
        indexed=get("images:ok", 0),
        no_people=get("images:no_people", 0),
        failed=sum(failures.values()),
        duplicates=get("duplicates", 0),
        forgotten=get("forgotten", 0),
        pending=get("pending", 0),
        people=get("people", 0),
        too_small=get("too_small", 0),
        described=get("described", 0),
        people_failed=sum(person_failures.values()),
        people_forgotten=people_forgotten,
        people_pending=get("people_pending", 0),
        vanished=get("vanished", 0),
        failures=failures,
        person_failures=person_failures,
        second_cuts=second_cuts,
        unreadable_times=get("unreadable_times", 0),
    )


#: The accounting of an empty store.
NOTHING: Final = accounting_of({}, 0)
