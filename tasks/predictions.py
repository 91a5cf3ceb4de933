"""Task that computes one shard of predictions. Safe to run twice: a finished shard returns at once."""

from pathlib import Path

from par_core.errors import TransientError
from par_core.predictions.cache import PredictionJob
from par_core.predictions.compute import compute_shard

__all__ = ["predict_shard"]


def predict_shard(folder: str, shard: int) -> None:
    """Run the models on one shard of the prediction job in a folder.

    Raises:
        TransientError: Storage or memory trouble that may pass.
    """
    try:
        compute_shard(PredictionJob.open(Path(folder)), shard)
    except MemoryError as error:
        raise TransientError(f"out of memory in shard {shard}") from error
