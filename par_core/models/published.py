"""The weights of the ``clip`` profile, which others publish: names, sources, checks, and places on disk.

Only ``par models fetch`` downloads. Files are looked for in the folder that the user names, then in the
cache.
"""

import hashlib
import os
import shutil
import urllib.error
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from par_core.atomic import ABANDONED_S, remove_partials, write_aside
from par_core.errors import WeightsError
from par_core.models.shipped import digest_now, note_digest

if TYPE_CHECKING:
    from par_core.config import RunConfig

__all__ = [
    "ATTRIBUTE_VIT",
    "MASK_RCNN",
    "Published",
    "attribute_weights",
    "cache",
    "check",
    "clip_weights",
    "fetch",
    "find",
    "imagenet_weights",
    "needed",
    "segmenter_weights",
]

_SUMS: Final = "SHA256SUMS"
_TORCHVISION: Final = "https://download.pytorch.org/models/"
_HUB: Final = "hub:"

#: Torchvision's files, by architecture; the eight digits are the first of their SHA-256.
MASK_RCNN: Final = {
    "resnet50-fpn": ("maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", "bf2d0c1e"),
    "resnet50-fpn-v2": ("maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", "73cbd019"),
}
#: What ``par train attributes`` writes; nobody publishes it.
ATTRIBUTE_VIT: Final = "attributes-vit-b-32.safetensors"


@dataclass(frozen=True, slots=True)
class Published:
    """A file of weights.

    Attributes:
        name: Name of the weights, as users type it.
        role: Role of the weights, such as ``segmenter``.
        file: Name of the file in a folder of weights.
        source: URL, ``hub:owner/repository/file`` for the Hugging Face hub, or empty if nobody publishes it.
        sha256: First digits of the digest, or all; empty if only the hub states it.
    """

    name: str
    role: str
    file: str
    source: str
    sha256: str


def segmenter_weights(architecture: str) -> Published:
    """Return torchvision's Mask R-CNN of an architecture."""
    file, digest = MASK_RCNN[architecture]
    return Published(f"maskrcnn-{architecture}", "segmenter", file, _TORCHVISION + file, digest)


def clip_weights(model: str, pretrained: str) -> Published:
    """Return a CLIP model by open_clip's names, such as ``ViT-B-16`` and ``openai``; OpenAI's files are
    TorchScript archives, the others safetensors, unless open_clip names another file of the hub.
    """
    import open_clip

    known = open_clip.get_pretrained_cfg(model, pretrained) or {}
    url, hub = str(known.get("url") or ""), str(known.get("hf_hub") or "")
    name = f"{model}/{pretrained}"
    if pretrained == "openai" and url:
        return Published(name, "CLIP", f"{model}.pt", url, url.split("/")[-2])
    repository, slash, on_hub = hub.rpartition("/")
    on_hub = on_hub or "open_clip_model.safetensors"
    return Published(
        name,
        "CLIP",
        f"{model}.pt" if pretrained == "openai" else f"{model}.{pretrained}{Path(on_hub).suffix}",
        f"{_HUB}{repository}/{on_hub}" if slash else "",
        "",
    )


def attribute_weights() -> Published:
    """Return the fine-tuned attribute network."""
    return Published("attributes-vit-b-32", "attributes", ATTRIBUTE_VIT, "", "")


def needed(config: "RunConfig") -> list[Published]:
    """Return the weights that the ``clip`` profile needs with these settings."""
    fixed = [
        segmenter_weights(config.clip.segmenter),
        clip_weights(config.clip.model, config.clip.pretrained),
    ]
    return [*fixed, attribute_weights()] if config.clip.attributes == "vit-b-32" else fixed


def imagenet_weights() -> Published:
    """Return timm's ViT-B/32 (augreg, ImageNet-21k then 1k), from which training starts."""
    return Published(
        "vit-b-32-imagenet",
        "start of training",
        "vit_base_patch32_224.safetensors",
        f"{_HUB}timm/vit_base_patch32_224.augreg_in21k_ft_in1k/model.safetensors",
        "",
    )


