"""Status codes: what became of every file and every person. Listed in ``docs/data-contract.md``."""

from enum import StrEnum

__all__ = ["FAILED", "Status"]


class Status(StrEnum):
    """The value of a ``status`` column."""

    OK = "ok"
    NO_PEOPLE = "no_people"  # an image that was read and holds nobody
    TOO_SMALL = "too_small"  # a person below the configured size: kept, not described
    SECOND_CUT = "second_cut"  # a further outline of a person who is there already: kept, not described
    # images that could not be used
    EMPTY = "empty"  # zero bytes
    TRUNCATED = "truncated"  # the file ends before the picture does
    DAMAGED = "damaged"  # the bytes are no picture in a format PAR reads, whatever the name says
    # more pixels or bytes than configured: a decompression bomb, or a setting to raise
    TOO_LARGE = "too_large"
    PERMISSION = "permission"  # the operating system refuses to open it
    SYMLINK_LOOP = "symlink_loop"
    SYMLINK_OUTSIDE = "symlink_outside"  # a link that leaves the archive
    ENCRYPTED = "encrypted"  # a member of an archive that needs a password
    DAMAGED_ARCHIVE = "damaged_archive"  # an archive, or a member of one, that cannot be read
    UNREAD_COMPRESSION = "unread_compression"  # a member of a zip, compressed in a way that PAR does not read
    VANISHED = "vanished"  # listed, but gone when it was to be read
    IO_ERROR = "io_error"  # any other trouble while reading; worth a retry
    FORGOTTEN = "forgotten"  # erased on purpose by ``par forget``, and not looked at again
    # the process that worked on this image, alone, was lost: out of memory, or an image that crashes a
    # library
    WORKER_DIED = "worker_died"
    MODEL_ERROR = "model_error"  # the model failed on this image or person, alone in its batch
    # people that could not be described
    CHANGED = "changed"  # between segmenting and describing; the next run takes the new file up
    EMPTY_MASK = "empty_mask"
    NOT_FINITE = "not_finite"  # the model gave NaN or infinity


#: Statuses of images that count as failed and that ``--retry-failed`` takes up again.
FAILED = frozenset(Status) - {
    Status.OK,
    Status.NO_PEOPLE,
    Status.TOO_SMALL,
    Status.SECOND_CUT,
    Status.FORGOTTEN,
}
