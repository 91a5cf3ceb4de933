"""Searching: a question becomes one search of the index for each of its alternatives; every candidate is
judged by the whole question.

The index gives candidates: the nearest people by embedding among those that meet the conditions. They are
then judged exactly, part by part, ranked by the product and by how good their cut-outs are, and left out
below a cutoff, so that "nothing found" is an answer. ``docs/search.md`` has the reasons and the measurements.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64, Int64

from par_core.errors import FilterError
from par_core.models.text_evidence import TextScorer
from par_core.query.answer import CUTOFF, Chance, SearchResult
from par_core.query.by_filter import list_by_filter
from par_core.query.by_time import TimePage, list_by_time, page_of
from par_core.query.candidates import find_candidates
from par_core.query.clear_cutouts import explain_cutouts, ranked_by_cutouts
from par_core.query.denials import denials_in
from par_core.query.further_by_filter import FitPage, list_on
from par_core.query.grouping import group
from par_core.query.hits import fold, hits_of
from par_core.query.language import AllOf, AnyOf, Condition, Likeness, Negated, Node, Phrase, Weighted
from par_core.query.parts import (
    AttributePart,
    ConditionPart,
    Leaf,
    LikenessPart,
    Part,
    TextPart,
    explain,
    leaves,
    score,
)
from par_core.query.people import People
from par_core.query.plan import alternatives_of
from par_core.query.resolving import resolve_parts
from par_core.query.table import PeopleTable
from par_core.query.where import And, Filter, Or, parse_where
from par_core.query.word_hints import near_words

__all__ = ["Wanted", "list_facts", "sample_of", "search_filter", "search_query"]

_SAMPLE: Final = 2_000  # people for estimates of how rare a thing is and how alike people usually are
_WITHOUT: Final = {
    True: "ranks by the rest of the words",
    False: "knows no other word of it, so it finds nobody",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filter and options of a search, beside the question itself.

    Attributes:
        where: A filter in the language of ``par_core.query.where``, or None.
        top: Maximum number of hits; those folded into another hit do not count.
        absent: Also people whose file has vanished or was replaced.
        weak: Also hits below the cutoff.
        apart: Return hits of one image or of nearly the same picture each by itself.
        depth: Number of hits, if more than ``top``, among whose candidates the hits are chosen: answers that
            differ in ``top`` alone then begin alike.
        page: A page in the order of capture of all people for whom the conditions hold, or, of words and
            likenesses, of the best ``top`` hits; or a further page of a list by conditions alone; None ranks
            the hits.
    """

    where: str | None = None
    top: int = 20
    absent: bool = False
    weak: bool = False
    apart: bool = False
    depth: int = 0
    page: TimePage | FitPage | None = None


def sample_of(index: PeopleTable) -> People:
    """Return people of an index drawn at random: a sample for estimates of what is rare and what is usual."""
    return People(
        index.sample(_SAMPLE, ["person_id", "vector", "upper_color", "lower_color", *index.attributes]),
        index.attributes,
    )


