"""Archives: listing their files, reading them, decoding pictures."""

from par_core.archive.containers import container_of, containers_of, is_streamed, read_order
from par_core.archive.decode import DecodedImage, decode, decode_part
from par_core.archive.entries import Entry, Listing, Place
from par_core.archive.listing import list_source
from par_core.archive.reading import read_entries

__all__ = [
    "DecodedImage",
    "Entry",
    "Listing",
    "Place",
    "container_of",
    "containers_of",
    "decode",
    "decode_part",
    "is_streamed",
    "list_source",
    "read_entries",
    "read_order",
]
