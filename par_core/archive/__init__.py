"""Archives: listing their files, reading them, decoding pictures."""

from par_core.archive.decode import DecodedImage, decode
from par_core.archive.entries import Entry, Listing
from par_core.archive.listing import list_source
from par_core.archive.reading import read_entries

__all__ = ["DecodedImage", "Entry", "Listing", "decode", "list_source", "read_entries"]
