"""Read items from the tables that they wrote."""

from typing import Any

import numpy as np
import pyarrow as pa

from par_core.evaluate.items.attributes import AttributeItems
from par_core.evaluate.items.figures import Items
from par_core.evaluate.items.person_search import PersonSearchItems
from par_core.evaluate.items.retrieval import RetrievalItems
from par_core.evaluate.items.segmentation import SegmentationItems

__all__ = ["items_of"]


def items_of(kind: str, table: pa.Table, thresholds: dict[str, float]) -> Items:
    """Read what ``table()`` wrote.

    Args:
        kind: ``attributes``, ``retrieval`` or ``segmentation``.
        table: With the columns of that kind.
        thresholds: Thresholds of the attributes that were scored.

    Raises:
        KeyError: A column is missing.
    """

    def column(name: str) -> Any:
        return table.column(name).to_numpy(zero_copy_only=False)

    match kind:
        case "attributes":
            attributes = tuple(
                name.removesuffix("_label") for name in table.column_names if name.endswith("_label")
            )
            labels, probabilities = (
                np.array([column(f"{name}_{what}") for name in attributes], np.float32)
                .reshape(len(attributes), table.num_rows)
                .T
                for what in ("label", "probability")
            )
            identities = table.column("identity").to_pylist() if "identity" in table.column_names else []
            names, who = tuple(table.column("image").to_pylist()), tuple(name or "" for name in identities)
            return AttributeItems(names, attributes, labels, probabilities, thresholds, who)
        case "retrieval" if "identity" in table.column_names:
            return PersonSearchItems.from_table(table)
        case "retrieval":
            labels, scores = (
                np.array(table.column(what).to_pylist(), np.float32).reshape(table.num_rows, -1)
                for what in ("labels", "scores")
            )
            return RetrievalItems(tuple(table.column("query").to_pylist()), labels, scores)
    matched, missed, false = (column(name).astype(np.int64) for name in ("matched", "missed", "false"))
    return SegmentationItems(
        tuple(table.column("image").to_pylist()), matched, missed, false, column("quality").astype(np.float32)
    )
