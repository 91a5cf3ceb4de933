"""Files that a listing has passed over, in words."""

from collections.abc import Mapping

__all__ = ["passed_over"]


def passed_over(skipped: Mapping[str, int]) -> str:
    """Return the numbers of skipped files by reason as text; empty if there are none.

    Args:
        skipped: Numbers by reason, as ``Listing.skipped`` has them; a suffix stands for pictures of a format
            that PAR does not read.
    """
    counts = sorted(skipped.items())
    named = {"archive": "archives (read with --containers, or named as sources, such as FOLDER/*.tar)"}
    pictures = ", ".join(f"{count} {reason}" for reason, count in counts if reason.startswith("."))
    others = ", ".join(
        f"{count} {named.get(reason, reason)}" for reason, count in counts if not reason.startswith(".")
    )
    unread = f"{pictures}: pictures in formats that are not read" if pictures else ""
    return "; ".join(part for part in (others, unread) if part)
