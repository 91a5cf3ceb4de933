"""Tasks go to the workers that have a GPU. No machine here has one: a worker is only started as if it had."""

from pathlib import Path

from distributed import Client

from tests.flows.cluster import Cluster
from tests.flows.poison import KILLS_SEGMENT
from tests.flows.test_runs import par
from tests.indexing import content
from tests.pictures import archive

POISON = str(Path(__file__).with_name("poison.py"))
GROUPS = [("red",), ("green", "blue"), (), ("yellow",)] * 5


def test_tasks_go_to_workers_with_a_gpu_only_and_every_worker_says_what_it_has(
    tmp_path: Path, prefect_environment: dict[str, str]
) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    # whoever segments one of these dies, if it is the worker without a GPU
    for picture in photos.iterdir():
        with picture.open("ab") as file:
            file.write(KILLS_SEGMENT)
    cluster = Cluster(prefect_environment, tmp_path / "elsewhere")
    try:
        cluster.worker("--preload", POISON)
        cluster.worker("--resources", "GPU=1", PAR_NODE__BATCH_SIZE="2")
        with Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
        more = ["--scheduler", cluster.address, "--device", "cuda", "--shard-size", 4, "--profile", "fake"]
        run = par("index", photos, "--store", tmp_path / "s", *more, env=prefect_environment)
    finally:
        cluster.end()
    assert "Traceback" not in run.stderr
    (said,) = [
        line for line in run.stderr.splitlines() if line.startswith("par: 1 worker on 127.0.0.1, with ")
    ]
    assert " GB, " in said
    assert said.endswith("(GPU=1)")
    assert run.returncode == 0, run.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))
