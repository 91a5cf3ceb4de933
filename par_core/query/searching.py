"""Searching: a question becomes one search of the index for each of its alternatives; everybody found is judged by the whole question.

The index gives candidates: the nearest people by embedding among those for whom the conditions hold. They are then judged exactly, part by part, ranked by
the product, and left out below a cutoff, so that "nothing found" is an answer. ``docs/search.md`` has the reasons and what was measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64

from par_core.attributes.colours import COLOUR_TERMS
from par_core.errors import BadConfigError, FilterError, FingerprintError
from par_core.models.text_evidence import TextJudge, estimate_prevalence, probability_of
from par_core.query.answer import CUTOFF, Chance, Hit, PartScore, SearchResult
from par_core.query.grouping import group
from par_core.query.language import Condition, Likeness, Node, Phrase
from par_core.query.parts import AttributePart, ConditionPart, Leaf, LikenessPart, Part, People, TextPart, explain, leaves, score
from par_core.query.plan import Alternative, alternatives_of, attribute_meant
from par_core.query.values import check_values
from par_core.query.where import Filter, compile_where, parse_where

__all__ = ["PeopleTable", "Wanted", "check_embedding", "condition_of", "sample_of", "search_filter", "search_query"]

_SAMPLE: Final = 2_000  # people by whom it is estimated how rare a thing is, and what likeness is usual
_ALL_UP_TO: Final = 5_000  # people: smaller indexes are judged whole
_CANDIDATES: Final = 300  # at least, of each alternative
_PER_HIT: Final = 5  # candidates for each hit that is wanted
_NO_SPREAD: Final = 1e-3
_BOUNDS: Final = (0.99, 0.95, 0.85, 0.6)  # tried in turn
_LOOSE: Final = 1e-6
_WITHOUT: Final = {True: "ranks by the rest of the words", False: "knows no other word of it, so it finds nobody"}

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
class Scanned(Protocol):
    """What can be read from end to end."""

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """Rows, a batch at a time."""
        ...


@runtime_checkable
class PeopleTable(Scanned, Protocol):
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

    @property
    def schema(self) -> pa.Schema:
        """All columns."""
        ...

    def search(self, vector: Sequence[float] | np.ndarray | None, *, where: str | None, top: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows by ascending cosine distance."""
        ...

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        """Rows by id."""
        ...

    def sample(self, n: int, columns: Sequence[str], seed: int = 0) -> pa.Table:
        """Some rows, drawn at random."""
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What else is asked beside the question itself.

    Attributes:
        where: A filter in the language of ``par_core.query.where``, or None.
        top: Hits at most; what is folded into another hit does not count.
        absent: Also people whose file has vanished or was replaced.
        weak: Also hits below the cutoff.
        apart: Hits that tell the same thing each by itself.
    """

    where: str | None = None
    top: int = 20
    absent: bool = False
    weak: bool = False
    apart: bool = False


def sample_of(index: PeopleTable) -> People:
    """People of an index drawn at random, by whom searches estimate what is rare and what is usual."""
    names = _attributes(index)
    return People(index.sample(_SAMPLE, ["person_id", "vector", "upper_color", "lower_color", *names]), names)


def search_query(
    index: PeopleTable, node: Node, judge: TextJudge, sample: People, wanted: Wanted, question: str, pictures: Mapping[str, Float32[np.ndarray, " d"]]
) -> SearchResult:
    """People who fit a question.

    Args:
        index: The table of people.
        node: The question.
        judge: Of the same embedding as the table.
        sample: What :func:`sample_of` gave for this table.
        wanted: What else is asked.
        question: As asked, for people.
        pictures: Embeddings of the pictures that the question names.

    Raises:
        FilterError: A filter, an id or a picture's name is wrong, or there are too many alternatives.
    """
    parts = {leaf: _part(leaf, index, judge, sample, pictures) for leaf, _, _ in leaves(node)}
    if all(isinstance(part, ConditionPart) for part in parts.values()):
        tests = " OR ".join(f"({_sql(index, each.condition)})" for each in alternatives_of(node, parts))
        return _unranked(index, condition_of(index, wanted.where, absent=wanted.absent, further=f"({tests})"), wanted.top, question)
    people = _candidates(index, alternatives_of(node, parts), wanted)
    seen = {part.person_id for part in parts.values() if isinstance(part, LikenessPart)}
    people = people.take(np.array([row for row, identity in enumerate(people.ids) if identity not in seen], np.int64))
    told = {leaf: part.probability(people) for leaf, part in parts.items()}
    ranks, fits = score(node, told, weighted=True), score(node, told, weighted=False)
    order = np.argsort(-ranks, kind="stable")
    judged = any(isinstance(part, TextPart | AttributePart) for part in parts.values())
    calibrated = judged and (judge.weights.calibrated or not any(isinstance(part, TextPart) for part in parts.values()))
    kept = order if wanted.weak or not calibrated else order[fits[order] >= CUTOFF]
    if wanted.apart:
        groups = [[int(row)] for row in kept[: wanted.top]]
    else:
        images = people.table["image_id"].take(pa.array(kept, pa.int64())).to_pylist()
        groups = [[int(kept[row]) for row in rows] for rows in group(images, people.vectors[kept], wanted.top)]
    shown = [row for rows in groups for row in rows]
    chance = None
    if calibrated:
        share = float(1 - fits[[rows[0] for rows in groups]].mean()) if groups else 0.0
        chance = Chance(CUTOFF, share, int((fits < CUTOFF).sum()) if not wanted.weak else 0)
    given = people.take(np.array(shown, np.int64))
    ranks_shown = [rank for rank, rows in enumerate(groups, 1) for _ in rows]
    hits = _hits(given, index.thresholds, fits[shown] if judged else None, _cosines(people, parts)[shown], ranks_shown, explain(node, parts, given))
    return SearchResult(question, _folded(hits, groups), _warnings(parts, judge), len(index), chance)


def search_filter(index: PeopleTable, wanted: Wanted) -> SearchResult:
    """People for whom a filter holds, in no particular order."""
    return _unranked(index, condition_of(index, wanted.where, absent=wanted.absent), wanted.top, f"where {wanted.where}")


def _unranked(index: PeopleTable, where: str | None, top: int, question: str) -> SearchResult:
    found = People(index.search(None, where=where, top=top), _attributes(index))
    return SearchResult(question, _hits(found, index.thresholds, None, None, range(1, len(found) + 1), [()] * len(found)), (), len(index))


def _part(leaf: Leaf, index: PeopleTable, judge: TextJudge, sample: People, pictures: Mapping[str, Float32[np.ndarray, " d"]]) -> Part:
    match leaf:
        case Condition():
            check_values(leaf.filter, _VOCABULARIES)
            condition = _sql(index, leaf.filter)
            return ConditionPart(lambda ids: _holding(index, ids, condition))
        case Likeness("person", name):
            found = index.rows([name]) if _is_id(name) else ()
            if not len(found):
                raise FilterError(f"there is nobody with the id {name!r} in this version of the index")
            return _likeness(People(found, ()).vectors[0], sample, name)
        case Likeness(_, name):
            if name not in pictures:
                raise FilterError(f"no picture {name!r}: it was not given with the question, or was forgotten since; give it again")
            return _likeness(pictures[name], sample, None)
        case Phrase():
            meant = attribute_meant(leaf, frozenset(sample.attributes))
            if meant is not None:
                return AttributePart(meant)
            query = judge.query(leaf.text)
            usual = sample.colour_shares
            return TextPart(judge, query, usual, estimate_prevalence(judge.evidence(query, sample.known, usual), judge.weights))


def _likeness(vector: Float32[np.ndarray, " d"], sample: People, person_id: str | None) -> LikenessPart:
    usual = sample.vectors @ vector
    return LikenessPart(vector, (float(usual.mean()), max(float(usual.std()), _NO_SPREAD)), person_id)


def _is_id(name: str) -> bool:
    return bool(name) and all(digit in "0123456789abcdef" for digit in name)


def _holding(index: PeopleTable, ids: Sequence[str], condition: str) -> set[str]:
    if not ids:
        return set()
    named = ", ".join(f"'{identity}'" for identity in ids)  # ids of the index itself
    found: list[str] = index.search(None, where=f"(person_id IN ({named})) AND {condition}", top=len(ids), columns=["person_id"])["person_id"].to_pylist()
    return set(found)


def _candidates(index: PeopleTable, alternatives: Sequence[Alternative], wanted: Wanted) -> People:
    """Everybody who may be among the hits, each once."""
    most = len(index) if len(index) <= _ALL_UP_TO else max(_CANDIDATES, _PER_HIT * wanted.top)
    found = []
    for each in alternatives:
        further = None if each.condition is None else _sql(index, each.condition)
        where = condition_of(index, wanted.where, absent=wanted.absent, further=further)
        if each.direction is not None:
            found.append(index.search(each.direction, where=where, top=most).drop_columns(["_distance"]))
        elif each.ranked_by:
            found.append(index.rows(_best_by_attributes(index, each, where, most)))
        else:
            found.append(index.search(None, where=where, top=most))
    table = pa.concat_tables(found)
    if len(found) > 1:
        _, first = np.unique(np.array(table["person_id"].to_pylist(), object), return_index=True)
        table = table.take(pa.array(np.sort(first)))
    return People(table, _attributes(index))


def _best_by_attributes(index: Scanned, alternative: Alternative, where: str | None, most: int) -> list[str]:
    """Ids of the people with the greatest product of probabilities.

    Whoever reaches a product reaches it in every factor. So those are read first who do so for a high bound; if enough of them have a product above it, nobody
    else can be among the best. A rare attribute of a million people is answered from a few thousand rows.
    """
    for bound in (*_BOUNDS, 0.0):
        limits = [f"(`{named.name}` {'>=' if named.wanted else '<='} {_factor(named.wanted, bound, weight)!r})" for named, weight in alternative.ranked_by]
        condition = " AND ".join([*([where] if where else []), *(limits if bound else [])]) or None
        ids, products = _greatest_products(index, alternative, condition, most)
        if int((products >= bound).sum()) >= most:
            break
    return ids


def _factor(wanted: bool, bound: float, weight: float) -> float:
    """The probability that a factor must reach (or, of the opposite, not exceed) for a product to reach a bound; a little loose, as columns have 32 bits."""
    least = bound ** (1 / weight) - _LOOSE
    return least if wanted else 1 - least


def _greatest_products(index: Scanned, alternative: Alternative, where: str | None, most: int) -> tuple[list[str], Float64[np.ndarray, " n"]]:
    names = sorted({named.name for named, _ in alternative.ranked_by})
    ids: np.ndarray = np.empty(0, object)
    scores = np.empty(0)
    for batch in index.scan(["person_id", *names], where):
        known = {name: batch[name].to_numpy(zero_copy_only=False) for name in names}
        total = sum((weight * np.log(probability_of(named, known)) for named, weight in alternative.ranked_by), np.zeros(len(batch)))
        ids, scores = np.concatenate([ids, batch["person_id"].to_numpy(zero_copy_only=False)]), np.concatenate([scores, total])
        if len(scores) > most:
            best = np.argpartition(-scores, most)[:most]
            ids, scores = ids[best], scores[best]
    return [str(identity) for identity in ids], np.exp(scores)


def _cosines(people: People, parts: Mapping[Leaf, Part]) -> Float64[np.ndarray, " n"]:
    """With the whole of the first words, or with the first picture; NaN where there is neither."""
    for part in parts.values():
        if isinstance(part, TextPart | LikenessPart):
            return (people.vectors @ (part.query.vectors[0] if isinstance(part, TextPart) else part.direction)).astype(np.float64)
    return np.full(len(people), np.nan)


def _folded(hits: Sequence[Hit], groups: Sequence[Sequence[int]]) -> tuple[Hit, ...]:
    """The leader of each group, with the others behind it."""
    rest = iter(hits)
    told = []
    for rows in groups:
        leader, *others = islice(rest, len(rows))
        told.append(replace(leader, similar=tuple(others)) if others else leader)
    return tuple(told)


def _warnings(parts: Mapping[Leaf, Part], judge: TextJudge) -> tuple[str, ...]:
    texts = [part.query for part in parts.values() if isinstance(part, TextPart)]
    told = []
    for query in texts:
        unknown = judge.encoder.unknown_words(query.text)
        if unknown:
            words = ", ".join(map(repr, unknown))
            told.append(f"the compact text model never saw {words} in training and {_WITHOUT[query.known]}; use --profile clip for free words")
    return tuple(told)


def _attributes(index: PeopleTable) -> tuple[str, ...]:
    return tuple(name for name in index.schema.names if name not in _NOT_ATTRIBUTES)


def _sql(index: PeopleTable, condition: Filter | None) -> str:
    return "true" if condition is None else compile_where(condition, index.columns, index.thresholds)


def condition_of(index: PeopleTable, where: str | None, *, absent: bool = False, further: str | None = None) -> str | None:
    """SQL for whom a question is asked among.

    Args:
        index: The table of people.
        where: A filter in the language of ``par_core.query.where``, or None.
        absent: Also people whose file has vanished or was replaced.
        further: SQL that must hold as well.

    Raises:
        FilterError: The filter is wrong, or names a colour that there is not.
    """
    parts = [] if absent else ["(source_state = 'present')"]
    if where is not None and where.strip():
        check_values(parse_where(where), _VOCABULARIES)
        parts.append(compile_where(where, index.columns, index.thresholds))
    parts += [further] if further is not None else []
    return " AND ".join(parts) if parts else None


def _hits(
    people: People,
    thresholds: Mapping[str, float],
    probabilities: np.ndarray | None,
    cosines: np.ndarray | None,
    ranks: Sequence[int],
    explained: Sequence[tuple[PartScore, ...]],
) -> tuple[Hit, ...]:
    rows = people.table.drop_columns(["vector", "uris", "row_digest"]).to_pylist()
    told = [{name: row[name] for name in people.attributes if row[name] is not None} for row in rows]
    return tuple(
        Hit(
            rank=ranks[i],
            **{
                key: row[key]
                for key in ("person_id", "image_id", "uri", "source_state", "shard", "upper_color", "lower_color", "captured_at", "height_px", "score")
            },
            box=(row["x1"], row["y1"], row["x2"], row["y2"]),
            cosine=None if cosines is None or np.isnan(cosines[i]) else float(cosines[i]),
            probability=None if probabilities is None else float(probabilities[i]),
            attributes=told[i],
            seen=tuple(sorted((name for name, p in told[i].items() if p >= thresholds.get(name, 0.5)), key=told[i].__getitem__, reverse=True)),
            parts=explained[i],
        )
        for i, row in enumerate(rows)
    )
