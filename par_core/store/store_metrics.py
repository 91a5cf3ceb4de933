"""The content of a store as metrics for Prometheus: the numbers of ``status.json``, and nothing that is
counted a second time.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from par_core.store.accounting import Accounting
from par_core.store.layout import Store
from par_core.store.status_file import StatusReport

__all__ = ["committed_at", "gauge", "store_metrics"]


def gauge(name: str, help_: str, value: float | int) -> GaugeMetricFamily:
    """Return a metric of one value."""
    return GaugeMetricFamily(name, help_, value=value)


def committed_at(store: Store) -> float | None:
    """Return the time of the last commit in seconds since 1970 (UTC), or None before the first."""
    commits = store.commits()
    return commits[-1].stat().st_mtime if commits else None


def store_metrics(report: StatusReport, committed: float | None) -> Iterator[Metric]:
    """Yield the content of a store as metrics.

    Args:
        report: The status of the store.
        committed: Time of the last commit in seconds since 1970, or None.
    """
    counted = report.accounting
    yield _by("par_store_files", "Files of the newest listings, by outcome.", "outcome", _files(counted))
    yield _by("par_store_failed_files", "Failed files, by status.", "status", counted.failures)
    yield _by(
        "par_store_people", "People found in indexed images, by outcome.", "outcome", counted.people_by_state
    )
    yield _by(
        "par_store_failed_people",
        "People who could not be described, by status.",
        "status",
        counted.person_failures,
    )
    yield gauge("par_store_vanished_files", "Files known from before that are gone.", counted.vanished)
    yield _by(
        "par_store_skipped_files", "Files passed over when listing, by reason.", "reason", report.skipped
    )
    yield gauge("par_index_people", "People in the newest version of the index.", report.rows)
    yield gauge("par_index_unindexed_rows", "Rows that no index covers yet.", report.unindexed_rows)
    versions = {"newest": report.version, "live": report.live_version}
    known = {which: version for which, version in versions.items() if version is not None}
    yield _by("par_index_version", "Version of the index: the newest, and the one searched.", "which", known)
    if committed is not None:
        yield gauge(
            "par_store_committed_timestamp_seconds", "Time of the last commit, since 1970.", committed
        )


def _files(counted: Accounting) -> Mapping[str, int]:
    names = ("indexed", "no_people", "failed", "duplicates", "forgotten", "pending")
    return {name: getattr(counted, name) for name in names}


def _by(name: str, help_: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    """Return a metric with a value for each value of one label."""
    family = GaugeMetricFamily(name, help_, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
