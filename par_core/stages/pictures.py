"""The pictures of a shard, read and decoded in a thread of their own while a model works on those before.

At most two batches are in memory: the one that the model sees and the one that is being read. A batch ends
with its number of pictures or of pixels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from par_core.archive import DecodedImage, Entry, decode, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import TransientError, UnreadableImageError
from par_core.ids import image_id
from par_core.stages.known_images import KnownImage, KnownImages
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.listings import still_listed
from par_core.store.suppression import SuppressionList

__all__ = ["BATCH", "Picture", "batches_ahead", "read_again", "read_pictures"]

#: Pictures of a batch if ``machine.batch_size`` does not say.
BATCH: Final = 16
# about 70 MB of decoded pixels, whatever the images' sizes
_PIXELS_PER_BATCH = 24_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """An entry that was read.

    Attributes:
        entry: The entry.
        image_id: Digest of its bytes; None if they could not be read, or are forgotten.
        content: The decoded picture; its known results, if there are any; the reason why there is neither;
            None for a further copy of a picture that came before.
    """

    entry: Entry
    image_id: str | None
    content: DecodedImage | KnownImage | UnreadableImageError | None


def read_pictures(
    entries: Sequence[Entry], limits: ArchiveConfig, suppressed: SuppressionList, known: KnownImages
) -> Iterator[Picture]:
    """Read entries, and decode each different image that is neither forgotten nor known, once.

    Args:
        entries: Entries of a shard, no uri twice.
        limits: Limits on bytes and pixels.
        suppressed: Suppression list of the store.
        known: Images whose results other shards hold.

    Yields:
        One picture an entry, grouped by place; a forgotten one with the status ``forgotten``.

    Raises:
        TransientError: The archive's storage cannot be reached, or memory ran out.
        StoreError: A shard that holds known results is damaged.
    """
    seen: set[str] = set()
    for entry, content in read_entries(entries, limits):
        if isinstance(content, UnreadableImageError):
            yield Picture(entry, None, content)
            continue
        identity = image_id(content)
        if suppressed.has_image(identity):
            yield Picture(entry, None, UnreadableImageError(Status.FORGOTTEN, ""))
        elif identity in seen:
            yield Picture(entry, identity, None)
        else:
            picture = Picture(entry, identity, known.find(identity) or _decoded(content, limits))
            if not isinstance(picture.content, UnreadableImageError):
                seen.add(identity)
            yield picture


def read_again(
    store: Store,
    entries: Mapping[str, Entry],
    elsewhere: Mapping[str, Sequence[Entry]],
    limits: ArchiveConfig,
) -> Iterator[Picture]:
    """Read images that were segmented before, for their people; where a file does not hold its image any
    more, from another place of the same bytes.

    A single file that is gone or damaged is a fact about that file. Storage that is away is not, and must
    not decide over people: an input error may always pass, and so may the trouble of a shard of which no
    image can be read although the listings still hold them.

    Args:
        store: The store, with the newest listings.
        entries: An entry that holds the image, by image id.
        elsewhere: Other entries that are said to hold the image, by image id; may name other images too.
        limits: Limits on bytes and pixels.

    Yields:
        One picture an image; with the status ``changed`` if the file holds another one by now.

    Raises:
        TransientError: The archive's storage cannot be reached, or memory ran out.
    """
    failed: dict[str, tuple[Picture, UnreadableImageError]] = {}
    places, turn = entries, 0
    while places:
        for identity, picture in _read_for(places, limits):
            if not isinstance(picture.content, UnreadableImageError):
                failed.pop(identity, None)
                yield picture
            else:
                failed.setdefault(identity, (picture, picture.content))
        places = {
            identity: elsewhere[identity][turn]
            for identity in failed
            if turn < len(elsewhere.get(identity, ()))
        }
        turn += 1
    unreadable: list[str] = []
    for picture, error in failed.values():
        if error.status is Status.IO_ERROR:
            raise TransientError(f"{picture.entry.uri} {error.message}")
        if error.status is not Status.CHANGED:
            unreadable.append(picture.entry.uri)
        yield picture
    if 1 < len(unreadable) == len(entries) and still_listed(store, unreadable):
        raise TransientError(
            f"none of {len(unreadable)} images could be read, such as {unreadable[0]}: the storage may be"
            " away; if these files are gone for good, index their source again, so that its listing says so"
        )


def _read_for(entries: Mapping[str, Entry], limits: ArchiveConfig) -> Iterator[tuple[str, Picture]]:
    """Read an entry for each image; yield the image id and what was read."""
    identities = {entry.uri: identity for identity, entry in entries.items()}
    for entry, content in read_entries(sorted(entries.values(), key=lambda entry: entry.uri), limits):
        identity = identities[entry.uri]
        if isinstance(content, UnreadableImageError):
            yield identity, Picture(entry, identity, content)
        elif image_id(content) != identity:
            changed = UnreadableImageError(Status.CHANGED, "the file changed since it was segmented")
            yield identity, Picture(entry, identity, changed)
        else:
            yield identity, Picture(entry, identity, _decoded(content, limits))


def batches_ahead(pictures: Iterable[Picture], size: int) -> Iterator[list[Picture]]:
    """Yield pictures in batches, while a thread reads the following batch.

    Args:
        pictures: Pictures; they are consumed in the thread.
        size: Decoded pictures of a batch at most.

    Raises:
        Exception: Whatever reading the pictures raises.
    """
    batches = _batches(pictures, size)
    with ThreadPoolExecutor(1, thread_name_prefix="par-read") as reader:
        following = reader.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = reader.submit(next, batches, None)
            yield batch


def _batches(pictures: Iterable[Picture], size: int) -> Iterator[list[Picture]]:
    batch: list[Picture] = []
    number = pixels = 0
    for picture in pictures:
        batch.append(picture)
        if isinstance(picture.content, DecodedImage):
            number += 1
            pixels += picture.content.pixels.size // 3
        if number >= size or pixels >= _PIXELS_PER_BATCH:
            yield batch
            batch, number, pixels = [], 0, 0
    if batch:
        yield batch


def _decoded(content: bytes, limits: ArchiveConfig) -> DecodedImage | UnreadableImageError:
    try:
        return decode(content, limits)
    except UnreadableImageError as error:
        return error
