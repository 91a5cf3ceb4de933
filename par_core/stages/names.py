"""The ids of a configuration: every setting and model that decides an answer, and nothing else."""

from dataclasses import dataclass

from par_core.config import RunConfig
from par_core.ids import digest_of
from par_core.models.profiles import Fingerprints

__all__ = ["CODE", "ConfigIds", "config_ids"]

#: Raised by hand when the code of a stage changes its answer; part of every id.
CODE = {"segment": 1, "describe": 1}


@dataclass(frozen=True, slots=True)
class ConfigIds:
    """Names of the folders that the outputs of a configuration go to.

    Attributes:
        segment: Id of archive settings, segmentation settings and segmenter.
        describe: Id of ``segment``, description settings and describer.
    """

    segment: str
    describe: str


def config_ids(config: RunConfig, models: Fingerprints) -> ConfigIds:
    """Return the ids of a configuration with the models of its profile."""
    segment = digest_of(
        f"segment/{CODE['segment']}", config.archive.digest(), config.segment.digest(), models.segmenter
    )
    describe = digest_of(f"describe/{CODE['describe']}", segment, config.describe.digest(), models.describer)
    return ConfigIds(segment=segment, describe=describe)
