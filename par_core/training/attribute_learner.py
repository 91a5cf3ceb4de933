"""Fine-tune the paper's attribute network (section 6), a ViT-B/32 with one logit an attribute, on any data
set of labelled people.

The loss is the weighted cross-entropy that the field uses for rare attributes (Li, Chen, Huang, DeepMAR, ACPR
2015, section 3.2): with p the share of people who have an attribute, a positive weighs exp(1 - p) and a
negative exp(p).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from jaxtyping import Float32
from PIL import Image
from torch import Tensor, nn

from par_core.datasets.merged_labels import LabelledPerson, labels_of
from par_core.metrics.attributes import attribute_metrics
from par_core.models.answers import Answers
from par_core.models.attribute_vit import AttributeViT, build_vit
from par_core.training.cutouts import evaluation_cutout, training_cutout
from par_core.training.loop import Schedule
from par_core.training.made_people import NOBODY, MadePeople
from par_core.training.processes import World

__all__ = ["AttributeLearner", "AttributeRecipe", "weights_of_li"]

_BATCH: Final = 32  # people a forward pass when scoring


_SCHEDULE: Final = Schedule(
    steps=3000, rate=1e-3, warmup=200, weight_decay=0.05, average=0.999, clip=1.0, score_every=250, patience=4
)


@dataclass(frozen=True, slots=True)
class AttributeRecipe:
    """Everything that decides the weights, next to the data and the code.

    Attributes:
        schedule: The rate is that of the head; the trunk's is a tenth.
        batch: People a step.
        weighting: ``li2015``, or ``none`` for plain cross-entropy.
        eliminate: The background is eliminated, as indexing does, where an outline is known or drawn.
        seed: Seed of everything random.
    """

    schedule: Schedule = _SCHEDULE
    batch: int = 64
    weighting: Literal["li2015", "none"] = "li2015"
    eliminate: bool = True
    seed: int = 0


class AttributeLearner:
    """The network and how it learns.

    Args:
        train: People to learn from.
        kept: People to score on.
        attributes: Names, in the order of the labels.
        start: timm's state of a ViT-B/32, whose head is dropped; None for random weights.
        recipe: The settings.
        made: Made people to learn from beside ``train``.
    """

    def __init__(
        self,
        train: Sequence[LabelledPerson],
        kept: Sequence[LabelledPerson],
        attributes: Sequence[str],
        start: dict[str, Tensor] | None,
        recipe: AttributeRecipe,
        made: MadePeople = NOBODY,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self._made = made
        self.network = build_vit(len(attributes))
        if start is not None:
            body = {name: tensor for name, tensor in start.items() if not name.startswith("head.")}
            self.network.load_state_dict({**self.network.state_dict(), **body})
        self._train, self._kept, self._recipe = list(train), list(kept), recipe
        self._attributes = tuple(attributes)
        self._prepare = AttributeViT(self.network, Answers.uncalibrated(self._attributes)).transform
        self.network.train()
        self._weights = (
            weights_of_li(labels_of(self._train))
            if recipe.weighting == "li2015"
            else torch.ones(2, len(attributes))
        )

    def groups(self) -> list[dict[str, Any]]:
        """Trunk and new parts."""
        named = dict(self.network.named_parameters())
        head = [tensor for name, tensor in named.items() if name.startswith("head.")]
        return [
            {
                "params": [tensor for name, tensor in named.items() if not name.startswith("head.")],
                "share": 0.1,
            },
            {"params": head, "share": 1.0},
        ]

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        """Return the losses of this process's part of a step."""
        rng = np.random.default_rng([self._recipe.seed, step, world.rank])
        torch.manual_seed(self._recipe.seed * 1_000_003 + step)
        batch = [
            self._train[i]
            for i in rng.integers(len(self._train), size=max(1, self._recipe.batch // world.size))
        ]
        batch = self._made.mix(batch, rng)
        pictures = torch.stack(
            [
                self._prepare(
                    Image.fromarray(training_cutout(person, rng, eliminate=self._recipe.eliminate).picture)
                )
                for person in batch
            ]
        )
        with torch.autocast(world.device.type, torch.bfloat16):
            logits = self.network(pictures.to(world.device))
        labels = torch.from_numpy(labels_of(batch)).to(world.device)
        known = ~torch.isnan(labels)
        has = torch.nan_to_num(labels)
        positive, negative = self._weights.to(world.device)
        weights = torch.where(has > 0.5, positive, negative) * known
        each = nn.functional.binary_cross_entropy_with_logits(logits.float(), has, reduction="none")
        return {"attributes": (each * weights).sum() / known.sum().clamp(min=1)}

    def score(self, network: nn.Module) -> dict[str, float]:
        """On the people that were held out."""
        metrics = attribute_metrics(labels_of(self._kept), self.predict(network, self._kept) > 0)
        return {"score": (metrics["mA"] + metrics["f1"]) / 2, **metrics}

    def predict(self, network: nn.Module, people: Sequence[LabelledPerson]) -> Float32[np.ndarray, "n k"]:
        """Logits of n people, cut out as they are when they are indexed."""
        device = next(network.parameters()).device
        logits = []
        with torch.no_grad():
            for start in range(0, len(people), _BATCH):
                batch = people[start : start + _BATCH]
                pictures = [
                    self._prepare(
                        Image.fromarray(evaluation_cutout(person, eliminate=self._recipe.eliminate))
                    )
                    for person in batch
                ]
                logits.append(network(torch.stack(pictures).to(device)).float().cpu().numpy())
        return np.concatenate(logits)


def weights_of_li(labels: Float32[np.ndarray, "n k"]) -> Tensor:
    """(2, k): the weight of positives, exp(1 - p), and of negatives, exp(p), by the share p of positives
    among known labels.
    """
    share = torch.from_numpy(np.nan_to_num(np.nanmean(labels, axis=0), nan=0.5).astype(np.float32))
    return torch.stack([torch.exp(1 - share), torch.exp(share)])
