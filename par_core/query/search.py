"""Searching: a text or a picture becomes a vector, the index gives the nearest people, and each gets a probability.

The probability of a hit is a softmax of its cosine with the query against its cosine with a neutral prompt ("a photo of a person"), both times the
model's logit scale, as in the paper's figures 6 and 7 (Radford et al. 2021, section 3.1.2). It says how much better the query fits than nothing in
particular; it is not calibrated on your archive.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from par_core.attributes.colours import COLOUR_TERMS
from par_core.errors import BadConfigError, FingerprintError
from par_core.models.base import TextEncoder
from par_core.models.prompting import neutral_vector, text_vector
from par_core.query.answer import Hit, SearchResult
from par_core.query.values import check_values
from par_core.query.where import compile_where, parse_where

__all__ = ["PeopleTable", "check_embedding", "search_attributes", "search_image", "search_text"]

_VOCABULARIES: Final = {"upper_color": COLOUR_TERMS, "lower_color": COLOUR_TERMS}
_NOT_ATTRIBUTES: Final = frozenset(
    [
        "person_id",
        "image_id",
        "uri",
        "uris",
        "source_state",
        "shard",
        "captured_at",
        "image_width",
        "image_height",
        "x1",
        "y1",
        "x2",
        "y2",
        "height_px",
        "score",
        "upper_color",
        "upper_color_share",
        "lower_color",
        "lower_color_share",
        "megapixels",
        "glvn",
        "row_digest",
        "vector",
        "_distance",
    ]
)


@runtime_checkable
class PeopleTable(Protocol):
    """What a search needs of the index (``par_core.store.lance.PeopleIndex``)."""

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Columns that a filter may name."""
        ...

    @property
    def embedding_fingerprint(self) -> str:
        """Fingerprint of the model whose vectors it holds."""
        ...

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The probability from which each attribute counts as seen."""
        ...

    def search(self, vector: Sequence[float] | np.ndarray | None, *, where: str | None, top: int) -> pa.Table:
        """Rows by ascending cosine distance."""
        ...

    def __len__(self) -> int: ...


def check_embedding(index: PeopleTable, fingerprint: str, profile: str) -> None:
    """Refuse a query whose model is not the one that filled the index.

    Raises:
        BadConfigError: The index is empty.
        FingerprintError: The models differ.
    """
    if len(index) == 0:
        raise BadConfigError("the store holds no people yet; fill it with: par index SOURCE --store DIR")
    if index.embedding_fingerprint != fingerprint:
        raise FingerprintError(
            f"the store was filled with the embedding {index.embedding_fingerprint}, profile {profile} has {fingerprint}; "
            "search with the profile (--profile) that filled it, or index again with this one"
        )


def search_text(index: PeopleTable, encoder: TextEncoder, text: str, *, where: str | None, top: int, absent: bool = False) -> SearchResult:
    """People who look like a description.

    Args:
        index: The table of people.
        encoder: Of the same embedding as the table.
        text: Free words.
        where: A filter in the language of ``par_core.query.where``, or None.
        top: Hits at most.
        absent: Also people whose file has vanished or was replaced.

    Raises:
        FilterError: The filter is wrong.
        BadConfigError: The text is empty.
    """
    if not text.strip():
        raise BadConfigError("an empty question; say what the person looks like")
    vector, neutral = text_vector(text, encoder), neutral_vector(encoder)
    found = index.search(vector, where=_condition(index, where, absent=absent), top=top)
    stored = np.array(found["vector"].to_pylist(), np.float32).reshape(len(found), len(vector))
    advantage = encoder.logit_scale * (stored @ vector - stored @ neutral)
    unknown = encoder.unknown_words(text)
    warnings: tuple[str, ...] = ()
    if unknown:
        words = ", ".join(map(repr, unknown))
        warnings = (f"the compact text model never saw {words} in training and ranks by the rest of the words; use --profile clip for free words",)
    return SearchResult(text, _hits(found, index.thresholds, (1 / (1 + np.exp(-advantage))).tolist()), warnings, len(index))


def search_image(index: PeopleTable, vector: Float32[np.ndarray, " d"], question: str, *, where: str | None, top: int, absent: bool = False) -> SearchResult:
    """People who look like a person whose embedding is given."""
    found = index.search(vector, where=_condition(index, where, absent=absent), top=top)
    return SearchResult(question, _hits(found, index.thresholds, None), (), len(index))


def search_attributes(index: PeopleTable, *, where: str | None, top: int, absent: bool = False) -> SearchResult:
    """People for whom a filter holds, in no particular order."""
    found = index.search(None, where=_condition(index, where, absent=absent), top=top)
    return SearchResult(f"where {where}", _hits(found, index.thresholds, None), (), len(index))


def _condition(index: PeopleTable, where: str | None, *, absent: bool) -> str | None:
    parts = [] if absent else ["(source_state = 'present')"]
    if where is not None and where.strip():
        check_values(parse_where(where), _VOCABULARIES)
        parts.append(compile_where(where, index.columns, index.thresholds))
    return " AND ".join(parts) if parts else None


def _hits(found: pa.Table, thresholds: Mapping[str, float], probabilities: Sequence[float] | None) -> tuple[Hit, ...]:
    rows = found.drop_columns(["vector", "uris", "row_digest"]).to_pylist()
    names = [name for name in found.schema.names if name not in _NOT_ATTRIBUTES]
    told = [{name: row[name] for name in names if row[name] is not None} for row in rows]
    return tuple(
        Hit(
            rank=i + 1,
            **{
                key: row[key]
                for key in ("person_id", "image_id", "uri", "source_state", "shard", "upper_color", "lower_color", "captured_at", "height_px", "score")
            },
            box=(row["x1"], row["y1"], row["x2"], row["y2"]),
            cosine=1.0 - row["_distance"] if "_distance" in row else None,
            probability=None if probabilities is None else probabilities[i],
            attributes=told[i],
            seen=tuple(sorted((name for name, p in told[i].items() if p >= thresholds.get(name, 0.5)), key=told[i].__getitem__, reverse=True)),
        )
        for i, row in enumerate(rows)
    )
