"""Metrics of an index run for Prometheus: a file for the textfile collector of node_exporter, and pushes to a
Pushgateway.

Every number comes from what the run keeps anyway: its plan, its progress, the manifests of its shards, and
the status of the store. A file or gateway that cannot be written costs one warning, and never the run.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from par_core.config import MetricsConfig
from par_core.errors import BadConfigError, ParError
from par_core.repeated import repeated
from par_core.stages.names import ConfigIds
from par_core.stages.plan import Plan
from par_core.stages.shard_totals import ShardTotals
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.run_progress import RunProgress
from par_core.store.store_metrics import committed_at, gauge, store_metrics
from par_core.version import __version__

__all__ = ["RunMetrics", "require_metrics"]

_PUSH_S: Final = 5.0
_JOB: Final = "par-index"
_NOTHING: Final = RunProgress(0.0, 0, 0, 0, 0, 0, 0, 0.0)


def require_metrics(config: MetricsConfig) -> None:
    """Check the settings before work begins.

    Raises:
        BadConfigError: The folder of the file is missing, node_exporter would not read the file, or the
            address is none of HTTP.
    """
    if config.file is not None:
        if config.file.suffix != ".prom":
            raise BadConfigError(
                f"metrics.file: node_exporter reads files that end in .prom, got {config.file}"
            )
        if not config.file.parent.is_dir():
            raise BadConfigError(f"metrics.file: there is no folder {config.file.parent}")
    if config.push is not None and urlsplit(config.push).scheme not in ("http", "https"):
        raise BadConfigError(
            f"metrics.push wants an address such as http://10.0.0.9:9091, got {config.push!r}"
        )


class RunMetrics(Collector):
    """The metrics of one run.

    Args:
        store: The store.
        config: Where the metrics go; with neither a file nor a gateway nothing is written.
        profile: Name of the models' profile.
        say: Function that prints a line for the user.
    """

    def __init__(self, store: Store, config: MetricsConfig, profile: str, say: Callable[[str], None]) -> None:
        self._store, self._config, self._profile, self._say = store, config, profile, say
        self._began = time.time()
        self._plan: Plan | None = None
        self._totals: ShardTotals | None = None
        self._progress: Callable[[], RunProgress] = lambda: _NOTHING
        self._workers: Callable[[], Mapping[str, int]] = dict
        self._exit_code: int | None = None
        self._warned = False
        self._registry = CollectorRegistry()
        self._registry.register(self)

    @property
    def wanted(self) -> bool:
        """Whether the metrics go anywhere."""
        return self._config.file is not None or self._config.push is not None

    def planned(self, plan: Plan, ids: ConfigIds) -> None:
        """Take note of the plan, and write."""
        self._plan = plan
        if self.wanted:
            segmented = plan.shards.table.filter(plan.shards.segmented)["shard_id"].to_pylist()
            self._totals = ShardTotals(self._store, ids, segmented)
            self._write()

    def finished(self, shard_ids: Sequence[str]) -> None:
        """Take note of finished shards."""
        if self._totals is not None:
            with self._never_ending_the_run():
                self._totals.add(shard_ids)

    @contextlib.contextmanager
    def during(
        self, progress: Callable[[], RunProgress], workers: Callable[[], Mapping[str, int]]
    ) -> Iterator[None]:
        """Write every few seconds (``metrics.every_s``) while the block runs, in a thread of its own.

        Args:
            progress: Function that returns how far the run is.
            workers: Function that returns the number of workers by host.
        """
        self._progress, self._workers = progress, workers
        if not self.wanted:
            yield
            return
        try:
            with repeated(self._write, self._config.every_s):
                yield
        finally:
            last = progress()
            self._progress, self._workers = (lambda: last), dict

    def ended(self, exit_code: int) -> None:
        """Take note of the end of the run, and write."""
        self._exit_code = exit_code
        if self.wanted:
            self._write()

    @contextlib.contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Take note of an error that ends the run in the block, by the exit code of the command."""
        try:
            yield
        except BaseException as error:
            if self._exit_code is None:
                self.ended(_exit_code(error))
            raise

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as of now."""
        now, running = time.time(), self._exit_code is None
        info = GaugeMetricFamily("par_run_info", "Version and profile.", labels=["version", "profile"])
        info.add_metric([__version__, self._profile], 1)
        yield info
        yield gauge("par_run_in_progress", "Whether the run is under way.", int(running))
        yield gauge("par_run_written_timestamp_seconds", "Time of this writing, since 1970.", now)
        yield gauge("par_run_start_timestamp_seconds", "Start of the run, since 1970.", self._began)
        if self._exit_code is not None:
            yield gauge("par_run_end_timestamp_seconds", "End of the run, since 1970.", now)
            yield gauge("par_run_exit_code", "0 done, 1 with failures, 2 and above: failed.", self._exit_code)
        yield gauge("par_run_seconds", "Duration of the run so far.", now - self._began)
        yield from self._planned_metrics()
        yield from self._progress_metrics()
        yield from self._totals_metrics()
        with contextlib.suppress(ParError, OSError):  # the run itself reports a damaged store
            yield from store_metrics(store_status(self._store), committed_at(self._store))

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the names are known when metrics are collected."""
        return iter(())

    def _planned_metrics(self) -> Iterator[Metric]:
        if self._plan is None:
            return
        plan = self._plan
        counts = {
            name: getattr(plan, name) for name in ("new", "retried", "unchanged", "vanished", "expected")
        }
        yield _by_labels("par_run_files", "Files of the sources, by what the plan found.", ["plan"], counts)
        yield gauge("par_run_listed_files", "Files that the sources hold.", plan.listed)
        yield gauge(
            "par_run_emptied_sources", "Sources that held files before and hold none.", len(plan.emptied)
        )

    def _progress_metrics(self) -> Iterator[Metric]:
        now = self._progress()
        images = {
            "done": now.done_images,
            "failed": now.failed_images,
            "queued": max(now.planned_images - now.done_images - now.failed_images, 0),
        }
        yield _by_labels("par_run_images", "Images of the plan, by state.", ["state"], images)
        shards = {"done": now.done_shards, "failed": now.failed_shards}
        yield _by_labels(
            "par_run_shards", "Shards, by state; a halved one counts as its halves.", ["state"], shards
        )
        yield gauge("par_run_planned_shards", "Shards of the plan.", now.planned_shards)
        yield gauge("par_run_images_per_second", "Images finished a second, over the run so far.", now.rate)
        yield _by_labels(
            "par_run_workers", "Workers that can take tasks, by host.", ["host"], self._workers()
        )

    def _totals_metrics(self) -> Iterator[Metric]:
        if self._totals is None:
            return
        place = ["stage", "host"]
        yield _by_labels(
            "par_run_stage_seconds",
            "Seconds of work on finished shards.",
            place,
            self._totals.seconds,
            counter=True,
        )
        yield _by_labels("par_run_stage_shards", "Finished shards.", place, self._totals.shards, counter=True)
        yield _by_labels(
            "par_run_stage_rows",
            "Images (segment) and people (describe) of finished shards, by status.",
            ["stage", "status"],
            self._totals.rows,
            counter=True,
        )

    def _write(self) -> None:
        with self._never_ending_the_run():
            if self._config.file is not None:
                _replace(self._config.file, generate_latest(self._registry))
        with self._never_ending_the_run():
            if self._config.push is not None:
                push_to_gateway(
                    self._config.push,
                    _JOB,
                    self._registry,
                    {"instance": socket.gethostname(), "store": str(self._store.root)},
                    _PUSH_S,
                )

    @contextlib.contextmanager
    def _never_ending_the_run(self) -> Iterator[None]:
        try:
            yield
        except (ParError, OSError, ValueError) as error:
            if not self._warned:
                self._say(f"par: warning: the metrics of the run could not be written: {error}")
            self._warned = True


def _exit_code(error: BaseException) -> int:
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return 2 if isinstance(error, BadConfigError) else 130 if isinstance(error, KeyboardInterrupt) else 3


def _replace(path: Path, content: bytes) -> None:
    from par_core.atomic import write_atomic

    if not path.parent.is_dir():  # write_atomic would make it, and hide a disk that is not mounted
        raise FileNotFoundError(f"there is no folder {path.parent}")
    write_atomic(path, content, mode=0o644)


def _by_labels(
    name: str,
    help_: str,
    labels: Sequence[str],
    values: Mapping[str, int] | Mapping[tuple[str, str], float],
    *,
    counter: bool = False,
) -> Metric:
    family = (CounterMetricFamily if counter else GaugeMetricFamily)(name, help_, labels=labels)
    items: Iterable[tuple[str | tuple[str, str], float]] = values.items()
    for key, value in items:
        family.add_metric([key] if isinstance(key, str) else key, value)
    return family
