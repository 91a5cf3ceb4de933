"""The checks of the gate: each wish of the golden file becomes one finding, with what was wanted and what was
found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from par_core.config import RunConfig
from par_core.errors import BadConfigError, StoreError
from par_core.gate.golden import GoldenQuery, StoreHealth
from par_core.query.answer import Hit
from par_core.query.from_store import Question, ask
from par_core.stages.check import verify_store
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import accounting

__all__ = ["Finding", "query_findings", "store_findings"]

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        check: What was looked at: ``store``, or the question.
        wanted: The expectation.
        found: What is there.
        passed: Whether that is enough.
    """

    check: str
    wanted: str
    found: str
    passed: bool


def store_findings(store: Store, index: PeopleIndex, health: StoreHealth) -> Iterator[Finding]:
    """The store's own health.

    Args:
        store: The store.
        index: Its newest version.
        health: What is wanted.

    Raises:
        StoreError: The live version, which people are compared with, cannot be read.
    """
    if health.verified:
        problems = verify_store(store).problems
        more = f" and {len(problems) - _EXAMPLES} more" if len(problems) > _EXAMPLES else ""
        yield Finding(
            "store",
            "par verify finds no problem",
            "; ".join(problems[:_EXAMPLES]) + more or "no problem",
            not problems,
        )
    if health.failed_share_at_most is not None:
        counted = accounting(store, index.info.segment_config)
        share = counted.failed / counted.listed if counted.listed else 0.0
        found = f"{counted.failed} of {counted.listed} ({share:.1%})"
        yield Finding(
            "store",
            f"at most {health.failed_share_at_most:.1%} of the files failed",
            found,
            share <= health.failed_share_at_most,
        )
    if health.people_fall_at_most is not None:
        yield _people(store, index, health.people_fall_at_most)


def _people(store: Store, index: PeopleIndex, fall_at_most: float) -> Finding:
    wanted = f"people fall by at most {fall_at_most:.1%}"
    now, live = index.count_present(), PeopleIndex.open(store.index_path, "live")
    if index.history.live_version is None or live is None:
        return Finding("store", wanted, f"{now} people, and no live version to compare with", passed=True)
    before = live.count_present()
    found = f"{now} people, {before} in the live version {live.version}"
    return Finding("store", wanted, found, now >= before * (1 - fall_at_most))


def query_findings(store_root: Path, query: GoldenQuery, config: RunConfig) -> Iterator[Finding]:
    """Ask the newest version one question, and compare the answer with what is expected.

    A question that the newest version cannot be asked (it lacks a column, or has another embedding) has
    failed.
    """
    question = Question(
        text=query.text, image=query.image, where=query.where, top=query.top, weak=True, apart=True
    )
    try:
        result, _ = ask(store_root, question, config, "latest")
    except (BadConfigError, StoreError) as error:
        yield Finding(str(query), "can be asked", str(error), passed=False)
        return
    likely = sum(hit.probability is None or hit.probability > query.probability for hit in result.hits)
    kind = "hits" if query.text is None else f"hits with a probability above {query.probability:g}"
    looked = "; ".join(
        [
            f"{likely}{' or more' if likely == query.top else ''} among {len(result.hits)} hits",
            *result.warnings,
        ]
    )
    if query.at_least is not None:
        yield Finding(str(query), f"at least {query.at_least} {kind}", looked, likely >= query.at_least)
    if query.at_most is not None:
        yield Finding(str(query), f"at most {query.at_most} {kind}", looked, likely <= query.at_most)
    if query.expect:
        yield _expected(query, result.hits)


def _expected(query: GoldenQuery, hits: tuple[Hit, ...]) -> Finding:
    missing = [wanted for wanted in query.expect if not any(_is(hit, wanted) for hit in hits)]
    there = len(query.expect) - len(missing)
    examples = (
        f"; missing: {', '.join(missing[:_EXAMPLES])}{', ...' if len(missing) > _EXAMPLES else ''}"
        if missing
        else ""
    )
    among = f"among the {'hits' if query.text is None and query.image is None else f'first {query.top} hits'}"
    wanted = f"{query.recall:.0%} of the {len(query.expect)} expected {among}"
    return Finding(
        str(query),
        wanted,
        f"{there} of {len(query.expect)}{examples}",
        there >= query.recall * len(query.expect) - 1e-9,
    )


def _is(hit: Hit, wanted: str) -> bool:
    return wanted in (hit.person_id, hit.image_id, hit.uri) or hit.uri.endswith(f"/{wanted.lstrip('/')}")
