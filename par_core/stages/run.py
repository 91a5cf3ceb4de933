"""An index run as its stages see it: a store, a configuration, and the ids of that configuration."""

import socket
from dataclasses import dataclass

from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.models.fingerprints import Fingerprints, fingerprints
from par_core.stages.names import ConfigIds, config_ids
from par_core.stages.provenance import needs_relabel
from par_core.store.layout import Store

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that the stages of a run share; made once a run with ``Run.of``, and once a task by workers.

    Attributes:
        store: Store that the run writes to.
        config: Settings of the run.
        models: Fingerprints of the profile's models on this machine.
        ids: Ids of the configuration with these models.
    """

    store: Store
    config: RunConfig
    models: Fingerprints
    ids: ConfigIds

    @classmethod
    def of(cls, store: Store, config: RunConfig) -> "Run":
        """Return the run of a configuration. Reads the weights' digests, once a process, and loads no model.

        Raises:
            WeightsError: Weights are missing; names the file and where to put it.
        """
        models = fingerprints(config)
        return cls(store, config, models, config_ids(config, models))

    def finished(self, shard_id: str) -> bool:
        """Whether nothing is left to do for a shard."""
        described = self.store.shard("describe", self.ids.describe, shard_id).manifest()
        segmented = self.store.shard("segment", self.ids.segment, shard_id).manifest()
        return described is not None and (
            segmented is None or not needs_relabel(segmented.info, described.info, self.config)
        )

    def require_ids(self, driver: ConfigIds) -> None:
        """Refuse to work for a driver that has other models: its commit would not see this machine's outputs.

        Args:
            driver: Ids that the driver of the run computed from its own models.

        Raises:
            BadConfigError: The ids differ; names the model and this machine.
        """
        if self.ids == driver:
            return
        model = "segmenter" if self.ids.segment != driver.segment else "describer"
        folder = self.config.weights_dir
        weights = f"the weights in {folder}" if folder else "the installed package"
        raise BadConfigError(
            f"the {model} of the worker on {socket.gethostname()} is another one than the {model} of the"
            f" machine that started the run; {weights} must be the same on all machines"
        )
