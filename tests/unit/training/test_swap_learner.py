"""Training of swaps: it learns, it resumes to the bit, and it stops where nothing can be learned any more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from par_core.datasets.merged_labels import labelled_people
from par_core.errors import BadConfigError, ParError
from par_core.evaluate.made.people import drawn_to_test
from par_core.models.swap_network import SwapNetwork
from par_core.training.attribute_data import held_out_of_ccp
from par_core.training.loop import Schedule, fit
from par_core.training.processes import World
from par_core.training.swap_data import SwapPeople, draw_batch, read_swap_people
from par_core.training.swap_learner import SwapLearner, SwapRecipe
from par_core.training.swap_steps import steps_within
from tests.dressed import OUTFITS, small_ccp

ALONE = World(1, 0, torch.device("cpu"))
RECIPE = SwapRecipe(Schedule(steps=4, rate=1e-3, warmup=0), batch=2, ramp=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    small_ccp(folder, [OUTFITS[i % 4] for i in range(16)])
    return folder


@pytest.fixture(scope="module")
def people(root: Path) -> SwapPeople:
    return read_swap_people("ccp", root)


def test_nobody_is_learned_from_who_is_tested_or_held_out_elsewhere(root: Path, people: SwapPeople) -> None:
    names = [person.image.name for person in labelled_people("ccp", root)]
    apart = drawn_to_test(16) | held_out_of_ccp(16)
    assert [Path(each.file).name for each in people.train] == [
        name for name, out in zip(names, apart, strict=True) if not out
    ]
    assert len(people.train) + len(people.held_back) == 16


def test_half_of_the_wanted_pictures_are_in_other_colours_inside_the_person(people: SwapPeople) -> None:
    changed = []
    for seed in range(8):
        batch = draw_batch(people.train, 4, np.random.default_rng(seed))
        apart = (batch.pictures - batch.wanted).abs().sum(dim=1)
        assert not apart[batch.parts[:, 0] == 1].any()
        changed += (apart.amax(dim=(1, 2)) > 0).tolist()
    assert 8 <= sum(changed) <= 24
    again = draw_batch(people.train, 4, np.random.default_rng(7))
    assert torch.equal(again.wanted, batch.wanted)


def test_losses_fall_and_held_back_people_are_painted_better(people: SwapPeople, tmp_path: Path) -> None:
    recipe = replace(RECIPE, schedule=Schedule(steps=16, rate=3e-3, warmup=0, average=0.7))
    learner = SwapLearner(people, recipe)
    before = learner.score(learner.network.eval())
    losses = list[float]()
    fitted = fit(
        learner,
        recipe.schedule,
        {},
        tmp_path,
        world=ALONE,
        follow=lambda _, __, each: losses.append(each["known"]),
    )
    learner.network.load_state_dict(fitted.weights)
    after = learner.score(learner.network.eval())
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert after["l1_self"] < 0.9 * before["l1_self"]
    assert after["score"] == -after["l1_self"]


def test_each_loss_reaches_the_parameters_of_its_own_side(people: SwapPeople) -> None:
    learner = SwapLearner(people, replace(RECIPE, ramp=0))
    network = learner.network
    assert isinstance(network, SwapNetwork)
    losses = learner.losses(16, ALONE)
    judge = list(network.discriminator.parameters())
    painter = list(network.generator.parameters())

    def reaches(loss: Tensor, parameters: list[torch.nn.Parameter]) -> bool:
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        return any(each is not None and bool(each.any()) for each in found)

    of_judge = {"discriminator", "penalty"}
    assert {name for name, loss in losses.items() if reaches(loss, judge)} == of_judge
    assert {name for name, loss in losses.items() if reaches(loss, painter)} == set(losses) - of_judge


class KilledError(Exception):
    pass


def test_a_stopped_run_goes_on_to_the_same_bits(people: SwapPeople, tmp_path: Path) -> None:
    def stop(step: int, _: int, __: object) -> None:
        if step == 3:
            raise KilledError

    whole = fit(SwapLearner(people, RECIPE), RECIPE.schedule, {}, tmp_path / "whole", world=ALONE)
    parts = SwapLearner(people, RECIPE), RECIPE.schedule, {}, tmp_path / "parts"
    with pytest.raises(KilledError):
        fit(*parts, world=ALONE, save_every=2, follow=stop)
    other = SwapLearner(people, replace(RECIPE, seed=5)), *parts[1:]  # its own weights are not used
    resumed = fit(SwapLearner(people, RECIPE), *parts[1:], world=ALONE, save_every=2)
    assert all(torch.equal(tensor, resumed.weights[name]) for name, tensor in whole.weights.items())
    again = fit(*other, world=ALONE)
    assert all(torch.equal(tensor, again.weights[name]) for name, tensor in whole.weights.items())


def test_it_stops_with_a_line_on_what_is_no_number(people: SwapPeople) -> None:
    learner = SwapLearner(people, RECIPE)
    with torch.no_grad():
        next(learner.network.parameters()).fill_(float("nan"))
    with pytest.raises(ParError, match=r"^step 4: not a number: .*known.*--seed$"):
        learner.losses(3, ALONE)


def test_it_stops_where_the_discriminator_wins_step_after_step(people: SwapPeople) -> None:
    learner = SwapLearner(people, replace(RECIPE, patience=3))
    network = learner.network
    assert isinstance(network, SwapNetwork)
    wins = network.wins
    assert isinstance(wins, Tensor)

    class Oracle(torch.nn.Module):
        """Knows real pictures, which stand first, from made ones."""

        def __init__(self) -> None:
            super().__init__()
            self.asked = 0
            self.bias = torch.nn.Parameter(torch.zeros(()))

        def forward(self, pictures: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            self.asked += 1
            answer = (torch.ones(2, 1, 4, 2) if self.asked % 3 == 2 else torch.zeros(2, 1, 4, 2)) + self.bias
            return answer + 0 * pictures.mean(), answer

    network.discriminator = Oracle()  # type: ignore[assignment]
    learner.losses(1, ALONE)
    assert int(wins) == 0  # it has not begun to count
    learner.losses(2, ALONE)
    learner.losses(3, ALONE)
    assert int(wins) == 2
    with pytest.raises(ParError, match=r"^step 5: the discriminator has told .* for 3 steps"):
        learner.losses(4, ALONE)


def test_the_number_of_steps_within_some_hours_is_decided_once(people: SwapPeople, tmp_path: Path) -> None:
    steps = steps_within(0.01, people, RECIPE, tmp_path, ALONE)
    assert steps >= 1
    assert steps_within(0.01, people, RECIPE, tmp_path, ALONE) == steps


def test_too_few_people_and_sets_without_maps_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="'mit' has no maps"):
        read_swap_people("mit", tmp_path)
    with pytest.raises(BadConfigError, match="ccp"):
        read_swap_people("ccp", tmp_path)
    small_ccp(tmp_path, OUTFITS[:1])
    with pytest.raises(BadConfigError, match=r"of 1 people with maps .* too few"):
        read_swap_people("ccp", tmp_path)
