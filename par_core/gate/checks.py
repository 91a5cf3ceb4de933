"""Checks of the quality gate: each expectation of the golden file becomes one finding, with the expected and
the actual value.
"""

from collections.abc import Iterator
from pathlib import Path

from par_core.archive.canonical import composed
from par_core.config import RunConfig
from par_core.errors import BadConfigError, StoreError
from par_core.gate.golden import GoldenQuery, StoreHealth
from par_core.gate.report import Finding
from par_core.plurals import number_of
from par_core.query.answer import Hit
from par_core.query.from_store import Question, ask
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["query_findings", "store_findings"]

_EXAMPLES = 5


def store_findings(store: Store, index: PeopleIndex, health: StoreHealth) -> Iterator[Finding]:
    """Check the store itself.

    Args:
        store: The store.
        index: Newest version of its index.
        health: Expectations of the golden file.

    Raises:
        StoreError: The live version, with which people are compared, cannot be read.
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
        counted = store_status(store).accounting
        for what, failed, total in (
            ("files", counted.failed, counted.listed),
            ("people", counted.people_failed, counted.found),
        ):
            share = failed / total if total else 0.0
            yield Finding(
                "store",
                f"at most {health.failed_share_at_most:.1%} of the {what} failed",
                f"{failed} of {total} ({share:.1%})",
                share <= health.failed_share_at_most,
            )
    if health.people_fall_at_most is not None:
        yield _people_finding(store, index, health.people_fall_at_most)


def _people_finding(store: Store, index: PeopleIndex, fall_at_most: float) -> Finding:
    expected = f"people fall by at most {fall_at_most:.1%}"
    now, live = index.count_present(), PeopleIndex.open(store.index_path, "live")
    if index.history.live_version is None or live is None:
        return Finding(
            "store", expected, f"{number_of(now, 'person')}, and no live version to compare with", passed=True
        )
    before = live.count_present()
    actual = f"{number_of(now, 'person')}, {before} in the live version {live.version}"
    return Finding("store", expected, actual, now >= before * (1 - fall_at_most))


def query_findings(store_root: Path, query: GoldenQuery, config: RunConfig) -> Iterator[Finding]:
    """Run one golden query on the newest version, and compare the answer with the expectations.

    A query that the newest version cannot answer (it lacks a column, or has another embedding) fails.
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
    actual = "; ".join(
        [
            f"{likely}{' or more' if likely == query.top else ''} among {number_of(len(result.hits), 'hit')}",
            *result.warnings,
        ]
    )
    if query.at_least is not None:
        yield Finding(str(query), f"at least {query.at_least} {kind}", actual, likely >= query.at_least)
    if query.at_most is not None:
        yield Finding(str(query), f"at most {query.at_most} {kind}", actual, likely <= query.at_most)
    if query.expect:
        yield _recall_finding(query, result.hits)


def _recall_finding(query: GoldenQuery, hits: tuple[Hit, ...]) -> Finding:
    missing = [name for name in query.expect if not any(_is(hit, name) for hit in hits)]
    present = len(query.expect) - len(missing)
    examples = (
        f"; missing: {', '.join(missing[:_EXAMPLES])}{', ...' if len(missing) > _EXAMPLES else ''}"
        if missing
        else ""
    )
    among = f"among the {'hits' if query.text is None and query.image is None else f'first {query.top} hits'}"
    expected = f"{query.recall:.0%} of the {len(query.expect)} expected {among}"
    return Finding(
        str(query),
        expected,
        f"{present} of {len(query.expect)}{examples}",
        present >= query.recall * len(query.expect) - 1e-9,
    )


def _is(hit: Hit, name: str) -> bool:
    """Whether a name, which is an id or the end of a place of the image, is that of a hit."""
    uris, name = [composed(uri) for uri in hit.uris], composed(name)
    end = f"/{name.lstrip('/')}"
    return name in (hit.person_id, hit.image_id, *uris) or any(uri.endswith(end) for uri in uris)
