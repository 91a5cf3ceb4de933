"""What manifests record of the settings that are in no id, and what follows when such a setting changes."""

import socket
from collections.abc import Mapping
from typing import Any, Final

from par_core.attributes import out_of_frame
from par_core.attributes.colours import NAMING
from par_core.config import ArchiveConfig, RunConfig
from par_core.models.base import PersonDescriber
from par_core.people import second_cuts
from par_core.people.cutout_quality import SCORE

__all__ = [
    "RULES",
    "describe_info",
    "describer_record",
    "has_labels_of",
    "labelled_with",
    "limits_raised",
    "needs_relabel",
    "segment_info",
]

_DESCRIBER: Final = ("describer", "embedding", "attributes", "thresholds", "embedding_size", "model")


#: Digests of the rules by which this version labels second cuts, scores cut-outs, withholds answers about
#: what the frame cuts away, and names colours.
RULES: Final = {
    "second_cuts": second_cuts.RULE,
    "cutout_score": SCORE,
    "out_of_frame": out_of_frame.RULE,
    "colours": NAMING,
}


def segment_info(
    config: RunConfig, segmenter: str, model: str, *, entries: int, recognised: int, seconds: float
) -> dict[str, Any]:
    """Return what the manifest of a segmented shard records.

    Args:
        config: Settings of the run.
        segmenter: Fingerprint of the segmenter.
        model: Summary of the segmenter for people; empty if it was not asked.
        entries: Number of files of the shard.
        recognised: Number of these whose results were taken over from another shard that holds the image.
        seconds: Wall time of the work.
    """
    return {
        "entries": entries,
        "recognised": recognised,
        "segmenter": segmenter,
        "model": model,
        "host": socket.gethostname(),
        "seconds": round(seconds, 3),
        "settings": config.segment.model_dump(),
        "limits": config.archive.model_dump(),
        "second_cuts": RULES["second_cuts"],
    }


def describe_info(
    config: RunConfig,
    segment_config: str,
    model: Mapping[str, Any],
    *,
    labels: Mapping[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Return what the manifest of a described shard records.

    Args:
        config: Settings of the run.
        segment_config: Id of the segmentation that the people are from.
        model: What ``describer_record`` says of the describer, or the record of another shard that it has
            described.
        labels: Record of the manifest of the segmentation, which says how the people are labelled.
        seconds: Wall time of the work.
    """
    return {
        "segment_config": segment_config,
        **{name: model[name] for name in _DESCRIBER},
        "host": socket.gethostname(),
        "seconds": round(seconds, 3),
        "settings": config.describe.model_dump(),
        "limits": config.archive.model_dump(),
        "min_height_px": labelled_with(labels),
        "second_cuts": labels.get("second_cuts"),
        "cutout_score": RULES["cutout_score"],
        "out_of_frame": RULES["out_of_frame"],
        "colours": RULES["colours"],
    }


def describer_record(describer: PersonDescriber) -> dict[str, Any]:
    """Return what manifests record of a describer."""
    values = (
        describer.fingerprint,
        describer.embedding_fingerprint,
        list(describer.attributes),
        list(describer.thresholds),
        describer.embedding_size,
        describer.summary,
    )
    return dict(zip(_DESCRIBER, values, strict=True))


def limits_raised(info: Mapping[str, Any], limits: ArchiveConfig) -> bool:
    """Whether files that a shard refused as ``too_large`` may fit now, and are worth another attempt.

    Args:
        info: Record of the manifest of a shard, of either stage.
        limits: Limits of the run. The limits of a shard of version 0.1 are not known, so that its files are
            tried once more; the manifest of the shard that does so records them.
    """
    before = info.get("limits")
    return before is None or any(value > before[name] for name, value in limits.model_dump().items())


def labelled_with(segmented: Mapping[str, Any]) -> int | None:
    """Return the height in pixels by which the people of a segmented shard are labelled; None where its
    manifest does not tell.
    """
    height: int | None = segmented["settings"].get("min_height_px")
    return height


def has_labels_of(segmented: Mapping[str, Any], min_height_px: int) -> bool:
    """Whether the people of a segmented shard are labelled by a height, and by this version's rule for second
    cuts.

    Args:
        segmented: Record of the manifest of the segmented shard.
        min_height_px: The height in pixels.
    """
    return labelled_with(segmented) == min_height_px and segmented.get("second_cuts") == RULES["second_cuts"]


def needs_relabel(
    segmented: Mapping[str, Any], described: Mapping[str, Any] | None, config: RunConfig
) -> bool:
    """Whether the rows of a shard must be brought in line with ``segment.min_height_px``,
    ``describe.thumbnails`` or this version's rules, for which no model has to see an image again.

    Args:
        segmented: Record of the manifest of the segmented shard.
        described: Record of the manifest of the described shard; None where it is not described yet.
        config: Settings of the run.
    """
    height = config.segment.min_height_px
    if described is None:
        return not has_labels_of(segmented, height)
    # before descriptions recorded it, a shard was described by the labels that its segmentation began with
    first = segmented.get("first_min_height_px", labelled_with(segmented))
    missing_thumbnails = config.describe.thumbnails and not described["settings"].get("thumbnails")
    return (
        not has_labels_of(segmented, height)
        or described.get("min_height_px", first) != height
        or any(described.get(name) != rule for name, rule in RULES.items())
        or bool(missing_thumbnails)
    )
