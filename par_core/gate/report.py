"""The report of a quality gate, and the last one of a store."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.store.layout import Store

__all__ = ["Finding", "GateReport", "last_gate", "save_gate"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check.

    Attributes:
        check: Subject of the check: ``store``, or the golden query.
        expected: Expected value, in words.
        actual: Actual value, in words.
        passed: Whether the check passed.
    """

    check: str
    expected: str
    actual: str
    passed: bool

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Finding":
        """Return the finding of an object made by ``as_json``.

        Raises:
            KeyError: A key is missing.
        """
        return cls(content["check"], content["wanted"], content["found"], content["passed"])

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON types, under the keys that stored reports and programs read."""
        return {"check": self.check, "wanted": self.expected, "found": self.actual, "passed": self.passed}


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


def save_gate(store: Store, report: GateReport) -> None:
    """Keep a report as the last one."""
    write_atomic(_path(store), json.dumps(report.as_json(), indent=1, ensure_ascii=False).encode())


def _path(store: Store) -> Path:
    return store.root / "gate.json"
