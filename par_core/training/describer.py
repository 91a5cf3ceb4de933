"""Train the compact describer and its text tower together, on a few thousand labelled people.

Captions are composed from facts, so that the truth of each (caption, person) pair of a batch is known or
known to be unknown. The losses are in ``describer_losses``. The shipped weights took three rounds, each from
the average of the one before: from ImageNet weights; with a teacher's labels of gender on sharp photographs
(``teacher_labels``) and with pictures that are cut below, up to close portraits; and with more of both. A
fourth round, with portraits that heads fill and with some pictures in grey, can be run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from par_core.datasets.merged_labels import LabelledPerson, labels_of
from par_core.models.describer import letterbox
from par_core.models.text_tower import learning_tokenizer
from par_core.training.captions import Caption, sample_captions, truth
from par_core.training.cutouts import USUAL_FRAMING, Framing, training_cutout, visible
from par_core.training.describer_losses import (
    attribute_loss,
    colour_loss,
    colours_of,
    coverage,
    looking_loss,
    rarity,
    search_loss,
)
from par_core.training.describer_pair import DescriberPair
from par_core.training.describer_scores import score_pair
from par_core.training.loop import Schedule
from par_core.training.made_people import NOBODY, MadePeople
from par_core.training.processes import World

__all__ = ["DESCRIBER_ROUNDS", "DescriberLearner", "DescriberRecipe"]

_SOURCES: Final = ("ccp-pixels", "ccp-tags", "mit")
_SCHEDULE: Final = Schedule(
    steps=900, rate=1e-3, warmup=60, weight_decay=0.05, average=0.995, clip=1.0, score_every=150
)


@dataclass(frozen=True, slots=True)
class DescriberRecipe:
    """Everything that decides the weights, next to the data and the code.

    Attributes:
        schedule: The rate is that of new parts; the trunk's is a tenth.
        batch: People a step.
        captions: Captions a step.
        frozen_blocks: Lowest stages of the trunk that keep their weights.
        shares: Shares of the sources in a batch: CCP with pixel maps, CCP with tags, MIT.
        looking: Weight of the losses of where attributes are looked for, and of the colours there.
        framing: How often and how far sharp photographs are cut below.
        teacher: Weight of a teacher's label of a woman; of a man it is twice that.
        seed: Seed of everything random.
    """

    schedule: Schedule = _SCHEDULE
    batch: int = 24
    captions: int = 128
    frozen_blocks: int = 3
    shares: tuple[float, float, float] = (0.50, 0.28, 0.22)
    looking: float = 0.15
    framing: Framing = USUAL_FRAMING
    teacher: float = 0.4
    seed: int = 0


_FURTHER: Final = Schedule(steps=150, rate=5e-4, warmup=15, weight_decay=0.05, average=0.98, clip=1.0)

#: By round; each starts from the weights of the one before.
DESCRIBER_ROUNDS: Final = {
    1: DescriberRecipe(),
    2: DescriberRecipe(_FURTHER, frozen_blocks=5, framing=Framing(often=0.3, least=0.25), seed=1),
    3: DescriberRecipe(_FURTHER, frozen_blocks=5, framing=Framing(often=0.5, least=0.2), teacher=0.8, seed=2),
    # not in the shipped weights: docs/training.md has what it was measured to do
    4: DescriberRecipe(
        _FURTHER,
        frozen_blocks=5,
        framing=Framing(often=0.5, least=0.2, close=True, grey=0.2),
        teacher=0.8,
        seed=3,
    ),
}


class DescriberLearner:
    """Describer and text tower, and how they learn.

    Args:
        pair: With the weights to start from.
        train: People to learn from.
        choose: People to score on.
        sentences: Written by people, with what they claim.
        recipe: The settings.
        made: Made people to learn from beside ``train``.
    """

    def __init__(
        self,
        pair: DescriberPair,
        train: Sequence[LabelledPerson],
        choose: Sequence[LabelledPerson],
        sentences: Sequence[Caption],
        recipe: DescriberRecipe,
        made: MadePeople = NOBODY,
    ) -> None:
        self._made = made
        self.pair = pair
        self.network: nn.Module = pair
        trunk = pair.image.trunk
        for part in (pair.image.colour_names, trunk.conv_stem, *trunk.blocks[: recipe.frozen_blocks]):
            part.requires_grad_(requires_grad=False)
        self._by_source = [[person for person in train if person.source == source] for source in _SOURCES]
        self._choose, self._sentences, self._recipe = list(choose), sentences, recipe
        self._rarity = rarity(labels_of(list(train)))
        self._tokenizer = learning_tokenizer()

    def groups(self) -> list[dict[str, Any]]:
        """Trunk and new parts."""
        trunk = [p for p in self.pair.image.trunk.parameters() if p.requires_grad]
        inside = {id(p) for p in self.pair.image.trunk.parameters()}
        new = [p for p in self.pair.parameters() if p.requires_grad and id(p) not in inside]
        return [{"params": trunk, "share": 0.1}, {"params": new, "share": 1.0}]

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        """Return the losses of this process's part of a step."""
        recipe, device = self._recipe, world.device
        rng = np.random.default_rng([recipe.seed, step, world.rank])
        drawn = self._made.mix(self._draw(max(1, recipe.batch // world.size), rng), rng)
        cutouts = [training_cutout(person, rng, framing=recipe.framing) for person in drawn]
        batch = [visible(person, cutout) for person, cutout in zip(drawn, cutouts, strict=True)]
        pictures = (
            torch.from_numpy(np.stack([letterbox(cutout.picture) for cutout in cutouts]))
            .float()
            .contiguous(memory_format=torch.channels_last)
        )
        captions = sample_captions(batch, recipe.captions, rng, self._sentences)
        # on a CPU a mobile network is faster in fp32
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            looked = self.pair.image.look(pictures.to(device))
            ids = torch.from_numpy(self._tokenizer([caption.text for caption in captions]))
            words = self.pair.text(ids.to(device))
        words = nn.functional.normalize(words.float(), dim=1)
        cosine = words @ looked.embeddings.float().T
        weights = torch.tensor([person.weights for person in batch]).to(device)
        return {
            "attributes": attribute_loss(
                looked.logits.float(),
                torch.from_numpy(labels_of(batch)).to(device),
                weights,
                self._rarity.to(device),
            ),
            "search": search_loss(
                cosine * self.pair.log_scale.exp() + self.pair.bias,
                torch.from_numpy(truth(captions, batch)).to(device),
            ),
            "looking": recipe.looking
            * looking_loss(
                looked.attention.float(), torch.stack([coverage(cutout) for cutout in cutouts]).to(device)
            ),
            "garment_colours": recipe.looking
            * colour_loss(looked.colours.float(), torch.from_numpy(colours_of(batch)).to(device)),
        }

    def score(self, network: nn.Module) -> dict[str, float]:
        """On the people that choose."""
        assert isinstance(network, DescriberPair)
        return score_pair(network, self._choose)

    def _draw(self, n: int, rng: np.random.Generator) -> list[LabelledPerson]:
        chosen = rng.choice(len(_SOURCES), n, p=self._recipe.shares)
        return [listed[rng.integers(len(listed))] for listed in (self._by_source[i] for i in chosen)]
