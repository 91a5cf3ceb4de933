"""Auditing the labels of a data set: its people are described, a probe is fitted out of fold, and confident
learning lists what is likely wrong.

The describer's embedding and attributes are only the *features* of the probe. A describer that was trained on
the very labels that are audited may have learned the wrong ones by heart; its features then agree with them,
and the audit finds fewer. No probe can mend that: audit with a describer that was not trained on the data
set, or keep in mind that what is not listed is not thereby right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64
from scipy.special import logit

from par_core.config import RunConfig
from par_core.datasets.attribute_sets import AttributeSet, read_attribute_set
from par_core.datasets.merged_labels import LabelledPerson, labels_of
from par_core.errors import BadConfigError
from par_core.evaluate.audit.confident_learning import LabelAudit, audit_labels
from par_core.evaluate.probe import group_folds, out_of_fold
from par_core.ids import image_id
from par_core.predictions.cache import PredictionCache

__all__ = ["FOLDS", "Audited", "Suspect", "audit_people", "features_of", "read_audited", "suspects"]

FOLDS: Final = 5
_SURE: Final = 1e-4  # probabilities as features are cut off here


@dataclass(frozen=True, slots=True)
class Audited:
    """Data set that is to be audited.

    Attributes:
        data: Data set with the attributes to audit.
        labels: (n, k) 1, 0, or NaN where not known.
        groups: Group of each of the n people: the identity where it is known, else the digest of the
            picture's file.
    """

    data: AttributeSet
    labels: Float32[np.ndarray, "n k"]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is likely wrong.

    Attributes:
        rank: From 1, most suspicious first.
        person: Index of the person.
        attribute: Name of the attribute.
        label: Label as given: whether the person has it.
        probability: Probability of having the attribute, in [0, 1], by the probe.
        margin: In [-1, 1]; the lower, the more suspicious.
    """

    rank: int
    person: int
    attribute: str
    label: bool
    probability: float
    margin: float


def read_audited(dataset: str, root: Path, attributes: Sequence[str]) -> Audited:
    """Read a data set.

    Args:
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        attributes: To audit only these; none for all.

    Raises:
        BadConfigError: There is no such data set or attribute, a picture is missing, or there are too few
            people for the folds.
    """
    data = read_attribute_set(dataset, root)
    unknown = [name for name in attributes if name not in data.attributes]
    if unknown:
        raise BadConfigError(
            f"{dataset} does not label {unknown[0]!r}; it labels: {', '.join(data.attributes)}"
        )
    chosen = tuple(name for name in data.attributes if name in attributes) if attributes else data.attributes
    labels = labels_of(list(data.people))[:, [data.attributes.index(name) for name in chosen]]
    files = {
        image: f"image {image_id(image.read_bytes())}"
        for image in dict.fromkeys(person.image for person in data.people)
    }
    identities = data.identities or ("",) * len(data.people)
    groups = tuple(
        f"identity {name}" if name else files[person.image]
        for name, person in zip(identities, data.people, strict=True)
    )
    group_folds(groups, FOLDS, 0)  # says before the work starts where people are too few
    return Audited(replace(data, attributes=chosen), labels, groups)


def features_of(
    people: Sequence[LabelledPerson], config: RunConfig, cache: PredictionCache
) -> Float32[np.ndarray, "n d"]:
    """Return the features of everybody for the probe: the embedding, and the log-odds of the attributes that
    the describer answers; where it gives a person no answer, the mean of the others'.

    Args:
        people: Each with a picture of its own.
        config: Names the models and how people are cut out.
        cache: Predictions, computed where missing.

    Raises:
        BadInputError: A picture cannot be read.
    """
    (predicted,) = cache.people([person.image for person in people], [config])
    descriptions = predicted.descriptions
    answered = descriptions.probabilities[:, ~np.isnan(descriptions.probabilities).all(axis=0)]
    odds = logit(np.clip(answered, _SURE, 1 - _SURE))
    odds = np.where(np.isnan(odds), np.nanmean(odds, axis=0), odds)
    return np.hstack([descriptions.embeddings, odds.astype(np.float32)])


def audit_people(
    labels: Float32[np.ndarray, "n k"], features: Float32[np.ndarray, "n d"], groups: Sequence[str], seed: int
) -> tuple[Float64[np.ndarray, "n k"], LabelAudit]:
    """Return out-of-fold probabilities, and confident learning's audit with them.

    Args:
        labels: 1, 0, or NaN.
        features: Features of the same people.
        groups: Group of each person, none of which is in two folds.
        seed: Seed of the draw of folds.
    """
    probabilities = out_of_fold(features, labels, group_folds(groups, FOLDS, seed))
    return probabilities, audit_labels(labels, probabilities)


def suspects(audited: Audited, probabilities: Float64[np.ndarray, "n k"], audit: LabelAudit) -> list[Suspect]:
    """Return the labels that are likely wrong, most suspicious first."""
    k = len(audited.data.attributes)
    places = audit.ranking()[: int(audit.listed.sum())].tolist()
    return [
        Suspect(
            rank,
            place // k,
            audited.data.attributes[place % k],
            bool(audited.labels.flat[place] == 1),
            float(probabilities.flat[place]),
            float(audit.margins.flat[place]),
        )
        for rank, place in enumerate(places, start=1)
    ]
