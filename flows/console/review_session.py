"""A hunt in the terminal: shows a batch, reads a line, until nobody is left or the hunter stops."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from par_core.errors import BadConfigError
from par_core.query.crops import crops_of
from par_core.query.from_store import Searcher
from par_core.review.recall import Estimate
from par_core.review.record import hunt_names, load_record
from par_core.review.session import Batch, Hunt
from par_core.review.sheet import write_sheet
from par_core.store.layout import Store

__all__ = ["HELP", "estimate_line", "hunt_lines", "hunt_object", "judge", "read_answers", "sheet_of", "strata_lines"]

HELP = "numbers of those who fit (1 3 5-7), ?4 if you cannot tell of 4, Enter for none, u to take the last batch back, q to stop"
_TOKEN = re.compile(r"(\?)?(\d{1,6})(?:-(\d{1,6}))?")


def judge(hunt: Hunt, lines: Iterator[str], size: int, show: Callable[[Batch], None], tell: Callable[[str], None], *, strict: bool) -> bool:
    """Ask batch after batch.

    Args:
        hunt: Goes on from where it is; every answered batch is kept at once.
        lines: What is typed, one line a batch.
        size: Of new batches.
        show: Called with every batch before its line is read.
        tell: Called with what there is to say.
        strict: A line that makes no sense ends the hunt with an error, instead of being asked for again.

    Returns:
        Whether everybody was asked about; False if the lines ended or the hunter stopped.
    """
    while True:
        batch = hunt.batch(size)
        if not batch.hits:
            return True
        show(batch)
        for line in lines:
            if line.strip().lower() in ("q", "quit"):
                return False
            if line.strip().lower() in ("u", "undo"):
                tell("the last batch is open again" if _take_back(hunt) else "there is nothing to take back")
                break
            try:
                hunt.answer(read_answers(line, batch))
            except BadConfigError as error:
                if strict:
                    raise
                tell(str(error))
                continue
            tell(estimate_line(hunt.estimate()))
            break
        else:
            return False


def read_answers(line: str, batch: Batch) -> dict[str, str]:
    """The answers that a line gives to those of a batch who have none yet.

    Raises:
        BadConfigError: It names a number that is not in the batch, or makes no sense.
    """
    answers = {hit.person_id: "no" for hit in batch.hits if hit.person_id in batch.open}
    for token in line.replace(",", " ").split():
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise BadConfigError(f"{token!r} is no answer; type {HELP}")
        first, last = int(match[2]), int(match[3] or match[2])
        if not 1 <= first <= last <= len(batch.hits):
            raise BadConfigError(f"{token!r} is not in this batch; it has the numbers 1 to {len(batch.hits)}")
        answers |= {batch.hits[number - 1].person_id: "skip" if match[1] else "yes" for number in range(first, last + 1)}
    return answers


def _take_back(hunt: Hunt) -> bool:
    """Undo until the batch of the latest answer has none."""
    if hunt.undo() is None:
        return False
    while any(person.turn for person in hunt.record.rounds[-1]):
        hunt.undo()
    return True


def sheet_of(hunt: Hunt, searcher: Searcher, path: Path, batch: Batch) -> None:
    """Write the contact sheet of a batch."""
    crops = crops_of(batch.hits, searcher.store, hunt.index.info.segment_config, searcher.config.archive)
    write_sheet(path, hunt.record.text, batch, crops)


def estimate_line(told: Estimate) -> str:
    """How many are left, in one line."""
    judged = f"judged {told.judged:,} of {told.people:,}, found {told.found:,}"
    if told.most_left == 0:
        return f"{judged}; nobody is left"
    if told.least_left == 0:
        return f"{judged}; at most {told.most_left:,} more are left ({told.confidence:.0%})"
    return f"{judged}; between {told.least_left:,} and {told.most_left:,} more are left ({told.confidence:.0%})"


def strata_lines(told: Estimate) -> Iterator[str]:
    """Where they may be, by rank of the text."""
    yield f"{'rank by the text':>24} {'judged':>8} {'found':>6}  more left ({told.confidence:.0%} each)"
    for row in told.strata:
        yield f"{f'{row.first_rank:,} to {row.last_rank:,}':>24} {row.judged:>8,} {row.found:>6,}  {row.least_left:,} to {row.most_left:,}"


def hunt_object(hunt: Hunt, batch: Batch) -> dict[str, Any]:
    """A hunt as JSON types: what was found, how many are left, and who waits for an answer."""
    record = hunt.record
    return {
        "name": record.name,
        "text": record.text,
        "where": record.where,
        "embedding": record.embedding,
        "index_version": record.index_version,
        "estimate": asdict(hunt.estimate()),
        "found": [hit.as_json() for hit in hunt.found()],
        "batch": {"number": batch.number, "open": sorted(batch.open), "people": [hit.as_json() for hit in batch.hits]},
        "warnings": list(hunt.warnings),
    }


def hunt_lines(store: Store) -> Iterator[str]:
    """The hunts of a store."""
    names = hunt_names(store)
    if not names:
        yield "no hunts yet"
    for name in names:
        record = load_record(store, name)
        judged = record.count("yes") + record.count("no")
        where = f", where {record.where}" if record.where else ""
        yield f"{name}: {record.text!r}{where}; judged {judged}, found {record.count('yes')}"
