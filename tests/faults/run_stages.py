"""Runs the stages one after another, half of the shards in one pass, and prints when each begins, so that a
test can kill it in any of them.

python -m tests.faults.run_stages STORE ARCHIVE
"""

import sys
from pathlib import Path

from par_core.config import load_config
from par_core.stages.commit import commit_store
from par_core.stages.describe import describe_shard
from par_core.stages.plan import plan_index
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.stages.segment import segment_shard
from par_core.store.layout import Store


def say(stage: str) -> None:
    """Print which stage begins, for the test."""
    print(stage, flush=True)


def main(root: Path, archive: str) -> None:
    """Index an archive in small shards."""
    config = load_config(profile="fake", machine={"shard_size": 16, "batch_size": 4})
    run = Run.of(Store.create(root), config)
    say("plan")
    plan = plan_index(run, [archive], workers=1)
    half = len(plan.shards) // 2
    say("segment")
    for shard in list(plan.shards)[:half]:
        segment_shard(run, shard.shard_id)
    say("describe")
    for shard in list(plan.shards)[:half]:
        describe_shard(run, shard.shard_id)
    say("process")
    for shard in list(plan.shards)[half:]:
        process_shard(run, shard.shard_id)
    say("commit")
    commit_store(run)
    say("end")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
