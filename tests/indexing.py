"""Index an archive in this process with the ``fake`` profile, and read the content of a store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from par_core.config import RunConfig, load_config
from par_core.gate.golden import Golden, StoreHealth
from par_core.gate.publish import run_gate
from par_core.stages.commit import commit_store
from par_core.stages.plan import Plan, plan_index
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.store.commits import CommitRecord
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

FAKE = load_config(profile="fake")


def index(
    root: Path,
    sources: Sequence[Path | str],
    config: RunConfig = FAKE,
    *,
    retry_failed: bool = False,
    accept_empty: bool = False,
) -> tuple[Plan, CommitRecord]:
    """Plan, segment, describe, commit: what the flow does, without a flow."""
    run = Run.of(Store.create(root), config)
    plan = plan_index(
        run,
        [str(source) for source in sources],
        workers=1,
        retry_failed=retry_failed,
        accept_empty=accept_empty,
    )
    for shard in plan.shards:
        process_shard(run, shard.shard_id)
    return plan, commit_store(run)


def live_by_a_gate(root: Path) -> int:
    """Pass a quality gate without expectations; from then on only a gate makes a version live. Returns the
    version.
    """
    report = run_gate(Store.open(root), Golden(store=StoreHealth(verified=False)), FAKE)
    assert report.passed
    return report.version


def content(root: Path, version: str = "latest") -> list[dict[str, Any]]:
    """Return the rows of the index in a fixed order, without the columns that differ between two runs over
    the same archive with other shards.
    """
    people = PeopleIndex.open(Store.open(root).index_path, version)
    if people is None:
        return []
    rows = people.search(None, top=max(len(people), 1)).sort_by("person_id").to_pylist()
    return [{key: value for key, value in row.items() if key not in ("shard", "row_digest")} for row in rows]
