"""A review in the terminal: show a batch, read a line of answers, until all people are judged or the reviewer
stops.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from par_core.errors import BadConfigError
from par_core.query.crops import crops_of
from par_core.query.from_store import Searcher
from par_core.review.recall import Estimate
from par_core.review.record import load_record, review_names
from par_core.review.session import Batch, Review
from par_core.review.sheet import write_sheet
from par_core.store.layout import Store

__all__ = [
    "HELP",
    "annotate",
    "estimate_line",
    "read_answers",
    "review_lines",
    "review_object",
    "sheet_of",
    "strata_lines",
]

HELP = (
    "numbers of those who fit (1 3 5-7), ?4 if you cannot tell of 4, Enter for none, u to take the last batch"
    " back, q to stop"
)
_TOKEN = re.compile(r"(\?)?(\d{1,6})(?:-(\d{1,6}))?")


def annotate(
    review: Review,
    lines: Iterator[str],
    size: int,
    show: Callable[[Batch], None],
    say: Callable[[str], None],
    *,
    strict: bool,
) -> bool:
    """Let a reviewer judge batch after batch.

    Args:
        review: The review; every answered batch is saved at once.
        lines: Typed lines, one for each batch.
        size: Number of people in a new batch.
        show: Called with every batch before its line is read.
        say: Called with every message for the reviewer.
        strict: Whether a line that cannot be understood raises its error, instead of being asked for again.

    Returns:
        True if all people were judged, False if the lines ended or the reviewer stopped.

    Raises:
        BadConfigError: A line cannot be understood, and ``strict`` is set.
    """
    while True:
        batch = review.batch(size)
        if not batch.hits:
            return True
        show(batch)
        for line in lines:
            if line.strip().lower() in ("q", "quit"):
                return False
            if line.strip().lower() in ("u", "undo"):
                say("the last batch is open again" if _take_back(review) else "there is nothing to take back")
                break
            try:
                review.answer(read_answers(line, batch))
            except BadConfigError as error:
                if strict:
                    raise
                say(str(error))
                continue
            say(estimate_line(review.estimate()))
            break
        else:
            return False


def read_answers(line: str, batch: Batch) -> dict[str, str]:
    """Return the answers of a line, by person id: people of the batch without an answer get no, people whose
    numbers are in the line get yes or skip.

    Raises:
        BadConfigError: The line has a number that is not in the batch, or cannot be understood.
    """
    answers = {hit.person_id: "no" for hit in batch.hits if hit.person_id in batch.open}
    for token in line.replace(",", " ").split():
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise BadConfigError(f"{token!r} is no answer; type {HELP}")
        first, last = int(match[2]), int(match[3] or match[2])
        if not 1 <= first <= last <= len(batch.hits):
            raise BadConfigError(f"{token!r} is not in this batch; it has the numbers 1 to {len(batch.hits)}")
        answers |= {
            batch.hits[number - 1].person_id: "skip" if match[1] else "yes"
            for number in range(first, last + 1)
        }
    return answers


def _take_back(review: Review) -> bool:
    """Undo until the batch of the latest answer has no answers; return whether there was one."""
    if review.undo() is None:
        return False
    while any(person.turn for person in review.record.rounds[-1]):
        review.undo()
    return True


def sheet_of(review: Review, searcher: Searcher, path: Path, batch: Batch) -> None:
    """Write the contact sheet of a batch."""
    crops = crops_of(batch.hits, searcher.store, review.index.info.segment_config, searcher.config.archive)
    write_sheet(path, review.record.text, batch, crops)


def estimate_line(estimate: Estimate) -> str:
    """Return one line on how many people are left."""
    judged = f"judged {estimate.judged:,} of {estimate.people:,}, found {estimate.found:,}"
    if estimate.most_left == 0:
        return f"{judged}; nobody is left"
    most, confidence = f"{estimate.most_left:,} more are left", f"({estimate.confidence:.0%})"
    if estimate.least_left == 0:
        return f"{judged}; at most {most} {confidence}"
    return f"{judged}; between {estimate.least_left:,} and {most} {confidence}"


def strata_lines(estimate: Estimate) -> Iterator[str]:
    """Yield a table of how many people are left in each stratum, by rank for the text."""
    yield f"{'rank by the text':>24} {'judged':>8} {'found':>6}  more left ({estimate.confidence:.0%} each)"
    for row in estimate.strata:
        yield (
            f"{f'{row.first_rank:,} to {row.last_rank:,}':>24} {row.judged:>8,} {row.found:>6,} "
            f" {row.least_left:,} to {row.most_left:,}"
        )


def review_object(review: Review, batch: Batch) -> dict[str, Any]:
    """Return a review as JSON types: the people found, the estimate, and the open batch."""
    record = review.record
    return {
        "name": record.name,
        "text": record.text,
        "where": record.where,
        "embedding": record.embedding,
        "index_version": record.index_version,
        "estimate": asdict(review.estimate()),
        "found": [hit.as_json() for hit in review.found_people()],
        "batch": {
            "number": batch.number,
            "open": sorted(batch.open),
            "people": [hit.as_json() for hit in batch.hits],
        },
        "warnings": list(review.warnings),
    }


def review_lines(store: Store) -> Iterator[str]:
    """Yield one line for each review of a store."""
    names = review_names(store)
    if not names:
        yield "no reviews yet"
    for name in names:
        record = load_record(store, name)
        judged = record.count("yes") + record.count("no")
        where = f", where {record.where}" if record.where else ""
        yield f"{name}: {record.text!r}{where}; judged {judged}, found {record.count('yes')}"
