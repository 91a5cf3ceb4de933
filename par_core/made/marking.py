"""Pictures that say of themselves that they are made.

The mark is the property ``DigitalSourceType`` of the IPTC Photo Metadata Standard (2023.1, Iptc4xmpExt) with
the value ``algorithmicMedia`` of the IPTC NewsCodes, in the XMP packet of the file; Exif repeats it in words
for programs that read no XMP.
"""

import io
from typing import Final

import numpy as np
from PIL import Image

from par_core.types import ImageU8

__all__ = ["SOURCE_TYPE", "is_marked", "marked_jpeg"]

#: The value of ``Iptc4xmpExt:DigitalSourceType``.
SOURCE_TYPE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
_QUALITY: Final = 92
_IMAGE_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131  # tags of Exif
_XMP: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def marked_jpeg(picture: ImageU8, kind: str) -> bytes:
    """Encode a made picture, with the mark; the same pixels give the same bytes.

    Args:
        picture: Its pixels.
        kind: How it was made, one word.
    """
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = f"made by an algorithm, not taken: {kind}; DigitalSourceType algorithmicMedia"
    exif[_SOFTWARE] = "PAR"
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(
        buffer, "JPEG", quality=_QUALITY, subsampling=0, exif=exif, xmp=_XMP.encode()
    )
    return buffer.getvalue()


def is_marked(content: bytes) -> bool:
    """Whether the bytes of a picture carry the mark."""
    return SOURCE_TYPE.encode() in content