def search_query(
    index: PeopleTable,
    node: Node,
    scorer: TextScorer,
    sample: People,
    wanted: Wanted,
    question: str,
    pictures: Mapping[str, Float32[np.ndarray, " d"]],
) -> SearchResult:
    """Return the people who fit a question.

    Args:
        index: The table of people.
        node: The question.
        scorer: Scorer of texts, with the same embedding as the table.
        sample: The sample of this table by :func:`sample_of`.
        wanted: Filter and options.
        question: The question in words for people.
        pictures: Embeddings of the pictures that the question names.

    Raises:
        FilterError: A filter, an id or a picture's name is wrong, or there are too many alternatives.
    """
    wordless = [
        leaf.text for leaf, _, _ in leaves(node) if isinstance(leaf, Phrase) and not _has_word(leaf.text)
    ]
    if wordless:
        note = f"there is no word in {wordless[0]!r}, so nobody is found; say what the person looks like"
        return SearchResult(question, (), (note,), len(index))
    parts = resolve_parts(node, index, scorer, sample, pictures)
    alternatives = alternatives_of(node, parts)
    if all(isinstance(part, ConditionPart) for part in parts.values()):
        held = [one.condition for one in alternatives if one.condition is not None]  # all; mypy cannot know
        asked = held[0] if len(held) == 1 else Or(tuple(held))
        if wanted.where is not None and wanted.where.strip():
            asked = And((asked, parse_where(wanted.where)))
        return list_facts(index, asked, wanted, question)
    people = _without_examples(
        find_candidates(
            index,
            alternatives,
            where=wanted.where,
            absent=wanted.absent,
            top=max(wanted.top, wanted.depth),
        ),
        parts,
    )
    # a set: a part may occur twice
    occurrences = {(leaf, is_wanted) for leaf, is_wanted, _ in leaves(node)}
    probabilities = {
        (leaf, is_wanted): parts[leaf].probability(people, wanted=is_wanted)
        for leaf, is_wanted in occurrences
    }
    ranks, fits = score(node, probabilities, weighted=True), score(node, probabilities, weighted=False)
    judged = any(isinstance(part, TextPart | AttributePart) for part in parts.values())
    calibrated = judged and (
        scorer.weights.calibrated or not any(isinstance(part, TextPart) for part in parts.values())
    )
    order = np.argsort(-ranked_by_cutouts(ranks, people), kind="stable")
    groups = _grouped(
        people, order if wanted.weak or not calibrated else order[fits[order] >= CUTOFF], wanted
    )
    shown = np.array([row for rows in groups for row in rows], np.int64)
    places = [place for place, rows in enumerate(groups, 1) for _ in rows]
    shown_people = people.take(shown)
    hits = hits_of(
        shown_people,
        index.thresholds,
        fits[shown] if judged else None,
        _cosines(people, parts)[shown],
        places,
        explain_cutouts(explain(node, parts, shown_people), shown_people),
    )
    chance = _chance(fits, groups, wanted) if calibrated else None
    if chance is not None and _says_nothing(parts):  # whoever is below the cutoff comes no nearer than others
        chance = replace(chance, left_out=0)
    result = SearchResult(
        question,
        fold(hits, groups),
        (*_read_as(node), *_warnings(parts, scorer)),
        len(index),
        chance,
        "best first" if judged else "most alike first",
    )
    if isinstance(wanted.page, FitPage):
        raise FilterError("a list by words goes on by offset, not by after")
    return result if wanted.page is None else page_of(result, wanted.page, wanted.top)


def search_filter(index: PeopleTable, wanted: Wanted) -> SearchResult:
    """Return the people that a filter lets pass; see :func:`par_core.query.by_filter.list_by_filter`, and
    :func:`par_core.query.by_time.list_by_time`, which needs no filter.

    Raises:
        FilterError: The filter is wrong.
    """
    where = (wanted.where or "").strip()
    if not where and wanted.page is not None:
        return list_facts(index, None, wanted, "everybody")
    return list_facts(index, parse_where(where), wanted, f"where {where}")


def list_facts(index: PeopleTable, asked: Filter | None, wanted: Wanted, question: str) -> SearchResult:
    """Return the people for whom a filter holds; see :func:`search_filter`.

    Args:
        index: The table of people.
        asked: The filter; None lists everybody, in the order of capture only.
        wanted: Options of the search; its filter is not looked at.
        question: The question in words for people.

    Raises:
        FilterError: The filter is wrong.
    """
    if isinstance(wanted.page, TimePage):
        return list_by_time(
            index, asked, wanted.page, absent=wanted.absent, question=question, apart=wanted.apart
        )
    assert asked is not None
    if wanted.page is not None:
        return list_on(index, asked, wanted.page, absent=wanted.absent, question=question, apart=wanted.apart)
    return list_by_filter(
        index, asked, absent=wanted.absent, top=wanted.top, question=question, apart=wanted.apart
    )


