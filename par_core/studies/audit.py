"""The audit of a data set's labels for the command line: findings as CSV, JSON and a contact sheet; or a test
with planted labels, which gives none.
"""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.datasets.crops import crop_people
from par_core.errors import BadConfigError
from par_core.evaluate.audit.confident_learning import LabelAudit
from par_core.evaluate.audit.planting import FIRST, Found, count_found, plant
from par_core.evaluate.audit.suspects import FOLDS, Audited, audit_people, features_of, read_audited, suspects
from par_core.evaluate.probe import LEAST
from par_core.models.fingerprints import fingerprints
from par_core.predictions.cache import Compute, PredictionCache
from par_core.predictions.compute import compute_here
from par_core.reports.audit_sheet import write_sheet, write_suspects
from par_core.studies.evaluation import made_with, plain
from par_core.version import __version__

__all__ = ["TEST", "AuditRequest", "audit_dataset", "measure_audit"]

_CROPS: Final = "crops"
TEST: Final = (
    "test of the audit: labels were turned round on purpose, and nothing here is a finding about the data set"
)


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Data set to audit, and where the results go.

    Attributes:
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        out: Folder of the results.
        attributes: Attributes to audit; none for all.
        top: Number of suspects that the contact sheet shows.
        seed: Seed of the draw of folds, and of planting.
    """

    dataset: str
    root: Path
    out: Path
    attributes: tuple[str, ...]
    top: int
    seed: int


def audit_dataset(
    request: AuditRequest, config: RunConfig, compute: Compute = compute_here
) -> dict[str, Any]:
    """Audit, and write ``audit.csv``, ``audit.json`` and ``audit.html``.

    Returns:
        Content of ``audit.json``.

    Raises:
        BadConfigError: The data set cannot be read as published, has no such attribute or too few people,
            ``out`` is a file, or weights are missing.
        BadInputError: A picture cannot be read.
    """
    audited = _read(request, config)
    cut = crop_people(audited.data, request.out / _CROPS)
    features = features_of(cut.people, config, PredictionCache(request.out, compute))
    probabilities, audit = audit_people(audited.labels, features, audited.groups, request.seed)
    suspected = suspects(audited, probabilities, audit)
    counts = {
        "people": len(audited.labels),
        "labels": int((~np.isnan(audited.labels)).sum()),
        "audited": int(audit.audited.sum()),
        "listed": len(suspected),
    }
    about = _about(request, config, audited, features.shape[1])
    report: dict[str, Any] = plain(
        {"counts": counts, "attributes": _by_attribute(audited, audit), "about": about}
    )
    write_suspects(request.out / "audit.csv", suspected, audited.data)
    provenance = {
        "command": about["command"],
        "date": about["date"],
        "models": about["models"],
        **{name: str(value) for name, value in about["fingerprints"].items()},
        "folds": f"{FOLDS}, seed {request.seed}",
        "PAR": __version__,
    }
    summary = (
        f"{counts['listed']:,} of {counts['audited']:,} audited labels are likely wrong, or cannot be told"
        " from the picture"
    )
    pictures = [person.image for person in cut.people]
    write_sheet(
        request.out / "audit.html",
        summary,
        suspected[: request.top],
        audited.data,
        pictures,
        provenance,
        config.archive,
    )
    write_atomic(request.out / "audit.json", (json.dumps(report, indent=1) + "\n").encode())
    return report


def measure_audit(
    request: AuditRequest, share: float, config: RunConfig, compute: Compute = compute_here
) -> dict[str, Any]:
    """Invert a share of the labels, audit, and count how many of these come first. Writes
    ``planted.json`` and no findings.

    Returns:
        Content of ``planted.json``.

    Raises:
        BadConfigError: As ``audit_dataset``, or the share is not between 0 and 0.5, or plants nothing.
        BadInputError: A picture cannot be read.
    """
    audited = _read(request, config)
    planted = plant(audited.labels, share, request.seed)
    features = features_of(
        crop_people(audited.data, request.out / _CROPS).people, config, PredictionCache(request.out, compute)
    )
    wrong = np.where(planted, 1 - audited.labels, audited.labels)
    _, audit = audit_people(wrong, features, audited.groups, request.seed)
    together, by_attribute = count_found(audit, wrong, planted)
    report: dict[str, Any] = plain(
        {
            "what": TEST,
            "planted_share": share,
            "first": FIRST,
            **_counts(together),
            "listed": int(audit.listed.sum()),
            "attributes": {
                name: _counts(planted_labels)
                for name, planted_labels in zip(audited.data.attributes, by_attribute, strict=True)
            },
            "about": _about(request, config, audited, features.shape[1]),
        }
    )
    write_atomic(request.out / "planted.json", (json.dumps(report, indent=1) + "\n").encode())
    return report


def _read(request: AuditRequest, config: RunConfig) -> Audited:
    """Read the data set; errors of folder or weights are raised before the work starts."""
    if request.out.exists() and not request.out.is_dir():
        raise BadConfigError(f"--out {request.out} is a file, not a folder")
    fingerprints(config)
    return read_audited(request.dataset, request.root, request.attributes)


def _by_attribute(audited: Audited, audit: LabelAudit) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for i, name in enumerate(audited.data.attributes):
        labels = audited.labels[:, i]
        row: dict[str, Any] = {
            "labelled": int((~np.isnan(labels)).sum()),
            "positive": int((labels == 1).sum()),
            "audited": int(audit.audited[:, i].sum()),
        }
        if np.isnan(audit.noise_rates[i]):
            rows[name] = {
                **row,
                "listed": 0,
                "reason": (
                    f"too few people with or without it: {LEAST} of each are needed outside of every fold"
                ),
            }
        else:
            thresholds = dict(zip(("without", "with"), audit.thresholds[i].tolist(), strict=True))
            rows[name] = {
                **row,
                "listed": int(audit.listed[:, i].sum()),
                "noise_rate": float(audit.noise_rates[i]),
                "thresholds": thresholds,
            }
    return rows


def _counts(found: Found) -> dict[str, Any]:
    return {**asdict(found), "share": found.share, "chance": found.chance}


def _about(request: AuditRequest, config: RunConfig, audited: Audited, features: int) -> dict[str, Any]:
    kinds = [group.split(" ", 1)[0] for group in audited.groups]
    return {
        "dataset": request.dataset,
        "root": str(request.root),
        "folds": FOLDS,
        "seed": request.seed,
        "people_grouped_by": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "groups": len(set(audited.groups)),
        "features": features,
        **made_with(config),
        "par": __version__,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "system": platform.platform(),
            "cores": len(os.sched_getaffinity(0)),
        },
    }
