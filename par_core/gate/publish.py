"""Quality gate: check the newest version of the index, and tag it ``live`` if all checks pass.

A gate that is killed at any point before the tag leaves the old version live. The tag is moved atomically,
and the report is written after it.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.errors import BadConfigError, StoreError
from par_core.gate.checks import Finding, query_findings, store_findings
from par_core.gate.golden import Golden
from par_core.stages.status import note_live
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["GateReport", "last_gate", "run_gate"]


@dataclass(frozen=True, slots=True)
class GateReport:
    """Report of a gate; the last one is kept as ``gate.json``.

    Attributes:
        checked_at: ISO time with zone (UTC).
        version: Version of the index that was checked.
        live_before: The version that was live before, or None.
        findings: Results of all checks, in the order of the golden file.
    """

    checked_at: str
    version: int
    live_before: int | None
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings of the checks that did not pass."""
        return tuple(finding for finding in self.findings if not finding.passed)

    @property
    def passed(self) -> bool:
        """Whether all checks passed."""
        return not self.failed

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON types, as it is stored."""
        return asdict(self) | {"findings": [finding.as_json() for finding in self.findings]}


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
            f"the store at {store.root} holds no people yet; fill it with: par index SOURCE --store"
            f" {store.root}"
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
        write_atomic(_path(store), json.dumps(report.as_json(), indent=1, ensure_ascii=False).encode())
    return report


def last_gate(store: Store) -> GateReport | None:
    """Return the report of the last gate, or None.

    Raises:
        StoreError: The report exists but cannot be read.
    """
    try:
        content = json.loads(_path(store).read_bytes())
        findings = tuple(Finding.from_json(finding) for finding in content.pop("findings"))
        return GateReport(**content, findings=findings)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{_path(store)} is damaged ({error}); delete it and run par gate again") from error


def _path(store: Store) -> Path:
    return store.root / "gate.json"