def cache() -> Path:
    """Return the folder of fetched weights, unless the user names another."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "par" / "weights"


def find(file: str, role: str, folder: Path | None) -> Path:
    """Return the path of a file in the user's folder, else in the cache.

    Raises:
        WeightsError: The file is in neither; names in one line the file and its place.
    """
    places = [place for place in (folder, cache()) if place is not None]
    for place in places:
        if (place / file).is_file():
            return place / file
    where = (
        f"put {file} into {folder}"
        if folder
        else f"put {file} into a folder and name it with --weights-dir DIR"
    )
    raise WeightsError(f"no weights for the {role}: {where} (or, with a network: par models fetch)")


def fetch(wanted: Published, folder: Path, *, progress: bool = True) -> Path:
    """Download a file, check its digest, and note the digest beside it.

    Raises:
        WeightsError: Nobody publishes it, the network fails, or the digest is wrong; nothing is left behind.
    """
    path = folder / wanted.file
    if path.is_file():
        check(wanted, path)
        return path
    if not wanted.source:
        raise WeightsError(
            f"{wanted.name} cannot be fetched: {_origin(wanted)}; put {wanted.file} into {folder}"
        )
    remove_partials(folder, of=wanted.file, idle_s=ABANDONED_S)
    with write_aside(path) as partial:
        expected = (
            _from_hub(wanted.source.removeprefix(_HUB), partial)
            if wanted.source.startswith(_HUB)
            else _from_url(wanted, partial, progress=progress)
        )
        _compare(wanted.name, digest_now(partial), expected)
    note_digest(folder, path.name)
    return path


def check(wanted: Published, path: Path) -> str:
    """Compare a file with the digest that its maker publishes, and with the one noted when it was fetched.

    Returns:
        The digest that it was compared with, in words.

    Raises:
        WeightsError: The digests differ.
    """
    actual, noted = digest_now(path), _noted(path)
    for expected in (wanted.sha256, noted):
        if expected:
            _compare(f"{path}", actual, expected)
    return (
        "the published digest"
        if wanted.sha256
        else "the digest noted when it was fetched"
        if noted
        else "nothing: its maker publishes no digest"
    )


def _origin(wanted: Published) -> str:
    return (
        "it comes out of par train attributes"
        if wanted.file == ATTRIBUTE_VIT
        else "open_clip knows no such weights; see open_clip.list_pretrained()"
    )


def _from_url(wanted: Published, to: Path, *, progress: bool) -> str:
    import torch

    try:
        torch.hub.download_url_to_file(
            wanted.source, str(to), hash_prefix=wanted.sha256 or None, progress=progress
        )
    except (urllib.error.URLError, OSError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise WeightsError(
            f"{wanted.source} cannot be reached ({error}); on a machine with a network: par models fetch"
            f" {wanted.name} --to DIR"
        ) from error
    except RuntimeError as error:  # torch computed another digest
        raise WeightsError(f"{wanted.source} is not the file that was expected: {error}") from error
    return wanted.sha256


def _from_hub(address: str, to: Path) -> str:
    """Download a file of the Hugging Face hub; return the SHA-256 that the hub states, or an empty text."""
    import httpx
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    owner, repository, file = address.split("/", 2)
    try:
        stated = get_hf_file_metadata(hf_hub_url(f"{owner}/{repository}", file)).etag or ""
        shutil.copyfile(hf_hub_download(f"{owner}/{repository}", file), to)
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError, httpx.HTTPError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"hub {owner}/{repository} cannot be reached ({reason}); fetch {file} elsewhere and put it into"
            " the folder"
        ) from error
    return stated if len(stated) == hashlib.sha256().digest_size * 2 else ""


def _compare(what: str, actual: str, expected: str) -> None:
    if not actual.startswith(expected):
        raise WeightsError(
            f"{what} is refused: its SHA-256 is {actual[:16]}..., expected {expected[:16]}...; delete it and"
            " fetch it again"
        )


def _noted(path: Path) -> str:
    sums = path.parent / _SUMS
    lines: Sequence[str] = sums.read_text().splitlines() if sums.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f"  {path.name}")), "")
