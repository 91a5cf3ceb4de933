"""Saved searches at the end of a run: they tell who is new. Whatever fails of them, the run is done."""

from collections.abc import Iterator

from flows.console.saved_searches import outcome_line
from par_core.config import RunConfig
from par_core.store.layout import Store

__all__ = ["news_lines"]


def news_lines(store: Store, config: RunConfig) -> Iterator[str]:
    """Run the saved searches of a store; yields a line for each that has news or trouble.

    Args:
        store: The store.
        config: Names the models.
    """
    from par_core.alerts.record import has_searches

    if not has_searches(store):
        return
    from par_core.access import Access, Caller
    from par_core.alerts.run import run_searches
    from par_core.query.from_store import Searcher

    new = 0
    try:
        for outcome in run_searches(Searcher(store.root, config)):
            new += outcome.new
            if outcome.new or outcome.trouble:
                yield ("warning: " if outcome.trouble else "") + f"saved search {outcome_line(outcome)}"
        Access.open(store.root, config.access.audit_days).record(
            Caller.local(), "run_saved_searches", "all", new, how="flow"
        )
    except Exception as error:  # noqa: BLE001 - the run is committed; the next one tries again
        yield f"warning: saved searches were not run to the end: {error}"
