"""From rows of the index to the hits that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from jaxtyping import Float64

from par_core.query.answer import Hit, PartScore
from par_core.query.parts import People

__all__ = ["fold", "hits_of"]


def hits_of(
    people: People,
    thresholds: Mapping[str, float],
    probabilities: Float64[np.ndarray, " n"] | None,
    cosines: Float64[np.ndarray, " n"] | None,
    ranks: Sequence[int],
    explained: Sequence[tuple[PartScore, ...]],
) -> tuple[Hit, ...]:
    """A hit for each of n people.

    Args:
        people: Best first.
        thresholds: The probability from which each attribute counts as seen.
        probabilities: In [0, 1]; None where the question is not judged.
        cosines: With the question, NaN where there is none; None where nothing was compared.
        ranks: 1 is best.
        explained: How well each part of the question fits.
    """
    rows = people.table.drop_columns(["vector", "uris", "row_digest"]).to_pylist()
    told = [{name: row[name] for name in people.attributes if row[name] is not None} for row in rows]
    return tuple(
        Hit(
            rank=ranks[i],
            **{
                key: row[key]
                for key in (
                    "person_id",
                    "image_id",
                    "uri",
                    "source_state",
                    "shard",
                    "upper_color",
                    "lower_color",
                    "captured_at",
                    "height_px",
                    "score",
                )
            },
            box=(row["x1"], row["y1"], row["x2"], row["y2"]),
            cosine=None if cosines is None or np.isnan(cosines[i]) else float(cosines[i]),
            probability=None if probabilities is None else float(probabilities[i]),
            attributes=told[i],
            seen=tuple(
                sorted(
                    (name for name, p in told[i].items() if p >= thresholds.get(name, 0.5)),
                    key=told[i].__getitem__,
                    reverse=True,
                )
            ),
            parts=explained[i],
        )
        for i, row in enumerate(rows)
    )


def fold(hits: Sequence[Hit], groups: Sequence[Sequence[int]]) -> tuple[Hit, ...]:
    """The first hit of each group, with the others behind it.

    Args:
        hits: In the order of the groups.
        groups: Only their lengths count.
    """
    rest = iter(hits)
    told = []
    for rows in groups:
        leader, *others = islice(rest, len(rows))
        told.append(replace(leader, similar=tuple(others)) if others else leader)
    return tuple(told)
