"""The evaluation of made data for the command line: whether it helps, how near it is to real pictures, and
whether it shows what its labels say.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.config import RunConfig
from par_core.datasets.merged_labels import NAMES
from par_core.errors import BadConfigError
from par_core.evaluate.made.comparison import Comparison, Trial, compare_arms, numbers_of, verdict
from par_core.evaluate.made.people import FeaturedPeople, colour_codes
from par_core.made.folder import MadeFolder
from par_core.metrics.feature_distance import frechet_distance, kid
from par_core.models.fingerprints import describer_fingerprint
from par_core.models.profiles import load_describer
from par_core.models.shipped import file_digest
from par_core.studies.evaluation import machine_and_versions, plain
from par_core.studies.made_people import Cut, Network, People, features_of, made_cuts, read_people
from par_core.training.lite_features import LiteFeatures

__all__ = ["MadeRequest", "MadeRun", "evaluate_made"]

Follow = Callable[[Sequence[Any], str], Iterable[Any]]

YARDSTICK: Final = "EfficientNet-Lite2, ImageNet"
OWN: Final = "PAR's embedding"
_ATTRIBUTES: Final = tuple(each.name for each in ATTRIBUTES if each.ccp)
_NEAREST: Final = 100  # made pictures whose nearest real picture is looked for


@dataclass(frozen=True, slots=True)
class MadeRequest:
    """What is evaluated.

    Attributes:
        folder: The made pictures.
        dataset: Data set with maps of garments.
        root: Its folder.
        start: ImageNet weights of EfficientNet-Lite2.
        numbers: Numbers of real people to learn from, or shares such as ``25%``.
        seeds: Each draws which of them.
        budget: Most steps of each fit.
    """

    folder: Path
    dataset: str
    root: Path
    start: Path
    numbers: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: int


@dataclass(frozen=True, slots=True)
class MadeRun:
    """What an evaluation found.

    Attributes:
        scores: Everything, as JSON can hold it.
        comparisons: The arms, by network.
        people: Who was compared.
        agreement: For each made person the share of the attributes that the describer answers as for the
            source.
    """

    scores: dict[str, Any]
    comparisons: Mapping[str, Comparison]
    people: People
    agreement: Float32[np.ndarray, " m"]


def evaluate_made(request: MadeRequest, config: RunConfig, out: Path, follow: Follow) -> MadeRun:
    """Evaluate; what was computed before is read from ``out``.

    Raises:
        BadConfigError: Folder, data set or numbers do not go together.
        WeightsError: The ImageNet weights are missing.
    """
    if not request.seeds:
        raise BadConfigError("at least one seed is needed")
    made = MadeFolder.open(request.folder)
    people = read_people(made, request.dataset, request.root)
    numbers = numbers_of(request.numbers, len(people.train))
    real = [Cut(person) for person in people.real]
    jittered = [Cut(people.real[row], copy) for row in people.train for copy in range(people.copies)]
    sets = {"real": real, "made": made_cuts(request.folder, people.made), "jittered": jittered}
    describer = load_describer(config)
    size = describer.embedding_size

    def describe(cutouts: Sequence[np.ndarray]) -> np.ndarray:
        said = describer.describe(list(cutouts))
        return np.hstack([said.embeddings, said.probabilities])

    networks: dict[str, tuple[Network, str]] = {
        YARDSTICK: (LiteFeatures(request.start), file_digest(request.start)),
        OWN: (describe, describer_fingerprint(config)),
    }
    seen = {
        name: {
            kind: features_of(cuts, network, print_, out / "features", _named(follow, kind))
            for kind, cuts in sets.items()
        }
        for name, (network, print_) in networks.items()
    }
    said = {kind: answers[:, size:] for kind, answers in seen[OWN].items()}
    seen[OWN] = {kind: answers[:, :size] for kind, answers in seen[OWN].items()}
    comparisons = {
        name: compare_arms(
            _trial(people, features),
            numbers,
            request.seeds,
            request.budget,
            _named(follow, name),
        )
        for name, features in seen.items()
    }
    likely = {kind: answers >= np.array(describer.thresholds) for kind, answers in said.items()}
    agreement = (likely["made"] == likely["real"][np.array(people.of)]).mean(axis=1).astype(np.float32)
    jitter_of = np.repeat(np.array(people.train), people.copies)
    fidelity = {
        "describer_agrees_with_source": float(agreement.mean()),
        "describer_agrees_under_jitter": float((likely["jittered"] == likely["real"][jitter_of]).mean()),
        "nearest_real_picture_is_the_source": _nearest(people, seen[YARDSTICK]),
    }
    scores = {
        "verdict": {name: verdict(comparison) for name, comparison in comparisons.items()},
        "people": {"train": len(people.train), "test": len(people.test), "made": len(people.made)},
        "arms": {
            name: {
                str(n): {arm: {f: asdict(each) for f, each in row.items()} for arm, row in arms.items()}
                for n, arms in comparison.items()
            }
            for name, comparison in comparisons.items()
        },
        "distances": _distances(people, seen[YARDSTICK]),
        "fidelity": fidelity,
        "made": {
            name: made.manifest[name] for name in ("kind", "seed", "settings", "tried", "kept", "refused")
        },
        "about": {
            "kind": "made",
            "dataset": request.dataset,
            "seeds": list(request.seeds),
            "budget": request.budget,
            "source_digest": made.manifest["source_digest"],
            **machine_and_versions(),
            "models": f"heads on frozen features: {YARDSTICK}; {OWN}",
        },
    }
    return MadeRun(plain(_listed(scores)), comparisons, people, agreement)


def _named(follow: Follow, name: str) -> Callable[[Sequence[Any]], Iterable[Any]]:
    return lambda steps: follow(steps, name)


def _trial(people: People, features: Mapping[str, np.ndarray]) -> Trial:
    columns = [NAMES.index(name) for name in _ATTRIBUTES]
    labels = np.array([[person.labels[i] for i in columns] for person in people.real], np.float32)
    zones = [tuple(each[1] if each else None for each in worn) for worn in people.worn]
    colours = colour_codes([(upper, lower) for upper, lower in zones])
    train = np.repeat(np.array(people.train), people.copies)
    made_labels = np.array([person.labels_in(_ATTRIBUTES) for person in people.made], np.float32)
    made_colours = colour_codes([(person.upper, person.lower) for person in people.made])
    return Trial(
        FeaturedPeople(features["real"], colours, labels, _alone(range(len(people.real)))),
        FeaturedPeople(features["made"], made_colours, made_labels, people.sources),
        FeaturedPeople(features["jittered"], colours[train], labels[train], _alone(train.tolist())),
        people.train,
        people.test,
        tuple(people.worn[row] for row in people.test),
        _ATTRIBUTES,
    )


def _alone(rows: Sequence[int]) -> tuple[frozenset[int], ...]:
    """Pictures of one real person each."""
    return tuple(frozenset((row,)) for row in rows)


def _distances(people: People, features: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """KID (times 1000) and Frechet distance; real against real is the zero."""
    train, test = features["real"][np.array(people.train)], features["real"][np.array(people.test)]
    halves = np.random.default_rng(0).permutation(len(train))
    first, second = train[halves[::2]], train[halves[1::2]]
    pairs = {
        "two halves of the real training people": (first, second),
        "real training people and real test people": (train, test),
        "made people and real test people": (features["made"], test),
        "jittered people and real test people": (features["jittered"], test),
    }
    rows = {}
    for name, (one, other) in pairs.items():
        near = kid(one, other)
        rows[name] = {
            "kid_x1000": 1000 * near.mean,
            "kid_x1000_deviation": 1000 * near.deviation,
            "frechet": frechet_distance(one, other),
            "pictures": [len(one), len(other)],
        }
    return rows


def _nearest(people: People, features: Mapping[str, np.ndarray]) -> float:
    chosen = np.random.default_rng(0).permutation(len(people.made))[:_NEAREST]
    real, made = (
        each / np.linalg.norm(each, axis=1, keepdims=True) for each in (features["real"], features["made"])
    )
    nearest = (made[chosen] @ real.T).argmax(axis=1)
    return float((nearest == np.array(people.of)[chosen]).mean())


def _listed(value: Any) -> Any:
    """The same with lists for tuples, in which ``plain`` looks for NaN."""
    if isinstance(value, Mapping):
        return {key: _listed(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
