"""Photographs and people that a training job learns from and is scored on."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from par_core.config import MachineConfig, RunConfig
from par_core.datasets.attribute_sets import AttributeSet
from par_core.datasets.instances import coco_json_photos, open_images_photos
from par_core.datasets.merged_labels import LabelledPerson
from par_core.datasets.outlines import Photo, outlined_photos
from par_core.errors import BadConfigError
from par_core.models.profiles import load_segmenter
from par_core.training.job_settings import TrainingJob
from par_core.training.outlining import outline_people
from par_core.training.processes import World
from par_core.training.segmentation_data import Split, shuffled_split, split_photos

__all__ = ["SEGMENTATION_SETS", "PeopleSplit", "outlined", "segmentation_photos", "split_people"]

SEGMENTATION_SETS: Final = ("shared", "pennfudan", "coco", "openimages")
_KEPT: Final = 0.15  # share of the people or photographs that are held out, where there is no official split


@dataclass(frozen=True, slots=True)
class PeopleSplit:
    """Three parts of a data set; one identity is never in two of them.

    Attributes:
        train: People that the network learns from.
        kept: People on whom weights, calibration and thresholds are chosen.
        judged: People who decide nothing, for the figures of a fold; empty without folds.
        groups: The identity of each of ``kept``; the picture's path where it is not known.
    """

    train: list[LabelledPerson]
    kept: list[LabelledPerson]
    judged: list[LabelledPerson]
    groups: tuple[str, ...]


def segmentation_photos(job: TrainingJob) -> Split:
    """Return the photographs of a segmenter's job, those to learn from and those held out.

    Raises:
        BadConfigError: The data set is none of ``SEGMENTATION_SETS``.
    """
    match job.dataset:
        case "shared":
            return split_photos(job.root)
        case "pennfudan":
            return shuffled_split({"pennfudan": outlined_photos("pennfudan", job.root)}, _KEPT, job.seed)
        case "coco" | "openimages":
            problems = list[str]()
            photos = (
                coco_json_photos(job.root, problems)
                if job.dataset == "coco"
                else open_images_photos(job.root)
            )
            for problem in problems:
                print(f"par: passed over: {problem}", file=sys.stderr, flush=True)
            kinds: dict[str, list[Photo]] = {"coco": [], "empty": []}
            for photo in photos:
                kinds["empty" if photo.source == "empty" else "coco"].append(photo)
            return shuffled_split(kinds, _KEPT, job.seed)
    raise BadConfigError(
        f"a segmenter cannot be trained on {job.dataset!r}, only on: {', '.join(SEGMENTATION_SETS)}"
    )


def split_people(job: TrainingJob, data: AttributeSet) -> PeopleSplit:
    """Cut a data set for one run; never takes the official test part.

    Without folds ``kept`` is the official val part, or a share of the identities drawn by the seed. With
    folds ``judged`` is the fold, and ``kept`` a share of the others.

    Raises:
        BadConfigError: There are too few identities for a person in every part.
    """
    usable = sorted(set(range(len(data.people))) - set(data.parts.get("test", ())))
    known = data.identities or ("",) * len(data.people)
    names = {i: known[i] or str(data.people[i].image) for i in usable}
    judged: set[int] = set()
    if job.fold is not None:
        order = np.random.default_rng(0).permutation(np.unique(list(names.values())))
        fold = set(order[job.fold :: job.folds].tolist())
        judged = {i for i in usable if names[i] in fold}
    rest = [i for i in usable if i not in judged]
    if job.fold is None and data.parts.get("val"):
        kept = set(data.parts["val"])
    else:
        seed = job.seed if job.fold is None else [job.seed, job.fold]
        order = np.random.default_rng(seed).permutation(np.unique([names[i] for i in rest]))
        chosen = set(order[: max(1, round(_KEPT * len(order)))].tolist())
        kept = {i for i in rest if names[i] in chosen}
    train = [i for i in rest if i not in kept]
    if not train or not kept or (job.fold is not None and not judged):
        identities = len(set(names.values()))
        raise BadConfigError(f"{data.name}: {identities} identities are too few to train and to score on")
    first, second, third = ([data.people[i] for i in rows] for rows in (train, sorted(kept), sorted(judged)))
    return PeopleSplit(first, second, third, tuple(names[i] for i in sorted(kept)))


def outlined(people: Sequence[LabelledPerson], job: TrainingJob, world: World) -> list[LabelledPerson]:
    """Return the people with outlines that the segmenter drew, kept under ``job.pictures``."""

    def silently(listed: Sequence[LabelledPerson], _: str) -> Iterable[LabelledPerson]:
        return listed

    device: Literal["cpu", "cuda"] = "cuda" if world.device.type == "cuda" else "cpu"
    config = RunConfig(machine=MachineConfig(device=device, threads_per_worker=job.threads))
    return outline_people(people, load_segmenter(config), job.pictures / "outlines", silently)
