"""Turn finished runs into the weights that are shipped: fp16 and 8-bit safetensors, the networks for
OpenVINO, calibration, and a file of scores.

python -m par_core.training.export describer --run build/training/describer --data ../shared/data
python -m par_core.training.export segmenter --run build/training/segmenter --data ../shared/data
"""

import argparse
import json
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from par_core.config import RunConfig
from par_core.datasets.impressions import read_impressions
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labels_of, with_gender
from par_core.models.answers import Answers
from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.profiles import load_segmenter
from par_core.models.shipped import CALIBRATION, FILES, FOLDER, note_digest
from par_core.models.weights import load_state, read_shipped, write_shipped
from par_core.training.attribute_data import read_people
from par_core.training.captions import sample_captions
from par_core.training.checkpoints import load_checkpoint
from par_core.training.describer_pair import DescriberPair
from par_core.training.describer_scores import (
    describe_people,
    score_attributes,
    score_colours,
    score_queries,
    summary,
)
from par_core.training.held_out import GENDER
from par_core.training.loop import CHECKPOINT
from par_core.training.networks import write_networks
from par_core.training.outlining import outline_people
from par_core.training.segmentation_data import split_photos
from par_core.training.segmenter_scores import score_segmenter

__all__ = ["export_describer", "export_segmenter"]

_SEGMENTER, _DESCRIBER, _TEXT = FILES
_TABLE = "token_embedding.weight"
_CAPTION_DRAWS = 4_000  # enough for every word of the vocabulary to have appeared


def export_describer(run: Path, data_dir: Path, folder: Path) -> dict[str, Any]:
    """Write describer, text tower and their scores as stored; returns the scores."""
    checkpoint = _checkpoint(run)
    pair = DescriberPair()
    pair.load_state_dict(checkpoint["best"]["weights"] or checkpoint["averaged"])
    pair.eval()
    people = read_people(data_dir)
    kept = outline_people(
        with_gender(people.report, read_impressions(GENDER)),
        load_segmenter(RunConfig()),
        run / "outlines",
        lambda people, what: track(people, what),
    )
    shared = {"recipe": checkpoint["recipe"], "steps_done": checkpoint["step"]}
    words, scale = sorted(_words(people.train)), float(pair.log_scale.detach().exp())
    write_shipped(folder, _DESCRIBER, pair.image.state_dict(), {**shared, "attributes": NAMES})
    text_state = {name: tensor for name, tensor in pair.text.state_dict().items() if name != "attn_mask"}
    write_shipped(
        folder, _TEXT, text_state, {**shared, "logit_scale": scale, "known_words": words}, int8=(_TABLE,)
    )
    (folder / CALIBRATION).write_text(
        json.dumps({"attributes": Answers.uncalibrated(NAMES).as_json()}, indent=1) + "\n"
    )
    note_digest(folder, CALIBRATION)
    for file in (_DESCRIBER, _TEXT):
        write_networks(file, folder)
    before = _describer_scores(pair, kept)
    load_state(pair.image, read_shipped(_DESCRIBER, folder)[0], _DESCRIBER)
    load_state(pair.text, read_shipped(_TEXT, folder)[0], _TEXT)
    after = _describer_scores(pair, kept)
    scores = {
        **_provenance("describer", run, checkpoint),
        "reported_on": len(kept),
        **after,
        "lost_by_storage": _lost(before, after),
    }
    (folder / "describer-compact.json").write_text(json.dumps(_rounded(scores), indent=1) + "\n")
    print("now calibrate: python -m par_core.training.calibration --data", data_dir)
    return scores


def _describer_scores(pair: DescriberPair, kept: list[LabelledPerson]) -> dict[str, Any]:
    embeddings, logits = describe_people(pair, kept)
    labels = labels_of(kept)
    attributes, queries, colours = (
        score_attributes(logits, labels),
        score_queries(pair, embeddings, labels),
        score_colours(pair, embeddings, kept),
    )
    return {
        **summary(attributes, queries, colours),
        "attributes": attributes,
        "queries": queries,
        "colour_queries": colours,
    }


def export_segmenter(run: Path, data_dir: Path, folder: Path) -> dict[str, Any]:
    """Write the segmenter and its scores as stored; returns the scores."""
    checkpoint = _checkpoint(run)
    network = build_mask_rcnn("compact")
    network.load_state_dict(checkpoint["averaged"])
    photos = split_photos(data_dir).report
    before = score_segmenter(network, photos)
    write_shipped(
        folder,
        _SEGMENTER,
        checkpoint["averaged"],
        {"recipe": checkpoint["recipe"], "steps_done": checkpoint["step"]},
    )
    write_networks(_SEGMENTER, folder)
    load_state(network, read_shipped(_SEGMENTER, folder)[0], _SEGMENTER)
    after = score_segmenter(network, photos)
    scores = {**_provenance("segmenter", run, checkpoint), **after, "lost_by_storage": _lost(before, after)}
    (folder / "segmenter-compact.json").write_text(json.dumps(_rounded(scores), indent=1) + "\n")
    return scores


def _checkpoint(run: Path) -> dict[str, Any]:
    checkpoint = load_checkpoint(run / CHECKPOINT)
    if checkpoint is None:
        raise SystemExit(f"no checkpoint in {run}")
    return checkpoint


def _lost(before: dict[str, Any], after: dict[str, Any]) -> dict[str, float]:
    """How much less each mean score is with 16 and 8 bits than with 32."""
    means = [
        name for name, value in before.items() if isinstance(value, float) and ("ap" in name or "auc" in name)
    ]
    return {name: before[name] - after[name] for name in means}


def _words(people: list[LabelledPerson]) -> set[str]:
    """Every word that the captions of training may hold."""
    rng = np.random.default_rng(0)
    captions = sample_captions(people, _CAPTION_DRAWS, rng)
    return {
        word for caption in captions for word in re.findall(r"[^\W_]+(?:-[^\W_]+)*", caption.text.lower())
    }


def _provenance(what: str, run: Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
    versions = {name: version(name) for name in ("torch", "torchvision", "timm", "open_clip_torch", "numpy")}
    return {
        "command": f"python -m par_core.training.export {what} --run {run.name} --data DATA",
        "machine": platform.processor() or platform.machine(),
        "versions": versions,
        "recipe": checkpoint["recipe"],
        "steps_done": checkpoint["step"],
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["describer", "segmenter"])
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the weights")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    export = export_describer if arguments.what == "describer" else export_segmenter
    scores = export(arguments.run, arguments.data, arguments.out)
    print(
        json.dumps(
            _rounded({key: value for key, value in scores.items() if not isinstance(value, dict)}), indent=1
        )
    )


if __name__ == "__main__":
    main()
