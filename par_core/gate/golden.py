"""Golden queries: a YAML file of expectations that a new version of the index must meet to be searched.

    store:
      verified: true
      failed_share_at_most: 0.05
      people_fall_at_most: 0.2
    queries:
      - text: a person with a backpack
        at_least: 10

Unknown keys fail, as everywhere in PAR's settings. Every key is described in ``docs/gate.md``.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from par_core.archive.canonical import canonical
from par_core.errors import BadConfigError, FilterError
from par_core.query.answer import CUTOFF
from par_core.query.where import parse_where

__all__ = ["Golden", "GoldenQuery", "StoreHealth", "load_golden"]

_MOST_ERRORS: Final = 5
_HITS_OF_A_FILTER: Final = 10_000


class _Loader(yaml.SafeLoader):
    """YAML that refuses duplicate keys: the second one would silently replace the first and its
    expectations.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[0]!r} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreHealth(_Frozen):
    """Expectations of the store itself; a limit of None is not checked."""

    verified: bool = True
    """``par verify`` finds no problem. Reads the whole store."""
    failed_share_at_most: Annotated[float | None, Field(ge=0, le=1)] = None
    """Greatest number of failed files, as a share of the listed ones."""
    people_fall_at_most: Annotated[float | None, Field(ge=0, le=1)] = None
    """Greatest loss of people since the live version, as a share of its people; people whose file is missing
    do not count.
    """


class GoldenQuery(_Frozen):
    """One query and the expectations of its answer."""

    name: str | None = None
    """Name in reports; None: the query itself."""
    text: Annotated[str | None, Field(min_length=1)] = None
    image: Path | None = None
    """A picture, whose largest person is the query. A relative path starts at the folder of the YAML file."""
    where: Annotated[str | None, Field(min_length=1)] = None
    among_top: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """Number of hits that are checked, best first; None: 100. A filter alone has no order, and all its hits
    up to 10,000 are checked.
    """
    probability: Annotated[float, Field(ge=0, le=1)] = CUTOFF
    """Probability above which a hit of a text counts as likely."""
    at_least: Annotated[int | None, Field(ge=1)] = None
    """Least number of likely hits; without a text, of hits."""
    at_most: Annotated[int | None, Field(ge=0)] = None
    """Greatest number of likely hits; without a text, of hits."""
    expect: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """People expected among the hits: ends of file names (``street/0001.jpg``), paths from ``/`` or with
    ``..`` from the folder of the YAML file, image ids or person ids.
    """
    recall: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Least share of ``expect`` among the hits."""

    @property
    def top(self) -> int:
        """Number of hits that are checked."""
        return self.among_top or (_HITS_OF_A_FILTER if self.text is None and self.image is None else 100)

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        subject = self.text or (f"people like {self.image}" if self.image else "")
        return " ".join([*([subject] if subject else []), *([f"where {self.where}"] if self.where else [])])

    @model_validator(mode="after")
    def _makes_sense(self) -> "GoldenQuery":
        if self.text is None and self.image is None and self.where is None:
            raise ValueError("give a text, an image or where")
        if self.text is not None and self.image is not None:
            raise ValueError("give a text or an image, not both")
        if self.at_least is None and self.at_most is None and not self.expect:
            raise ValueError("nothing is expected; give at_least, at_most or expect")
        if self.image is not None and (self.at_least, self.at_most) != (None, None):
            raise ValueError("hits of a picture have no probability to count by; give expect")
        if self.among_top is not None and self.text is None and self.image is None:
            raise ValueError("hits of a filter alone have no order; leave among_top out")
        if max(self.at_least or 0, (self.at_most or 0) + 1) > self.top:
            raise ValueError(
                f"only {self.top} hits are looked at, too few to count so many; give a larger among_top or"
                " smaller counts"
            )
        if self.where is not None:
            try:
                parse_where(self.where)
            except FilterError as error:
                raise ValueError(f"where: {error}") from error
        return self


class Golden(_Frozen):
    """Expectations that a version of the index must meet."""

    store: StoreHealth = StoreHealth()
    queries: tuple[GoldenQuery, ...] = ()


def load_golden(path: Path) -> Golden:
    """Read golden queries.

    Raises:
        BadConfigError: The file or a picture is missing, the file is not YAML, a key is unknown, or a value
            is invalid; names the first five.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise BadConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    try:
        golden = Golden.model_validate(content)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in e['loc']) or 'the file'}: {e['msg']}"
            for e in error.errors()[:_MOST_ERRORS]
        ]
        raise BadConfigError(f"{path}: {'; '.join(wrong)}") from error
    queries = tuple(
        query.model_copy(
            update={
                "image": path.parent / query.image if query.image else None,
                "expect": tuple(_place(name, path.parent) for name in query.expect),
            }
        )
        for query in golden.queries
    )
    missing = [str(query.image) for query in queries if query.image and not query.image.is_file()]
    if missing:
        raise BadConfigError(f"{path}: no picture at {', '.join(missing[:_MOST_ERRORS])}")
    return Golden(store=golden.store, queries=queries)


def _place(name: str, folder: Path) -> str:
    """Return the canonical path of an expected name that is a path: it is absolute, or has steps such as
    ``..``, which start at the folder of the YAML file. Another name is the end of a path, or an id.
    """
    return canonical(name, str(folder)) if name.startswith("/") or {".", ".."} & {*name.split("/")} else name
