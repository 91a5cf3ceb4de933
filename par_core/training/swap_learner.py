"""Training of the network of ``par generate swap``.

Half of what it learns is supervised: a person and a copy of them in other colours (``par generate recolour``)
have one structure and two known appearances. The rest are swaps that nobody has seen: their codes must be
those of the donor, their structure that of the person, and they must look real (least squares: Mao et al.,
ICCV 2017; gradient penalty on real pictures: Mescheder et al., ICML 2018, every 16 steps as in Karras et al.,
CVPR 2020). All weights are constant from the first step on, but that of the last, which rises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from par_core.errors import ParError
from par_core.models.swap_network import SwapNetwork, generated, shown, swapped_codes
from par_core.training.loop import Schedule
from par_core.training.processes import World
from par_core.training.swap_data import Batch, SwapPeople, SwapPerson, draw_batch, known_swaps

__all__ = ["SwapLearner", "SwapRecipe", "distances"]

_WINS: Final = 0.98  # share of the patches told apart
_PENALTY_EVERY: Final = 16
_SCHEDULE: Final = Schedule(steps=10_000, rate=8e-4, weight_decay=0.0)
_SCORED: Final = 100  # held-back people of a score
_HIDDEN_SEED: Final = 17


@dataclass(frozen=True, slots=True)
class SwapRecipe:
    """How to train.

    Attributes:
        schedule: Steps and rate of the generator.
        seed: Of everything random.
        batch: People of a step.
        known: Weight of the L1 distance to pictures that are known.
        code: Weight of the distance of a swap's codes from the donor's, without their colours.
        colour: Weight of the distance of mean and deviation of the colours of its parts.
        structure: Weight of the distance of a swap's structure from the person's.
        cycle: Weight of the L1 distance of a swap that is swapped back.
        adversarial: Weight of looking real, reached after ``ramp`` steps.
        ramp: See there.
        penalty: Weight of the gradient penalty.
        share: Rate of the discriminator as a share of the generator's.
        patience: Steps in a row that the discriminator may win.
    """

    schedule: Schedule = _SCHEDULE
    seed: int = 0
    batch: int = 8
    known: float = 10.0
    code: float = 5.0
    colour: float = 20.0
    structure: float = 1.0
    cycle: float = 5.0
    adversarial: float = 1.0
    ramp: int = 1000
    penalty: float = 1.0
    share: float = 0.5
    patience: int = 500


class SwapLearner:
    """Network, losses and score; ``Learner`` of ``par_core.training.loop``.

    Args:
        people: Who is learned from and who is held back.
        recipe: How.
    """

    def __init__(self, people: SwapPeople, recipe: SwapRecipe) -> None:
        torch.manual_seed(recipe.seed)
        self.network: nn.Module = SwapNetwork()
        # part of the state, so that a resumed run counts on
        self.network.register_buffer("wins", torch.zeros((), dtype=torch.int64))
        self._people, self._recipe = people, recipe

    def groups(self) -> list[dict[str, Any]]:
        """Generator and discriminator, each with its own rate."""
        network = self._swap_network
        judge = list(network.discriminator.parameters())
        others = [each for name, each in network.named_parameters() if not name.startswith("discriminator.")]
        common = {"betas": (0.5, 0.99)}
        return [
            {"params": others, "share": 1.0, **common},
            {"params": judge, "share": self._recipe.share, **common},
        ]

    @property
    def _swap_network(self) -> SwapNetwork:
        assert isinstance(self.network, SwapNetwork)
        return self.network

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        """Losses of generator and discriminator together; each reaches its own parameters alone.

        Raises:
            ParError: A loss is not a number, or the discriminator has won for too long.
        """
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, step, world.rank])
        batch = _on(draw_batch(self._people.train, max(2, recipe.batch // world.size), rng), world)
        with torch.autocast(world.device.type, torch.bfloat16):
            losses, swapped = self._of_generator(batch, min(1.0, step / max(1, recipe.ramp)))
            losses |= self._of_discriminator(batch, swapped.detach(), step)
        if step % _PENALTY_EVERY == 0:
            losses["penalty"] = _PENALTY_EVERY * recipe.penalty * self._penalty(batch)
        if not bool(torch.isfinite(torch.stack(list(losses.values())).sum())):
            wrong = ", ".join(name for name, loss in losses.items() if not bool(torch.isfinite(loss)))
            raise ParError(f"step {step + 1}: not a number: {wrong}; try a smaller --rate or another --seed")
        return losses

    def _of_generator(self, batch: Batch, ramp: float) -> tuple[dict[str, Tensor], Tensor]:
        network, recipe = self._swap_network, self._recipe
        structure = network.structure(batch.pictures, batch.parts)
        own = network.appearance(batch.pictures, batch.parts)
        # the code is read off the mirrored picture, so that it cannot tell where anything is
        mirrored_parts = batch.parts.flip(3)
        worn = network.appearance(batch.wanted.flip(3), mirrored_parts)
        known = network.generator(structure, worn, batch.parts)
        codes = swapped_codes(own, worn.roll(1, 0), mirrored_parts.roll(1, 0))
        swapped = network.generator(structure, codes, batch.parts)
        there = shown(batch.parts)
        there[:, 0] = False
        wanted = codes.detach()
        got = _frozen(network.appearance, swapped, batch.parts)
        again = _frozen(network.structure, swapped, batch.parts)
        half = max(1, len(swapped) // 2)
        back = generated(network, swapped[:half], batch.parts[:half], own[:half])
        kept = [
            (one.float() - other.detach().float()).abs().mean()
            for one, other in zip(again, structure, strict=True)
        ]
        looks = [(1 - each).square().mean() for each in _frozen(network.discriminator, swapped, batch.parts)]
        person = 1 - batch.parts[:, :1]
        losses = {
            "known": recipe.known * _distance(known, batch.wanted, person),
            "code": recipe.code * _between(got[..., :-6], wanted[..., :-6], there),
            "colour": recipe.colour * _between(got[..., -6:], wanted[..., -6:], there),
            "structure": recipe.structure * torch.stack(kept).mean(),
            "cycle": recipe.cycle * _distance(back, batch.pictures[:half], person[:half]),
            "adversarial": recipe.adversarial * ramp * torch.stack(looks).mean(),
        }
        return losses, swapped

    def _of_discriminator(self, batch: Batch, swapped: Tensor, step: int) -> dict[str, Tensor]:
        network, recipe = self._swap_network, self._recipe
        real = network.discriminator(batch.wanted, batch.parts)
        made = network.discriminator(swapped, batch.parts)
        told = torch.cat(
            [(each > 0.5).flatten() for each in real] + [(each < 0.5).flatten() for each in made]
        )
        wins = network.wins
        assert isinstance(wins, Tensor)
        won = step >= recipe.ramp and float(told.float().mean()) > _WINS
        wins.copy_(wins + 1 if won else torch.zeros_like(wins))
        if int(wins) >= recipe.patience:
            raise ParError(
                f"step {step + 1}: the discriminator has told made from real pictures for {recipe.patience}"
                " steps, so that nothing is learned from it; try another --seed or a smaller --rate"
            )
        losses = [
            (1 - one).square().mean() + two.square().mean() for one, two in zip(real, made, strict=True)
        ]
        return {"discriminator": torch.stack(losses).mean() / 2}

    def _penalty(self, batch: Batch) -> Tensor:
        """Squared gradient of the discriminator on real pictures; on two of them, which is enough."""
        pictures = batch.wanted[:2].detach().requires_grad_()
        answers = self._swap_network.discriminator(pictures, batch.parts[:2])
        total = torch.stack([each.mean(dim=(1, 2, 3)).sum() for each in answers]).sum()
        (slope,) = torch.autograd.grad(total, pictures, create_graph=True)
        return slope.square().sum(dim=(1, 2, 3)).mean()

    def score(self, network: nn.Module) -> dict[str, float]:
        """L1 distances on held-back people, of 1: of themselves, and of known copies in other colours."""
        assert isinstance(network, SwapNetwork)
        found = distances(network, self._people.held_back[:_SCORED])
        means = {name: float(values.mean()) for name, values in found.items()}
        return {"score": -means["l1_self"], **means}


def distances(network: SwapNetwork, people: Sequence[SwapPerson]) -> dict[str, Float64[np.ndarray, " n"]]:
    """L1 distances of people from what the network paints of their own structure and appearance, of 1.

    Args:
        network: In evaluation mode.
        people: n people.

    Returns:
        ``l1_self``, and as ``l1_recoloured`` the same for structure as it is and appearance in other colours.
    """
    device = next(network.parameters()).device
    batch = known_swaps(people, _HIDDEN_SEED)
    pictures, parts = batch.pictures.to(device), batch.parts.to(device)
    found = {}
    with torch.no_grad():
        for name, wanted in (("l1_self", pictures), ("l1_recoloured", batch.wanted.to(device))):
            painted = generated(network, pictures, parts, network.appearance(wanted, parts))
            apart = ((painted - wanted).abs() * (1 - parts[:, :1])).sum(dim=(1, 2, 3))
            found[name] = (apart / (3 * (1 - parts[:, 0]).sum(dim=(1, 2)))).cpu().numpy().astype(np.float64)
    return found


def _on(batch: Batch, world: World) -> Batch:
    pictures, parts, wanted = (each.to(world.device) for each in (batch.pictures, batch.parts, batch.wanted))
    return Batch(pictures, parts, wanted)


def _frozen(module: nn.Module, *inputs: Tensor) -> Any:
    """The module's answer, whose gradient reaches the inputs and not the module."""
    frozen: Mapping[str, Tensor] = {name: each.detach() for name, each in module.named_parameters()}
    return functional_call(module, dict(frozen), inputs)


def _l1(one: Tensor, other: Tensor, person: Tensor) -> Tensor:
    """Mean difference of the channels over the pixels of people."""
    return ((one - other).abs() * person).sum() / (3 * person.sum()).clamp(min=1.0)


def _distance(one: Tensor, other: Tensor, person: Tensor) -> Tensor:
    """L1 at the whole and at a quarter of the size."""
    coarse = [F.avg_pool2d(each * person, 4) for each in (one, other)]
    share = F.avg_pool2d(person, 4)
    return _l1(one, other, person) + (coarse[0] - coarse[1]).abs().sum() / (3 * share.sum()).clamp(min=1.0)


def _between(got: Tensor, wanted: Tensor, there: Tensor) -> Tensor:
    """Mean distance of the codes of the parts that are there."""
    apart = (got - wanted).abs().mean(dim=2) * there
    return apart.sum() / there.sum().clamp(min=1)
