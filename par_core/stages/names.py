"""The ids of a configuration: every setting and model that takes a model to answer again, and nothing else.

Settings that only decide which files are read (``archive``), how people are labelled
(``segment.min_height_px``) or what is kept beside a description (``describe.thumbnails``) are in no id;
manifests record them (:mod:`par_core.stages.provenance`).
"""

from dataclasses import dataclass

from par_core.config import CutoutConfig, RunConfig, SegmentConfig
from par_core.ids import digest_of
from par_core.models.fingerprints import Fingerprints

__all__ = ["CODE", "ConfigIds", "config_ids", "describe_id", "segment_id"]

#: Raised by hand when the code of a stage changes its answer; part of every id.
CODE = {"segment": 1, "describe": 1}


@dataclass(frozen=True, slots=True)
class ConfigIds:
    """Names of the folders that the outputs of a configuration go to.

    Attributes:
        segment: Id of the segmenter and of its settings ``min_score`` and ``min_side``.
        describe: Id of ``segment``, the settings of the cut-out, and the describer.
    """

    segment: str
    describe: str


def config_ids(config: RunConfig, models: Fingerprints) -> ConfigIds:
    """Return the ids of a configuration with the models of its profile."""
    segment = segment_id(config.segment, models.segmenter)
    return ConfigIds(segment, describe_id(segment, config.describe.cutout, models.describer))


def segment_id(settings: SegmentConfig, segmenter: str) -> str:
    """Return the id of a segmentation by its settings and the segmenter's fingerprint."""
    asked = settings.model_dump_json(include={"min_score", "min_side"})
    return digest_of(f"segment/{CODE['segment']}", asked, segmenter)


def describe_id(segment: str, cutout: CutoutConfig, describer: str) -> str:
    """Return the id of a description by the id of its segmentation, the cut-out and the describer's
    fingerprint.
    """
    return digest_of(f"describe/{CODE['describe']}", segment, cutout.digest(), describer)
