"""A store as the version before the scores of cut-outs makes it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from par_core.config import RunConfig
from par_core.stages.provenance import RULES
from par_core.store import schemas
from tests.indexing import FAKE, index

__all__ = ["stored_before_cutout_scores"]

_COLUMNS = ("sharpness", "cutout")


def stored_before_cutout_scores(
    root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, config: RunConfig = FAKE
) -> Path:
    """Index without the columns ``sharpness`` and ``cutout``, without second cuts, and without what manifests
    and status record of them.
    """
    with monkeypatch.context() as patch:
        fields = [field for field in schemas._DESCRIBED if field.name not in _COLUMNS]
        patch.setattr(schemas, "_DESCRIBED", fields)
        patch.setattr("par_core.stages.describe.with_cutout_scores", _unchanged)
        patch.setattr("par_core.stages.person_labels.second_cuts", _none)
        for name in RULES:
            patch.setitem(RULES, name, "none")
        index(root, [photos], config)
    for path in root.glob("*/*/*/manifest.json"):
        content = json.loads(path.read_bytes())
        for name in RULES:
            content["info"].pop(name, None)
        path.write_text(json.dumps(content))
    status = json.loads((root / "status.json").read_bytes())
    del status["accounting"]["second_cuts"]
    (root / "status.json").write_text(json.dumps(status))
    return root


def _unchanged(descriptions: pa.Table, _: object) -> pa.Table:
    return descriptions


def _none(people: object) -> np.ndarray:
    return np.zeros(len(people), bool)  # type: ignore[arg-type]