def _says_nothing(parts: Mapping[Leaf, Part]) -> bool:
    """Whether a question has words, and the model knows none of them."""
    judged = [part for part in parts.values() if isinstance(part, TextPart | AttributePart | LikenessPart)]
    return all(isinstance(part, TextPart) and part.query.words and not part.query.known for part in judged)


def _without_examples(people: People, parts: Mapping[Leaf, Part]) -> People:
    """Return the people without those that ``like:`` names: the user knows them already."""
    examples = {part.person_id for part in parts.values() if isinstance(part, LikenessPart)}
    if not examples:
        return people
    return people.take(
        np.array([row for row, identity in enumerate(people.ids) if identity not in examples], np.int64)
    )


def _grouped(people: People, order: Int64[np.ndarray, " k"], wanted: Wanted) -> list[list[int]]:
    """Return the best row numbers in groups; each group is shown as one hit."""
    if wanted.apart:
        return [[int(row)] for row in order[: wanted.top]]
    images = people.table["image_id"].take(pa.array(order, pa.int64())).to_pylist()
    return [[int(order[row]) for row in rows] for rows in group(images, people.vectors[order], wanted.top)]


def _chance(fits: Float64[np.ndarray, " n"], groups: Sequence[Sequence[int]], wanted: Wanted) -> Chance:
    share = float(1 - fits[[rows[0] for rows in groups]].mean()) if groups else 0.0
    return Chance(CUTOFF, share, 0 if wanted.weak else int((fits < CUTOFF).sum()))


def _cosines(people: People, parts: Mapping[Leaf, Part]) -> Float64[np.ndarray, " n"]:
    """Return cosines with the whole of the first words or with the first picture; NaN without either."""
    for part in parts.values():
        if isinstance(part, TextPart | LikenessPart):
            return (
                people.vectors @ (part.query.vectors[0] if isinstance(part, TextPart) else part.direction)
            ).astype(np.float64)
    return np.full(len(people), np.nan)


def _has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _read_as(node: Node) -> Iterator[str]:
    """Say how denials in plain words were read."""
    by_words: dict[str, list[str]] = {}
    for negated in denials_in(node):
        by_words.setdefault(negated.said, []).append(f"NOT {_shown(negated.inner)}")
    yield from (f"{said!r} is read as {' AND '.join(parts)}" for said, parts in by_words.items())


def _shown(node: Node) -> str:
    match node:
        case Phrase(text) | Condition(text):
            return f'"{text}"' if " " in text else text
        case Negated(inner):
            return f"NOT {_shown(inner)}"
        case AllOf(parts) | AnyOf(parts):
            return f"({(' AND ' if isinstance(node, AllOf) else ' OR ').join(map(_shown, parts))})"
        case Weighted(inner, weight):
            return f"{_shown(inner)}^{weight:g}"
        case Likeness(kind, name):
            return f"{'like' if kind == 'person' else kind}:{name}"


def _warnings(parts: Mapping[Leaf, Part], scorer: TextScorer) -> tuple[str, ...]:
    texts = [part.query for part in parts.values() if isinstance(part, TextPart)]
    warnings = []
    for query in texts:
        unknown = scorer.encoder.unknown_words(query.text)
        if unknown:
            words = ", ".join(map(repr, unknown))
            meant = [near for word in unknown for near in near_words(word)]
            warnings.append(
                f"the compact text model never saw {words} in training and {_WITHOUT[query.known]}; "
                + (f"did you mean {' or '.join(map(repr, dict.fromkeys(meant)))}? " if meant else "")
                + "the profile clip knows free words"
            )
        if query.parts > 1:
            warnings.append(
                f"{shorten(query.text, 40, placeholder=' ...')!r} is longer than the text model reads at"
                f" once: it is read in {query.parts} parts, whose meanings are joined; fewer words say it"
                " more exactly"
            )
    return tuple(warnings)
