"""People of the index by their ids; those of recent answers are kept for one version of the index. May be
shared by threads.
"""

from collections.abc import Iterable
from typing import Final

from par_core.query.answer import Hit
from par_core.query.from_store import Question, Searcher
from par_core.serve.answers import PersonDetails, Versions
from par_core.serve.problems import UnknownIdError
from par_core.serve.recent import Recent
from par_core.store.lance import PeopleIndex

__all__ = ["MOST_OF_AN_IMAGE", "PeopleById", "require_id"]

#: People of one image that are looked up.
MOST_OF_AN_IMAGE: Final = 20_000
_HITS: Final = 20_000  # kept: hits are soon requested again
_LONGEST_ID: Final = 64


class PeopleById:
    """Looks people up.

    Args:
        searcher: The store, open.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        # keyed by versions: an older answer that ends only now must bring no erased person back
        self._hits: Recent[tuple[str, Versions], Hit] = Recent(_HITS)

    def clear(self) -> None:
        """Drop what is kept."""
        self._hits.clear()

    def keep(self, hits: Iterable[Hit], versions: Versions) -> None:
        """Keep the people of an answer.

        Args:
            hits: Hits of the answer.
            versions: The versions of the index that it comes from.
        """
        for hit in hits:
            for one in (hit, *hit.similar):
                self._hits.put((one.person_id, versions), one)

    def hit(self, person_id: str, versions: Versions) -> Hit:
        """Return a person, with rank and scores of the answer that returned it last.

        Raises:
            UnknownIdError: No person in the index has this id.
        """
        require_id(person_id)
        kept = self._hits.get((person_id, versions))
        if kept is not None:
            return kept
        hits = self._searcher.ask(Question(where=f"person_id = '{person_id}'", top=1, absent=True)).hits
        if not hits:
            raise UnknownIdError(f"nobody in the index has the id {person_id}")
        self._hits.put((person_id, versions), hits[0])
        return hits[0]

    def details(self, person_id: str, index: PeopleIndex, versions: Versions) -> PersonDetails:
        """Return all that an index knows of a person.

        Raises:
            UnknownIdError: No person in the index has this id.
        """
        hit = self.hit(person_id, versions)
        of_image = f"image_id = '{hit.image_id}'"
        rows = index.search(None, where=of_image, top=MOST_OF_AN_IMAGE, columns=["person_id", "x1"])
        in_image = rows.sort_by("x1")["person_id"].to_pylist()
        others = tuple(other for other in in_image if other != person_id)
        return PersonDetails(hit, others, versions, index.info)


def require_id(identity: str) -> None:
    """Refuse what cannot be the id of a person or an image.

    Raises:
        UnknownIdError: It is none.
    """
    if (
        not identity
        or len(identity) > _LONGEST_ID
        or any(digit not in "0123456789abcdef" for digit in identity)
    ):
        raise UnknownIdError("an id has hexadecimal digits only")
