"""Data sets that are published as a pickle of numpy arrays in an ``EasyDict``, as code for pedestrian
attributes does (Jia et al., github.com/valencebond/Rethinking_of_PAR): ``image_name``, ``label``,
``attr_name`` or ``attributes``, and ``partition`` by part.

A pickle is a program. This reader knows ``EasyDict`` and numpy's arrays and nothing else (Python's
documentation of pickle, "Restricting Globals"), so that a file that wants more is refused before it is run.
"""

import codecs
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.datasets.labelled_set import AttributeSet, assemble
from par_core.datasets.mat_files import as_published
from par_core.errors import BadConfigError

__all__ = ["read_pickled_set"]

_UNCERTAIN: Final = 2
_DAMAGE: Final = (
    *(pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, MemoryError),
    *(OSError, OverflowError, RecursionError, TypeError, ValueError),
)


class _Record(dict[str, Any]):
    """Stands for ``easydict.EasyDict``: its items are what counts."""

    def __setstate__(self, state: object) -> None:
        """Leave out the attributes, which repeat the items."""


def _empty_array(kind: type, shape: tuple[int, ...], code: bytes) -> np.ndarray:
    """Numpy's ``_reconstruct`` as arrays are pickled: without pixels, which come with the state."""
    if kind is not np.ndarray or shape != (0,):
        raise pickle.UnpicklingError(f"an array of shape {shape} instead of an empty one")
    return np.ndarray(shape, code.decode("ascii"))


def _array_of(
    buffer: bytes | bytearray, dtype: np.dtype[Any], shape: tuple[int, ...], order: str
) -> np.ndarray:
    """Numpy's ``_frombuffer`` of newer pickles."""
    return np.frombuffer(buffer, dtype).reshape(shape, order="F" if order == "F" else "C")


def _latin(text: str, encoding: str) -> bytes:
    """``codecs.encode`` as Python's older pickles write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"an encoding {encoding!r}")
    return codecs.encode(text, "latin1")


_KNOWN: Final[dict[tuple[str, str], Callable[..., object]]] = {
    ("easydict", "EasyDict"): _Record,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array_of for core in ("core", "_core")},
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it wants {module}.{name}")
        return _KNOWN[module, name]


def read_pickled_set(name: str, file: Path, images: Path, split: int = 0) -> AttributeSet:
    """Read a data set from its pickle.

    Args:
        name: Name of the data set.
        file: The pickle.
        images: Folder from which its names of pictures are counted.
        split: Number of the partition, where each part has a list of them. A partition may be a list of
            arrays, one a data set that it is made of. Where there is no ``train``, ``trainval`` is.

    Raises:
        BadConfigError: The file is missing, wants more than arrays, or is not as published.
    """
    content = _read(file)
    with as_published(file):
        attributes = [str(each) for each in content["attr_name" if "attr_name" in content else "attributes"]]
        names = [_name(each) for each in content["image_name"]]
        labels = np.array(content["label"], float)
        partition = dict(content["partition"])
        if "train" not in partition:
            partition["train"] = partition["trainval"]
        parts = {
            part: _rows(partition[part], split) for part in ("train", "val", "test") if part in partition
        }
    labels[labels == _UNCERTAIN] = 0
    return assemble(name, file, attributes, [images / each for each in names], labels, parts=parts)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    try:
        with file.open("rb") as stream:
            content = _Restricted(stream).load()
    except _DAMAGE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadConfigError(
            f"{file} is refused: it holds more than arrays, or is damaged ({reason})"
        ) from error
    if not isinstance(content, dict):
        raise BadConfigError(f"{file} holds a {type(content).__name__}, not the record that is published")
    return content


def _name(value: object) -> str:
    if not isinstance(value, str) or not value or Path(value).is_absolute() or ".." in Path(value).parts:
        raise ValueError(f"{value!r} is no name of a picture in the folder")
    return value


def _rows(partition: Any, split: int) -> Sequence[int]:
    if isinstance(partition, list):
        partition = partition[split]
    if isinstance(partition, list):
        partition = np.concatenate([np.asarray(each, int) for each in partition])
    return [int(row) for row in np.asarray(partition, int).ravel()]
