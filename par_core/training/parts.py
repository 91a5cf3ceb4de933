"""The three parts of a data set: people and photographs that train, that choose, and that are reported on.

Whatever is picked by its score (a step of a run, a calibration, a threshold, a weight) is picked on the part
that chooses. Figures come from the part to report on, which decided nothing of that kind.
"""

from collections.abc import Iterable

from par_core.ids import digest_of

__all__ = ["choosing"]


def choosing(names: Iterable[str]) -> frozenset[str]:
    """Return which of the names that were held out from training choose: the first half by the digests of the
    names (one less of an odd number); the others are reported on.

    Args:
        names: Names of files, or of groups of files that stay together; repeated ones count once.
    """
    ordered = sorted(set(names), key=lambda name: digest_of("part", name))
    return frozenset(ordered[: len(ordered) // 2])
