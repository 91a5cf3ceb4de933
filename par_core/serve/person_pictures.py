"""Pictures of people and whole photographs of an index, read from the archive; recent pictures of people are
kept in memory, for one version of the index. May be shared by threads.
"""

from typing import Final

from par_core.config import RunConfig
from par_core.query.crops import crops_of, mask_of, masks_of
from par_core.query.from_store import Question, Searcher
from par_core.serve.answers import ImagePeople, ImagePerson, Versions
from par_core.serve.people_by_id import MOST_OF_AN_IMAGE, PeopleById, require_id
from par_core.serve.pictures import Outline, as_jpeg, outline_of, read_image
from par_core.serve.problems import GoneError, UnknownIdError
from par_core.serve.recent import Recent
from par_core.store.lance import PeopleIndex

__all__ = ["PersonPictures"]

_CROP_BYTES: Final = 64 * 2**20  # kept


class PersonPictures:
    """Pictures of the people of a store; for arguments and errors see ``ArchiveService``.

    Args:
        searcher: The store, open.
        config: Limits of reading the archive.
        people: The people by their ids.
    """

    def __init__(self, searcher: Searcher, config: RunConfig, people: PeopleById) -> None:
        self._searcher, self._people = searcher, people
        self._store, self._archive = searcher.store, config.archive
        self._crops: Recent[tuple[str, str, Versions], bytes] = Recent(_CROP_BYTES, len)

    def clear(self) -> None:
        """Drop what is kept."""
        self._crops.clear()

    def crop(self, person_id: str, index: PeopleIndex, versions: Versions) -> bytes:
        """Return a JPEG of a person; see ``ArchiveService.crop``."""
        segment_config = index.info.segment_config

        def cut() -> bytes:
            hit = self._people.hit(person_id, versions)
            (crop,) = crops_of([hit], self._store, segment_config, self._archive)
            if crop.jpeg is None:
                raise GoneError(crop.trouble)
            return crop.jpeg

        return self._crops.get_or_make((person_id, segment_config, versions), cut)

    def image(self, image_id: str, longest: int, index: PeopleIndex) -> bytes:
        """Return a whole photograph as JPEG; see ``ArchiveService.image``."""
        require_id(image_id)
        rows = index.search(None, where=f"image_id = '{image_id}'", top=1, columns=["uris"])
        places = rows["uris"].to_pylist()
        if not places:
            raise UnknownIdError(f"the index has no image with the id {image_id}")
        return as_jpeg(read_image(places[0], image_id, self._archive), longest)

    def image_people(self, image_id: str, index: PeopleIndex) -> ImagePeople:
        """Return the people of a photograph with their outlines; see ``ArchiveService.image_people``."""
        require_id(image_id)
        wanted = Question(where=f"image_id = '{image_id}'", top=MOST_OF_AN_IMAGE, absent=True, apart=True)
        people = sorted(self._searcher.ask(wanted).hits, key=lambda hit: hit.box)
        if not people:
            raise UnknownIdError(f"the index has no image with the id {image_id}")
        masks = masks_of(self._store, index.info.segment_config, people)
        shown = tuple(
            ImagePerson(
                one.person_id,
                one.box,
                outline_of(masks[one.person_id], one.box) if one.person_id in masks else None,
            )
            for one in people
        )
        return ImagePeople(people[0].image_width, people[0].image_height, shown)

    def outline(self, person_id: str, index: PeopleIndex, versions: Versions) -> Outline:
        """Return box and mask of a person; see ``ArchiveService.outline``."""
        hit = self._people.hit(person_id, versions)
        mask = mask_of(self._store, index.info.segment_config, hit)
        if mask is None:
            raise GoneError("the mask of this person is not in the store any more; run par verify")
        return outline_of(mask, hit.box)
