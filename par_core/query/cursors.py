"""Places in a list, as answers give them in ``next_after``: a text that the next page begins after."""

import re

from par_core.errors import FilterError

__all__ = ["parts_of_cursor"]


def parts_of_cursor(form: re.Pattern[str], after: str) -> re.Match[str]:
    """Return the parts of a place in a list.

    Args:
        form: Form of the places of this list.
        after: The place.

    Raises:
        FilterError: The text is not one that an answer gave.
    """
    parts = form.fullmatch(after)
    if parts is None:
        raise FilterError("no such place in the list: after must be next_after of the page before")
    return parts
