"""The settings in force and where each comes from, and everything that is wrong with settings.

Nothing of a value that may be a secret is shown: of an address only scheme, host and port, of a variable that
PAR does not know only its name.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from par_core.config import RunConfig, load_config, near_settings, setting_names
from par_core.errors import BadConfigError
from par_core.node import NODE_PREFIX, NodeSettings, node_settings

__all__ = ["OTHER_VARIABLES", "Problem", "Setting", "check_settings", "settings_in_force"]

_PREFIX: Final = "PAR_"
#: Variables of PAR that are no settings.
OTHER_VARIABLES: Final = frozenset(
    {"PAR_DATA", "PAR_DEBUG", "PAR_SCHEDULER_HOST", "PAR_SERVER", "PAR_TOKEN", "PAR_WORKER_OPTIONS"}
)
_HIDDEN: Final = "(hidden)"
_ALIKE: Final = 0.8  # of a variable and a setting that may be meant by it
_VALUE_SHOWN: Final = 60  # characters of a wrong value


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: Its name with the tables that it is in, such as ``segment.min_score``.
        value: Its value in JSON types, as it may be shown.
        origin: Where it comes from: ``default``, ``file NAME``, ``environment NAME`` or ``option``. What a
            variable ``PAR_NODE__`` sets holds on this machine alone, and comes before all of them there.
    """

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        where: The file, or ``environment``.
        name: Name of the setting or of the variable.
        message: What is wrong, and what would be right.
        certain: False for what may be meant so, such as a variable of another program.
    """

    where: str
    name: str
    message: str
    certain: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.name}: {self.message}" if self.name else f"{self.where}: {self.message}"


def settings_in_force(file: Path | None, options: Mapping[str, Any]) -> list[Setting]:
    """Return every setting with its value and where it comes from.

    Args:
        file: File of settings, or None.
        options: Values of the command line by (nested) key; None means that an option is not used.

    Raises:
        BadConfigError: A file is missing, a key is unknown, or a value is out of its range, also in a
            variable ``PAR_NODE__``.
    """
    of_node = {f"machine.{name}": value for name, value in node_settings().items()}
    values = load_config(file, **options).model_dump(mode="json")
    typed, variables = dict(_flat(options)), _variables()
    written = {} if file is None else dict(_flat(tomllib.loads(file.read_text("utf-8"))))
    settings = []
    for name in setting_names(RunConfig):
        if name in of_node:
            variable = f"{NODE_PREFIX}{name.removeprefix('machine.').upper()}"
            settings.append(Setting(name, of_node[name], f"environment {variable}, on this machine"))
            continue
        if typed.get(name) is not None:
            origin = "option"
        elif name in variables:
            origin = f"environment {variables[name]}"
        else:
            origin = f"file {file}" if name in written else "default"
        settings.append(Setting(name, _shown(_value_of(values, name)), origin))
    return settings


def check_settings(file: Path | None) -> list[Problem]:
    """Return everything that is wrong with a file and the environment, not only what comes first.

    Args:
        file: File of settings, or None.
    """
    problems = [] if file is None else list(_of_file(file))
    problems += _of_environment()
    if any(problem.certain for problem in problems):
        return problems
    try:
        config = load_config(file)
    except BadConfigError as error:  # such as one setting that forbids another
        return [*problems, Problem("settings", "", str(error))]
    origins = {setting.name: setting.origin for setting in settings_in_force(file, {})}
    return [*problems, *_of_paths(config, origins)]


def _of_file(file: Path) -> Iterator[Problem]:
    where = str(file)
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        yield Problem(where, "", f"cannot be read: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        yield Problem(where, "", f"is no TOML: {error}")
    else:
        yield from _of_values(where, content, {})


def _of_environment() -> Iterator[Problem]:
    names = setting_names(RunConfig)
    known = {variable_of(name): name for name in names}
    tables = {variable_of(name): model for name, model in _tables(RunConfig)}
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for variable in sorted(os.environ):
        upper = variable.upper()
        if not upper.startswith(_PREFIX) or upper in OTHER_VARIABLES or not os.environ[variable]:
            continue
        if upper in known:
            _put(values, known[upper], os.environ[variable])
            spelled[known[upper]] = variable
        elif upper.startswith(NODE_PREFIX):
            continue  # settings of this node, below
        elif upper not in tables:  # a whole table may be given as JSON
            near = difflib.get_close_matches(upper, [*known, *OTHER_VARIABLES], n=1, cutoff=_ALIKE)
            certain = bool(near) or "__" in upper
            yield Problem("environment", variable, "no such setting" + _meant(near), certain)
    yield from _of_values("environment", values, spelled)
    yield from _of_node()


def _of_node() -> Iterator[Problem]:
    """What is wrong with the variables that set something for this node alone."""
    known = [f"{NODE_PREFIX}{name.upper()}" for name in NodeSettings.model_fields]
    for variable in sorted(os.environ):
        if variable.upper().startswith(NODE_PREFIX) and variable.upper() not in known:
            near = difflib.get_close_matches(variable.upper(), known, n=1, cutoff=_ALIKE)
            meant = _meant(near) or f"; there are: {', '.join(known)}"
            yield Problem("environment", variable, f"no such setting of a node{meant}")
    try:
        NodeSettings()
    except ValidationError as error:
        for problem in error.errors():
            name = f"{NODE_PREFIX}{problem['loc'][0]}".upper()
            yield Problem("environment", name, f"{problem['msg']}; got {problem['input']!r}")


def _of_values(where: str, content: Mapping[str, Any], spelled: Mapping[str, str]) -> Iterator[Problem]:
    try:
        RunConfig.model_validate(content)
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(map(str, problem["loc"]))
            if problem["type"] == "extra_forbidden":
                near = near_settings(name)
                yield Problem(where, name, "no such setting" + _meant(near))
            else:
                got = _shown(problem.get("input"))
                text = repr(got) if len(repr(got)) <= _VALUE_SHOWN else f"{repr(got)[:_VALUE_SHOWN]}..."
                yield Problem(where, spelled.get(name, name), f"{problem['msg']}; got {text}")


def _of_paths(config: RunConfig, origins: Mapping[str, str]) -> Iterator[Problem]:
    def where(name: str) -> str:
        return origins[name].removeprefix("file ").partition(" PAR_")[0]

    if config.weights_dir is not None and not config.weights_dir.is_dir():
        yield Problem(where("weights_dir"), "weights_dir", f"there is no folder at {config.weights_dir}")
    if config.store is not None and not (config.store / "store.json").is_file():
        yield Problem(where("store"), "store", f"there is no store at {config.store}")
    if config.metrics.file is not None and not config.metrics.file.absolute().parent.is_dir():
        yield Problem(
            where("metrics.file"), "metrics.file", f"there is no folder at {config.metrics.file.parent}"
        )


def variable_of(name: str) -> str:
    """Return the variable of a setting: ``PAR_SEGMENT__MIN_SCORE`` for ``segment.min_score``."""
    return _PREFIX + name.upper().replace(".", "__")


def _variables() -> dict[str, str]:
    """Return the variables that are set, by the settings that they decide."""
    present = {variable.upper(): variable for variable, value in os.environ.items() if value}
    found = {}
    for name in setting_names(RunConfig):
        tables = [name.rsplit(".", level)[0] for level in range(name.count(".") + 1)]
        for place in dict.fromkeys([name, *tables]):
            if variable_of(place) in present:
                found[name] = present[variable_of(place)]
                break
    return found


def _tables(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield before + name, inner
            yield from _tables(inner, f"{before}{name}.")


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _value_of(values: Mapping[str, Any], name: str) -> Any:
    value: Any = values
    for key in name.split("."):
        value = value[key]
    return value


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    *tables, last = name.split(".")
    for table in tables:
        values = values.setdefault(table, {})
    values[last] = value


def _meant(near: list[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""


def _shown(value: Any) -> Any:
    """Return a value as it may be shown: of an address nothing but scheme, host and port."""
    if not isinstance(value, str) or "://" not in value:
        return value
    try:
        parts = urlsplit(value)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _HIDDEN
    plain = f"{parts.scheme}://{parts.hostname or ''}{port}"
    rest = re.sub(r"^[^/?#]*", "", value.partition("://")[2])
    named = "@" in value.partition("://")[2].partition("/")[0]
    return plain if rest in ("", "/") and not named else f"{plain}/{_HIDDEN}"
