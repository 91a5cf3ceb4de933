"""The flow over shards and its tasks: what is retried, when it gives up, and that models load once."""

import json
import subprocess
import sys
from pathlib import Path

from par_core.config import load_config

ROOT = Path(__file__).parents[2]


def run(code: str, env: dict[str, str], *arguments: str) -> list[str]:
    """Lines that a script prints; in a process of its own, because Prefect reads its settings once."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=env | {"PREFECT_LOGGING_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_only_what_may_pass_is_tried_again(prefect_api: dict[str, str]) -> None:
    code = """
from prefect import flow
import tasks.shards as shards
from par_core.errors import BadInputError, TransientError

calls = []

def failing(error):
    def stage(store, shard_id, config):
        calls.append(error.__name__)
        raise error("no")
    return stage

@flow
def both():
    for error in (TransientError, BadInputError):
        shards.segment_shard = failing(error)
        shards.Store.open = lambda root: None
        shards.segment_shard_task.with_options(retry_delay_seconds=0).submit("s", "x", {}).result(raise_on_failure=False)

both()
print(calls.count("TransientError"), calls.count("BadInputError"))
"""
    assert run(code, prefect_api) == ["3", "1"]


def test_many_failing_shards_in_a_row_stop_the_run(prefect_api: dict[str, str], tmp_path: Path) -> None:
    code = """
import json, sys
from pathlib import Path
from prefect.task_runners import ThreadPoolTaskRunner
from flows.shards import process_shards
from par_core.store.layout import Store

Store.create(Path(sys.argv[1]))
shards = [{"shard_id": f"{n:04d}", "segmented": False} for n in range(100)]  # none of them was written
failed = process_shards.with_options(task_runner=ThreadPoolTaskRunner(max_workers=2))(sys.argv[1], shards, json.loads(sys.argv[2]))
print(len(failed), sum("not tried" in reason for reason in failed.values()))
"""
    settings = json.dumps(load_config(profile="fake").model_dump(mode="json"))
    failed, not_tried = map(int, run(code, prefect_api, str(tmp_path / "s"), settings))
    assert failed == 100
    assert not_tried >= 30
