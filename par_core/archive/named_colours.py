"""Colour spaces that a picture names by numbers instead of a profile: the chunks ``cICP``, ``gAMA`` and
``cHRM`` of PNG, ``nclx`` of AVIF and HEIF, and the chromaticities of TIFF.

Sources: Portable Network Graphics, third edition (W3C 2025), sections 4.3 and 11.3.2; ITU-T H.273, tables 2
and 3; ITU-R BT.2100 (PQ and HLG), with the reference white of 203 cd/m² of BT.2408.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float64, UInt16
from PIL import Image

from par_core.archive.avif_boxes import primary_nclx
from par_core.types import ImageU8

__all__ = ["NamedColours", "colours_in_tags", "colours_named"]

Curve = Callable[[np.ndarray], np.ndarray]
_Point = tuple[float, float]

_D65: Final = (0.3127, 0.329)
_SRGB: Final = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
#: Red, green, blue and white of the numbers of H.273, table 2.
_PRIMARIES: Final = {
    1: _SRGB,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),
    7: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),
}
_UNSPECIFIED: Final = 2
_WHITE_POINT: Final = 318  # tags of TIFF
_CHROMATICITIES: Final = 319
_WHITE: Final = 203.0  # cd/m²
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_USUAL_GAMMA: Final = (0.44, 0.47)  # 1 / 2.2, by which programs mean sRGB
_GAMMAS: Final = (0.2, 1.2)  # others are damaged: 2.2 was written for 1 / 2.2
_FLATTEST: Final = 1e-3  # twice the area of the triangle of the primaries
_AT_ONCE: Final = 2**20  # pixels
_MODES: Final = ("L", "LA", "RGB", "RGBA")
_MOST_CHUNKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class NamedColours:
    """Colours that are not sRGB.

    Attributes:
        primaries: Red, green, blue and white as x and y.
        curve: Turns stored values in [0, 1] into light, 1 being white; None for that of sRGB.
    """

    primaries: tuple[_Point, _Point, _Point, _Point]
    curve: Curve | None

    def converted(self, picture: Image.Image, deep: UInt16[np.ndarray, "h w 3"] | None) -> Image.Image:
        """Return a picture in sRGB, of mode ``RGB``, or ``RGBA`` if it has transparency.

        Args:
            picture: A loaded picture of mode ``L``, ``LA``, ``RGB`` or ``RGBA``.
            deep: Its colours in 16 bits, if the file has them.
        """
        alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
        if picture.mode in ("L", "LA"):
            levels = (self.grey(np.arange(256) / 255) * 255).round().astype(np.uint8)
            converted = Image.fromarray(levels[np.asarray(picture.getchannel("L"))]).convert("RGB")
        else:
            converted = Image.fromarray(
                self.to_srgb(np.asarray(picture.convert("RGB")) if deep is None else deep)
            )
        if alpha is not None:
            converted.putalpha(alpha)
        return converted

    def grey(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Turn grey values in [0, 1] into those of sRGB."""
        return values if self.curve is None else _encoded(self.curve(values))

    def to_srgb(self, pixels: np.ndarray) -> ImageU8:
        """Turn colours into sRGB; what is outside of it, or brighter than white, is clipped.

        Args:
            pixels: Shape (h, w, 3), of 8 or 16 bits.
        """
        most = np.iinfo(pixels.dtype).max
        light = (self.curve or _srgb)(np.arange(most + 1) / most).astype(np.float32)
        matrix = _matrix(self.primaries).astype(np.float32)
        srgb = np.empty(pixels.shape, np.uint8)
        rows = max(1, _AT_ONCE // pixels.shape[1])
        for first in range(0, len(pixels), rows):
            part = light[pixels[first : first + rows]] @ matrix.T
            srgb[first : first + rows] = _levels()[(np.clip(part, 0, 1) * _FINE).round().astype(np.uint16)]
        return srgb


def colours_named(picture: Image.Image, content: bytes) -> NamedColours | None:
    """Return the colours that an opened picture names; None if it names sRGB or nothing, is damaged there, or
    has a profile, which counts more than everything but ``cICP``.

    Args:
        picture: A picture that is loaded.
        content: The bytes of its file.
    """
    has_profile, found = bool(picture.info.get("icc_profile")), None
    match picture.format:
        case "PNG":
            found = _of_png(picture, content)
        case _ if has_profile or picture.mode not in _MODES:
            return None
        case "AVIF":
            found = _of_numbers(*(primary_nclx(content) or (_UNSPECIFIED, _UNSPECIFIED)), full=True)
        case "HEIF":
            numbers = picture.info.get("nclx_profile") or {}
            found = _of_numbers(
                int(numbers.get("color_primaries", _UNSPECIFIED)),
                int(numbers.get("transfer_characteristics", _UNSPECIFIED)),
                full=True,
            )
        case "TIFF":
            return colours_in_tags(getattr(picture, "tag_v2", {}))
    return None if found == NamedColours(_SRGB, None) and not has_profile else found


def colours_in_tags(tags: Mapping[int, Any]) -> NamedColours | None:
    """Return the colours that the directory of a TIFF names by chromaticities; None if it names sRGB or
    nothing, or is damaged there.
    """
    points, white = (_numbers(tags.get(tag)) for tag in (_CHROMATICITIES, _WHITE_POINT))
    found = _of_points(points, white, None)
    return None if found == NamedColours(_SRGB, None) else found


def _of_png(picture: Image.Image, content: bytes) -> NamedColours | None:
    """The first that can be used of ``cICP``, a profile (None here), ``sRGB``, ``gAMA`` and ``cHRM``."""
    for kind, data in _chunks(content):
        if kind == b"cICP" and len(data) == 4:
            primaries, transfer, matrix, full = data
            named = _of_numbers(primaries, transfer, full=bool(full)) if matrix == 0 and full < 2 else None
            if named is not None:
                return named
    if "srgb" in picture.info or picture.info.get("icc_profile"):
        return None
    gamma = picture.info.get("gamma")
    points = _numbers(picture.info.get("chromaticity"))
    curve = None
    if isinstance(gamma, float) and _GAMMAS[0] <= gamma <= _GAMMAS[1]:
        curve = None if _USUAL_GAMMA[0] <= gamma <= _USUAL_GAMMA[1] else functools.partial(_power, 1 / gamma)
    return _of_points(points[2:], points[:2], curve) or NamedColours(_SRGB, curve)


def _of_numbers(primaries: int, transfer: int, *, full: bool) -> NamedColours | None:
    """Colours by the numbers of H.273; None where one is not known."""
    if (primaries != _UNSPECIFIED and primaries not in _PRIMARIES) or transfer not in _CURVES:
        return None
    curve = _CURVES[transfer]
    if not full:
        curve = functools.partial(_narrow, curve or _srgb)
    return NamedColours(_PRIMARIES.get(primaries, _SRGB), curve)


def _of_points(
    points: tuple[float, ...], white: tuple[float, ...], curve: Curve | None
) -> NamedColours | None:
    """Colours by chromaticities; those of sRGB as programs round them are sRGB. None if they are damaged."""
    if len(points) != 6 or len(white) != 2:
        return None
    places = np.array([*points, *white]).reshape(4, 2)
    (x1, y1), (x2, y2), (x3, y3) = places[:3]
    area = abs((x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1))
    if not np.isfinite(places).all() or (places < 0).any() or (places > 1).any():
        return None
    if area < _FLATTEST or (places[:, 1] <= 0).any():
        return None
    if np.abs(places - _SRGB).max() < 0.005:
        return NamedColours(_SRGB, curve)
    red, green, blue, at_white = ((float(x), float(y)) for x, y in places)
    return NamedColours((red, green, blue, at_white), curve)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG before its pixels."""
    place = 8
    for _ in range(_MOST_CHUNKS):
        head = content[place : place + 8]
        if len(head) < 8 or head[4:] == b"IDAT":
            return
        length = int.from_bytes(head[:4], "big")
        yield head[4:], content[place + 8 : place + 8 + min(length, 32)]
        place += 12 + length


def _numbers(value: object) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ZeroDivisionError):
        return ()


@functools.lru_cache(maxsize=16)
def _matrix(primaries: tuple[_Point, _Point, _Point, _Point]) -> Float64[np.ndarray, "3 3"]:
    """Light of some primaries to that of those of sRGB, white to white (Bradford)."""
    white, target = _xyz(primaries[3]), _xyz(_D65)
    scale = np.diag((_BRADFORD @ target) / (_BRADFORD @ white))
    adapted = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD
    return np.linalg.inv(_to_xyz(_SRGB)) @ adapted @ _to_xyz(primaries)


def _to_xyz(primaries: tuple[_Point, _Point, _Point, _Point]) -> Float64[np.ndarray, "3 3"]:
    columns = np.stack([_xyz(point) for point in primaries[:3]], axis=1)
    return columns * np.linalg.solve(columns, _xyz(primaries[3]))


def _xyz(point: _Point) -> Float64[np.ndarray, "3"]:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _power(exponent: float, values: np.ndarray) -> np.ndarray:
    return values**exponent


def _srgb(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encoded(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _pq(values: np.ndarray) -> np.ndarray:
    root = values ** (32 / 2523)
    share = np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)
    return 10_000 / _WHITE * share ** (8192 / 1305)


def _hlg(values: np.ndarray) -> np.ndarray:
    """Of a display of 1,000 cd/m², each channel for itself."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    return 1_000 / _WHITE * scene**1.2


def _narrow(curve: Curve, values: np.ndarray) -> np.ndarray:
    return curve(np.clip((values - 16 / 255) * (255 / 219), 0, 1))


#: Curves by the numbers of H.273, table 3; those of video are shown as sRGB is.
_CURVES: Final[dict[int, Curve | None]] = {
    **dict.fromkeys((1, _UNSPECIFIED, 6, 13, 14, 15)),
    4: functools.partial(_power, 2.2),
    5: functools.partial(_power, 2.8),
    8: functools.partial(_power, 1.0),
    16: _pq,
    18: _hlg,
}
_FINE: Final = 65_535


@functools.cache
def _levels() -> np.ndarray:
    """The value of sRGB for each of 65,536 amounts of light."""
    return (_encoded(np.arange(_FINE + 1) / _FINE) * 255).round().astype(np.uint8)
