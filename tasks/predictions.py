"""Task that computes one shard of predictions. Safe to run twice: a finished shard returns at once."""

from dataclasses import replace
from pathlib import Path

from par_core.models.out_of_memory import out_of_memory_may_pass
from par_core.node import on_this_node
from par_core.predictions.cache import PredictionJob
from par_core.predictions.compute import compute_shard

__all__ = ["predict_shard"]


def predict_shard(folder: str, shard: int) -> None:
    """Run the models on one shard of the prediction job in a folder.

    Raises:
        TransientError: Storage or memory trouble that may pass.
    """
    with out_of_memory_may_pass(f"shard {shard}"):
        job = PredictionJob.open(Path(folder))
        compute_shard(replace(job, settings=tuple(map(on_this_node, job.settings))), shard)
