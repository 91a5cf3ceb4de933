"""Quality gate: check the newest version of the index, and tag it ``live`` if all checks pass.

A gate that is killed at any point before the tag leaves the old version live. The tag is moved atomically,
and the report is written after it.
"""

from datetime import UTC, datetime

from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.gate.checks import query_findings, store_findings
from par_core.gate.golden import Golden
from par_core.gate.report import GateReport, save_gate
from par_core.stages.status import note_live
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["run_gate"]


def run_gate(store: Store, golden: Golden, config: RunConfig, *, dry_run: bool = False) -> GateReport:
    """Check the newest version of the index; tag it ``live`` if it passes, otherwise leave the tag where it
    is.

    The caller holds the store's lock (``Store.exclusive``), so that nothing is committed between check and
    tag.

    Args:
        store: The store.
        golden: Expectations.
        config: Settings, which name the models of the queries.
        dry_run: Whether only to check: neither to tag nor to keep the report.

    Raises:
        BadConfigError: There is no index yet.
        StoreError: The index or its live version cannot be read.
    """
    index = PeopleIndex.open(store.index_path)
    if index is None:
        raise BadConfigError(
            f"the store at {store.place} holds no people yet; fill it with: par index SOURCE --store"
            f" {store.place}"
        )
    findings = list(store_findings(store, index, golden.store))
    for query in golden.queries:
        findings += query_findings(store.root, query, config)
    report = GateReport(
        datetime.now(UTC).isoformat(timespec="seconds"),
        index.version,
        index.history.live_version,
        tuple(findings),
    )
    if not dry_run:
        if report.passed:
            index.history.make_live()
            note_live(store, index.version)
        save_gate(store, report)
    return report
