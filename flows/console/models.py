"""Output of ``par models``: the rows of its table, downloads, digests, model cards."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from par_core.config import RunConfig, load_config
from par_core.errors import BadConfigError, WeightsError
from par_core.faces.npm_packages import (
    FACE_API,
    FOLDER_NAME,
    REGISTRY,
    fetch_face_api,
    find_face_api,
    installed_face_api,
    refuse_network,
)
from par_core.models.published import (
    Published,
    attribute_weights,
    cache,
    check,
    clip_weights,
    fetch,
    find,
    imagenet_weights,
    needed,
    segmenter_weights,
)
from par_core.models.shipped import FILES, FOLDER, digest, shipped_names, shipped_path
from par_core.models.torch_extra import has_torch

__all__ = ["Row", "all_models", "as_settings", "card", "fetch_all", "table", "verify_all"]

_ROLES = ("segmenter", "describer", "text")


@dataclass(frozen=True, slots=True)
class Row:
    """A model and its weights.

    Attributes:
        name: Name of the model, as users type it.
        profile: Profile that uses the model.
        role: Role of the model, such as ``segmenter``.
        file: Name of its file in a folder of weights.
        path: Path of the file on this machine, or None if it is missing.
        origin: Source from which the file can be obtained.
    """

    name: str
    profile: str
    role: str
    file: str
    path: Path | None
    origin: str

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON types."""
        return {**asdict(self), "path": str(self.path) if self.path else None}


def as_settings(config: Path | None, weights_dir: Path | None, clip: str | None) -> RunConfig:
    """Load the configuration of the clip profile with the settings of the command line.

    Args:
        config: File of settings, or None.
        weights_dir: Folder with weights, or None.
        clip: ``MODEL/WEIGHTS`` by open_clip's names, or None.

    Raises:
        BadConfigError: A setting is wrong.
    """
    model, _, pretrained = (clip or "").partition("/")
    if clip is not None and not pretrained:
        raise BadConfigError(f"--clip wants MODEL/WEIGHTS, such as ViT-L-14/openai, got {clip!r}")
    return load_config(
        config,
        profile="clip",
        weights_dir=weights_dir,
        clip={"model": model or None, "pretrained": pretrained or None},
    )


def all_models(config: RunConfig) -> list[Row]:
    """Return a row for each shipped model and for each of the clip profile with these settings."""
    shipped = [
        Row(Path(file).stem, "compact", role, file, FOLDER / file, "comes with PAR")
        for role, file in zip(_ROLES, FILES, strict=True)
    ]
    published = [_row(wanted, config.weights_dir) for wanted in _published(config)]
    return [*shipped, *published, _face_api(config.weights_dir)]


def _face_api(folder: Path | None) -> Row:
    origin = " and ".join(package.url(REGISTRY) for package in FACE_API)
    return Row(FOLDER_NAME, "-", "faces", FOLDER_NAME, installed_face_api(folder), origin)


def _face_api_card(folder: Path | None) -> str:
    packages = [
        f"{each.name} {each.version} ({each.licence}), SHA-256 {each.sha256}: {', '.join(each.files)}"
        for each in FACE_API
    ]
    return "\n".join(
        [
            f"# {FOLDER_NAME}",
            "",
            "role: age and gender of faces, for par evaluate faces; not part of any profile",
            *packages,
            "The packages do not say on which pictures the networks were trained.",
            f"here: {installed_face_api(folder) or 'no'}",
        ]
    )


def _row(wanted: Published, folder: Path | None) -> Row:
    try:
        path: Path | None = find(wanted.file, wanted.role, folder)
    except WeightsError:
        path = None
    return Row(
        wanted.name,
        "clip",
        wanted.role,
        wanted.file,
        path,
        wanted.source or "par train attributes" * (wanted.role == "attributes"),
    )


