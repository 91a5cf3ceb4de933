"""Search for byte strings: for many at once, in time that grows with the bytes and hardly with the strings;
for few by Python's own search, which is faster then.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

__all__ = ["SHORTEST", "ByteSearch"]

SHORTEST: Final = 8  # bytes: length of the key of each string
_CHUNK: Final = 4 * 2**20
_HASH_BITS: Final = 22
_FEW: Final = 16  # strings; so many are found one by one as fast as all at once


class ByteSearch:
    """Finds which of some strings occur in a buffer, at any offset.

    The key of a string is eight of its bytes, those with the most different values. A table of hashes of the
    first four of them sorts out nearly every offset of a buffer, a sorted list of all eight nearly all the
    rest, and what is left is compared in full.

    Args:
        strings: Strings of at least ``SHORTEST`` bytes; may be none.
    """

    def __init__(self, strings: Sequence[bytes]) -> None:
        self._strings = strings
        # number and offset of the strings that have a key
        self._by_key: dict[int, list[tuple[int, int]]] = {}
        self._hashes = np.zeros(2**_HASH_BITS, bool)
        for number, string in enumerate(strings):
            if len(string) < SHORTEST:
                raise ValueError(f"{len(string)} bytes are too few to look for; at least {SHORTEST}")
            offset = _key_offset(string)
            key = string[offset : offset + SHORTEST]
            self._by_key.setdefault(int.from_bytes(key, "little"), []).append((number, offset))
            self._hashes[_hashed(np.frombuffer(key[:4], np.uint32))] = True
        self._keys = np.array(sorted(self._by_key), np.uint64)

    def find(self, buffer: bytes | memoryview | np.ndarray) -> set[int]:
        """Return the numbers of the strings that occur in a buffer of bytes."""
        data = np.frombuffer(buffer, np.uint8)
        present: set[int] = set()
        if not len(self._keys):
            return present
        if len(self._strings) <= _FEW:
            return self._find_few(data)
        for start in range(0, max(len(data) - SHORTEST + 1, 0), _CHUNK):
            part = data[start : start + _CHUNK + SHORTEST - 1]
            candidates = self._candidates(part)
            keys = np.zeros(len(candidates), np.uint64)
            for i in range(SHORTEST):
                keys |= part[candidates + i].astype(np.uint64) << np.uint64(8 * i)
            places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            hits = np.flatnonzero(self._keys[places] == keys)
            for at, key in zip((candidates[hits] + start).tolist(), keys[hits].tolist(), strict=True):
                present.update(
                    number
                    for number, offset in self._by_key[key]
                    if number not in present and self._is_at(data, at - offset, number)
                )
        return present

    def _find_few(self, data: np.ndarray) -> set[int]:
        """Search for one string after another in parts of a buffer, each with the begin of the next part."""
        present, longest = set[int](), max(map(len, self._strings))
        for start in range(0, len(data), _CHUNK):
            part = data[start : start + _CHUNK + longest - 1].tobytes()
            present.update(number for number, string in enumerate(self._strings) if string in part)
        return present

    def _candidates(self, part: np.ndarray) -> np.ndarray:
        """Return offsets at which a key may begin: the hash of four bytes fits, and eight have room."""
        offsets = []
        for shift in range(4):
            n_words = (len(part) - SHORTEST - shift) // 4 + 1
            if n_words > 0:
                words = part[shift : shift + 4 * n_words].view(np.uint32)
                offsets.append(np.flatnonzero(self._hashes[_hashed(words)]) * 4 + shift)
        return np.concatenate(offsets)

    def _is_at(self, data: np.ndarray, start: int, number: int) -> bool:
        string = self._strings[number]
        return start >= 0 and data[start : start + len(string)].tobytes() == string


def _hashed(words: np.ndarray) -> np.ndarray:
    """Knuth's multiplicative hash of 32-bit words, in ``_HASH_BITS`` bits."""
    return (words * np.uint32(2_654_435_761)) >> np.uint32(32 - _HASH_BITS)


def _key_offset(string: bytes) -> int:
    """Return the offset of the eight bytes with the most different values. Of several, it is the last: names
    differ at their end.
    """
    offsets = (
        range(min(len(string) - SHORTEST + 1, 256))
        if len(string) > 512
        else range(len(string) - SHORTEST + 1)
    )
    return max(offsets, key=lambda offset: (len(set(string[offset : offset + SHORTEST])), offset))
