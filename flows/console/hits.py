"""Hits as plain lines, for a terminal or a pipe. Imports nothing heavy: a server may have found them."""

from collections.abc import Iterator

from flows.console.shown import ShownAnswer, ShownHit, ShownPart
from par_core.plurals import number_of
from par_core.query.certainty import Shares, certainty, certainty_details

__all__ = ["hit_lines", "part_line", "printable"]


def hit_lines(
    result: ShownAnswer, *, explain: bool = False, weak: str = "--include-low-confidence"
) -> Iterator[str]:
    """Yield a line for each hit (rank, probability, cosine, height, how good the cut-out is, likely clothing,
    file), then how many hits are expected by chance. ``weak`` is what a user types for less likely people.
    """
    if not result.hits:
        yield f"Nobody among {number_of(result.searched, 'person')} fits."
        yield from map(printable, result.why)
    else:
        yield f"{'rank':>4} {'prob':>5} {'cosine':>6} {'height':>6} {'cutout':>6}  looks like, file"
    for hit in result.hits:
        probability = f"{hit.probability:5.2f}" if hit.probability is not None else "    -"
        cosine = f"{hit.cosine:6.3f}" if hit.cosine is not None else "     -"
        cutout = f"{hit.cutout:6.2f}" if hit.cutout is not None else "     -"
        alike = f"  (+{len(hit.similar)} of the same image or nearly the same picture)" if hit.similar else ""
        yield (
            f"{hit.rank:4d} {probability} {cosine} {hit.height_px:6.0f} {cutout}  {printable(_looks(hit))} "
            f" {printable(hit.uri)}{alike}"
        )
        if explain:
            yield from (f"{'':18}{printable(part_line(part))}" for part in hit.parts)
    if result.hits and result.order != "best first":
        yield f"Order: {printable(result.order)}."
    if result.chance is not None:
        yield from _certainty_lines(result, result.chance, explain=explain, weak=weak)
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


def part_line(part: ShownPart) -> str:
    """Return a line for a part of a question: the probability that it holds as asked, its text and the share
    of the score that it
    cost; indented if it explains another part.
    """
    indent = "  " if part.detail_of is not None else ""
    text = part.text if part.wanted else f"NOT {part.text}"
    weight = f", weight {part.weight:g}" if part.weight != 1 else ""
    return f"{indent}{part.fit:4.0%} {text}: lost {part.lost:.0%}{weight}"


def _certainty_lines(result: ShownAnswer, chance: Shares, *, explain: bool, weak: str) -> Iterator[str]:
    if result.hits:
        yield certainty(result)
    if explain and result.hits:
        yield from certainty_details(chance)
    if chance.left_out:
        yield f"Less likely people are left out: {weak} shows the nearest of them."


def _looks(hit: ShownHit) -> str:
    colours = [
        f"{where} {colour}"
        for where, colour in (("upper", hit.upper_color), ("lower", hit.lower_color))
        if colour
    ]
    return ", ".join([*colours, *hit.seen[:4]]) or "-"