def _published(config: RunConfig) -> list[Published]:
    # only open_clip knows the weights of CLIP
    clip = [clip_weights(config.clip.model, config.clip.pretrained)] if has_torch() else []
    return [
        segmenter_weights("resnet50-fpn"),
        segmenter_weights("resnet50-fpn-v2"),
        *clip,
        attribute_weights(),
        imagenet_weights(),
    ]


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the rows as lines for a terminal or a pipe."""
    width, roles = max(len(row.name) for row in rows), max(len(row.role) for row in rows)
    yield f"{'name':{width}}  profile  {'role':{roles}}  weights"
    for row in rows:
        yield (
            f"{row.name:{width}}  {row.profile:7}  {row.role:{roles}} "
            f" {row.path or f'missing: {row.file} from {row.origin}'}"
        )


def fetch_all(
    names: Sequence[str], to: Path | None, config: RunConfig, given: Path | None = None
) -> Iterator[Path]:
    """Download the named weights, or all that the settings need, and yield the path of each.

    Args:
        names: Names from ``par models list``.
        to: Folder for the files; None for the one of the settings, else the cache.
        config: Names the models.
        given: Folder with the packages of face-api, instead of a download.

    Raises:
        BadConfigError: A name is unknown, or ``given`` goes with another name than face-api.
        WeightsError: See :func:`par_core.models.published.fetch`.
    """
    if given is not None and list(names) != [FOLDER_NAME]:
        raise BadConfigError(f"--from is for {FOLDER_NAME} alone: par models fetch {FOLDER_NAME} --from DIR")
    folder = to or config.weights_dir or cache()
    known = {wanted.name: wanted for wanted in _published(config)}
    for name in names:
        refuse_network(name)
        if name not in known and name.count("/") == 1:
            known[name] = clip_weights(*name.split("/"))
    unknown = [name for name in names if name not in known and name != FOLDER_NAME]
    if unknown:
        raise BadConfigError(
            f"nothing to fetch under the name {unknown[0]!r}; there are: {', '.join([*known, FOLDER_NAME])},"
            " and MODEL/WEIGHTS of open_clip"
        )
    for name in names or [wanted.name for wanted in needed(config)]:
        yield fetch_face_api(folder, given=given) if name == FOLDER_NAME else fetch(known[name], folder)


def verify_all(config: RunConfig) -> list[tuple[str, str, bool]]:
    """Compare the digest of every weights file on this machine.

    Returns:
        Name, result in words, and whether the file is right, for each file.
    """
    results: list[tuple[str, str, bool]] = []
    for file in shipped_names():
        try:
            shipped_path(file)
            results.append((file, f"SHA-256 {digest(file)[:16]}..., as shipped", True))
        except WeightsError as error:
            results.append((file, str(error), False))
    for wanted in _published(config):
        row = _row(wanted, config.weights_dir)
        if row.path is None:
            continue
        try:
            results.append((wanted.name, f"{row.path} compared with {check(wanted, row.path)}", True))
        except WeightsError as error:
            results.append((wanted.name, str(error), False))
    if installed_face_api(config.weights_dir):
        try:
            folder = find_face_api(config.weights_dir)
            results.append((FOLDER_NAME, f"{folder} compared with the published digests", True))
        except WeightsError as error:
            results.append((FOLDER_NAME, str(error), False))
    return results


def card(name: str, config: RunConfig) -> str | None:
    """Return the model card, or a few lines on published weights without one; None for an unknown name."""
    shared = {"text-compact": "describer-compact"}  # one card for both towers
    path = FOLDER / f"{shared.get(name, name)}.md"
    if name in {Path(file).stem for file in FILES}:
        return path.read_text()
    if name == FOLDER_NAME:
        return _face_api_card(config.weights_dir)
    wanted = {each.name: each for each in _published(config)}
    if name not in wanted and name.count("/") == 1:
        wanted[name] = clip_weights(*name.split("/"))
    if name not in wanted:
        return None
    row = _row(wanted[name], config.weights_dir)
    beside = row.path.with_suffix(".md") if row.path else None
    if beside is not None and beside.is_file():
        return beside.read_text()
    lines = [
        f"# {name}",
        "",
        f"role: {row.role}",
        f"file: {row.file}",
        f"from: {row.origin or 'nowhere public'}",
    ]
    return "\n".join(
        [
            *lines,
            f"SHA-256 begins with: {wanted[name].sha256 or 'as the hub states'}",
            f"here: {row.path or 'no'}",
        ]
    )
