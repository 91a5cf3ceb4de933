"""Results as plain lines, for a terminal or a pipe."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.answer import Chance, Hit, PartScore, SearchResult
from par_core.query.certainty import certainty, certainty_details
from par_core.query.one_picture import PersonInPicture
from par_core.store.layout import Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.pending import failed_files as failed_uris
from par_core.store.status_file import StatusReport

__all__ = [
    "description_lines",
    "failed_files",
    "hit_lines",
    "part_line",
    "printable",
]


def hit_lines(result: SearchResult, *, explain: bool = False) -> Iterator[str]:
    """Yield a line for each hit (rank, probability, cosine, height, how good the cut-out is, likely clothing,
    file), then how many hits are expected by chance.
    """
    if not result.hits:
        yield f"Nobody among {result.searched} people fits."
        yield from result.why
    else:
        yield f"{'rank':>4} {'prob':>5} {'cosine':>6} {'height':>6} {'cutout':>6}  looks like, file"
    for hit in result.hits:
        probability = f"{hit.probability:5.2f}" if hit.probability is not None else "    -"
        cosine = f"{hit.cosine:6.3f}" if hit.cosine is not None else "     -"
        cutout = f"{hit.cutout:6.2f}" if hit.cutout is not None else "     -"
        alike = f"  (+{len(hit.similar)} of the same image or nearly the same picture)" if hit.similar else ""
        yield (
            f"{hit.rank:4d} {probability} {cosine} {hit.height_px:6.0f} {cutout}  {_looks(hit)} "
            f" {printable(hit.uri)}{alike}"
        )
        if explain:
            yield from (f"{'':18}{part_line(part)}" for part in hit.parts)
    if result.hits and result.order != "best first":
        yield f"Order: {result.order}."
    if result.chance is not None:
        yield from _certainty_lines(result, result.chance, explain=explain)
    elif any(hit.probability is not None for hit in result.hits):
        yield (
            "Probabilities are not calibrated for this model: no person is left out, and no share of chance"
            " hits is known."
        )


def printable(text: str) -> str:
    r"""Escape a file name for a terminal, so that it cannot move the cursor or add lines.

    >>> printable("a\x1b[2J\nb.jpg")
    'a\\x1b[2J\\nb.jpg'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def part_line(part: PartScore) -> str:
    """Return a line for a part of a question: the probability that it holds as asked, its text and the share
    of the score that it
    cost; indented if it explains another part.
    """
    indent = "  " if part.detail_of is not None else ""
    text = part.text if part.wanted else f"NOT {part.text}"
    weight = f", weight {part.weight:g}" if part.weight != 1 else ""
    return f"{indent}{part.fit:4.0%} {text}: lost {part.lost:.0%}{weight}"


def _certainty_lines(result: SearchResult, chance: Chance, *, explain: bool) -> Iterator[str]:
    if result.hits:
        yield certainty(result)
    if explain and result.hits:
        yield from certainty_details(chance)
    if chance.left_out:
        yield "Less likely people are left out: --include-low-confidence shows the nearest of them."


def _looks(hit: Hit) -> str:
    colours = [
        f"{where} {colour}"
        for where, colour in (("upper", hit.upper_color), ("lower", hit.lower_color))
        if colour
    ]
    return ", ".join([*colours, *hit.seen[:4]]) or "-"


def description_lines(
    people: Sequence[PersonInPicture], ranked: Sequence[Sequence[tuple[str, float]]]
) -> Iterator[str]:
    """Yield the people of a picture, each with the prompts, most likely first."""
    if not people:
        yield "Nobody was found in this picture."
    for number, (person, prompts) in enumerate(zip(people, ranked, strict=True), 1):
        x1, y1, x2, y2 = person.box
        yield f"person {number}: box {x1:.0f}, {y1:.0f}, {x2:.0f}, {y2:.0f}; score {person.score:.2f}"
        yield from (f"  {probability:6.1%}  {text}" for text, probability in prompts)


def failed_files(store: Store, report: StatusReport) -> list[dict[str, Any]]:
    """Return uri, status, message and attempt of every listed file that failed."""
    if report.commit is None:
        return []
    uris: dict[str, list[str]] = {}
    config = report.commit.segment_config
    with Ledger.read(store, config) as ledger:
        for uri, shard in failed_uris(ledger) if ledger else ():
            uris.setdefault(shard, []).append(uri)
    rows: list[dict[str, Any]] = []
    for shard, failed in uris.items():
        images = store.shard("segment", config, shard).read("images", ["uri", "status", "message", "attempt"])
        rows += images.filter(pc.is_in(images["uri"], value_set=pa.array(failed, pa.string()))).to_pylist()
    return sorted(rows, key=lambda row: str(row["uri"]))
