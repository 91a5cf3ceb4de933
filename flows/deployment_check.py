"""A check of deployments for Prefect: what Prefect accepts, and what fails in the night."""

import inspect
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter, ValidationError

from flows.schedule_check import schedule_problems
from par_core.config import load_config
from par_core.errors import BadConfigError
from par_core.object_store.slashes import refuse_without_slashes

__all__ = [
    "DEPLOYMENT_KEYS",
    "FILE_KEYS",
    "SCHEDULE_KEYS",
    "Deployment",
    "check_deployments",
    "read_deployments",
]

_FLOWS: Final = "flows.deployed"
_PATHS: Final = ("store", "golden", "json_file", "html_file", "root", "out")
_LISTS: Final = ("sources", "weights_dirs")
#: Keys that Prefect knows; it passes others over without a word.
FILE_KEYS: Final = frozenset(
    ["name", "prefect-version", "build", "push", "pull", "deployments", "definitions"]
)
DEPLOYMENT_KEYS: Final = frozenset(
    [
        "name",
        "version",
        "version_type",
        "tags",
        "description",
        "schedule",
        "schedules",
        "paused",
        "concurrency_limit",
        "flow_name",
        "entrypoint",
        "parameters",
        "enforce_parameter_schema",
        "build",
        "push",
        "pull",
        "work_pool",
        "triggers",
        "sla",
    ]
)
SCHEDULE_KEYS: Final = frozenset(
    [
        "cron",
        "interval",
        "rrule",
        "timezone",
        "anchor_date",
        "active",
        "parameters",
        "slug",
        "replaces",
        "day_or",
    ]
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment and what was found.

    Attributes:
        name: Name of the deployment.
        schedules: Its schedules.
        problems: What is wrong, a line each.
        notes: What could not be checked, or may be meant so.
    """

    name: str
    schedules: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def read_deployments(file: Path) -> dict[str, Any]:
    """Read a file of deployments.

    Raises:
        BadConfigError: It is missing, no YAML, or holds no deployments.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfigError(f"{file} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not isinstance(content.get("deployments"), list):
        raise BadConfigError(
            f"{file} is no file of deployments: it needs a list deployments, as prefect.yaml has"
        )
    return content


def check_deployments(content: Mapping[str, Any], now: datetime) -> list[Deployment]:
    """Check all deployments of a file.

    Args:
        content: What ``read_deployments`` returns.
        now: The moment from which schedules are looked at, UTC.
    """
    found = []
    for number, each in enumerate(content["deployments"], 1):
        if not isinstance(each, dict):
            found.append(Deployment(f"number {number}", (), ("is no mapping of keys",), ()))
            continue
        given = each.get("schedules")
        schedules = [
            *(given if isinstance(given, list) else []),
            *([each["schedule"]] if each.get("schedule") else []),
        ]
        usable = tuple(one for one in schedules if isinstance(one, dict) and one)
        notes: list[str] = []
        problems = [*_unknown(each, DEPLOYMENT_KEYS, "key"), *_parameter_problems(each, usable, notes)]
        for schedule in usable:
            problems += _unknown(schedule, SCHEDULE_KEYS, "key of a schedule")
            problems += schedule_problems(schedule, now)
        found.append(
            Deployment(str(each.get("name", f"number {number}")), usable, tuple(problems), tuple(notes))
        )
    names = [one.name for one in found]
    top = [*_unknown(content, FILE_KEYS, "key"), *_twice(names)]
    return [*found, *([Deployment("the file", (), tuple(top), ())] if top else [])]


def _twice(names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the name {name} is given {names.count(name)} times"


def _unknown(given: Mapping[str, Any], known: frozenset[str], what: str) -> Iterator[str]:
    for key in given:
        if key not in known:
            yield f"there is no {what} {key!r}: Prefect passes it over; there are: {', '.join(sorted(known))}"


def _parameter_problems(
    each: Mapping[str, Any], schedules: tuple[Mapping[str, Any], ...], notes: list[str]
) -> Iterator[str]:
    entrypoint = str(each.get("entrypoint", ""))
    module, _, name = entrypoint.rpartition(".")
    if module != _FLOWS:
        notes.append(f"the entrypoint {entrypoint!r} is no flow of PAR, so its parameters are not checked")
        return
    from flows import deployed

    if name not in deployed.__all__:
        flows = ", ".join(f"{_FLOWS}.{one}" for one in deployed.__all__)
        yield f"there is no flow {entrypoint}; there are: {flows}"
        return
    function = getattr(deployed, name).fn
    common = each.get("parameters") or {}
    runs = [{**common, **(schedule.get("parameters") or {})} for schedule in schedules] or [common]
    seen: set[str] = set()
    for parameters in runs:
        for problem in _of_run(name, function, parameters, notes, scheduled=bool(schedules)):
            if problem not in seen:
                yield problem
            seen.add(problem)


def _of_run(
    name: str, function: Any, parameters: Mapping[str, Any], notes: list[str], *, scheduled: bool
) -> Iterator[str]:
    known = inspect.signature(function).parameters
    hints = typing.get_type_hints(function)
    for key, value in parameters.items():
        if key not in known:
            yield f"the flow has no parameter {key!r}; there are: {', '.join(known)}"
        elif "{{" in str(value):
            notes.append(f"{key} is a template, which is not checked")
        else:
            yield from _of_value(key, value, hints[key])
    missing = [key for key, one in known.items() if one.default is one.empty and key not in parameters]
    if missing and scheduled:
        yield f"a schedule starts it without {', '.join(missing)}, which the flow needs"
    elif missing:
        notes.append(f"each run must be given {', '.join(missing)}")
    settings = parameters.get("settings")
    if isinstance(settings, dict) and "{{" not in str(settings):
        yield from _of_settings(name, settings, parameters)
    golden = parameters.get("golden")
    if isinstance(golden, str) and "{{" not in golden:
        yield from _of_golden(Path(golden), notes)


def _of_value(key: str, value: Any, hint: Any) -> Iterator[str]:
    try:
        TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        yield f"{key}: {error.errors()[0]['msg']} (got {value!r})"
        return
    paths = [value] if key in _PATHS else value if key in _LISTS else []
    for path in paths or ():
        if not isinstance(path, str):
            continue
        try:
            refuse_without_slashes(path)
        except BadConfigError as error:
            yield f"{key}: {error}"
            continue
        if not Path(path).is_absolute() and ":/" not in path:
            yield f"{key}: {path} is a relative path, and every run begins in a folder of its own"


def _of_settings(name: str, settings: dict[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    try:
        if name == "train":
            from par_core.training.job_settings import as_job

            as_job({"out": "/", **settings})
            root = settings.get("root", "/")
        else:
            root = load_config(**settings).metrics.file or "/"
    except BadConfigError as error:
        yield f"settings: {error}"
        return
    if not Path(root).is_absolute():
        yield f"settings: {root} is a relative path, and every run begins in a folder of its own"


def _of_golden(golden: Path, notes: list[str]) -> Iterator[str]:
    from par_core.gate.golden import load_golden

    if not golden.is_file():
        notes.append(f"golden: {golden} is not on this machine, so it is not checked")
        return
    try:
        load_golden(golden)
    except BadConfigError as error:
        yield f"golden: {error}"
