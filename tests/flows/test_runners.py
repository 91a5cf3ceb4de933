"""Who may talk to the workers of a run."""

import pytest
from distributed import Client, LocalCluster

from flows.runners import make_runner
from par_core.config import MachineConfig


@pytest.mark.filterwarnings("ignore")
def test_another_user_of_the_machine_cannot_run_code_on_the_workers() -> None:
    kwargs = make_runner(MachineConfig(workers=1), "dask").cluster_kwargs
    with LocalCluster(**{**kwargs, "processes": False, "dashboard_address": None}) as cluster:
        with Client(cluster, set_as_default=False) as ours:
            assert ours.submit(sum, (40, 2)).result() == 42
        place = cluster.scheduler_address.split("//")[1]
        with pytest.raises(OSError, match="tcp://"):
            Client(f"tcp://{place}", timeout=2, set_as_default=False)
