"""The models that described the people of a store."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from par_core.store.schemas import index_schema

__all__ = ["DescribedWith"]


@dataclass(frozen=True, slots=True)
class DescribedWith:
    """Models of the shards of a description, as their manifests say.

    Attributes:
        attributes: Names of the attribute columns.
        thresholds: Probability from which each attribute counts as present.
        embedding_size: Length of the vectors.
        embedding: Fingerprint of the joint image and text model.
    """

    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]
    embedding_size: int
    embedding: str

    @classmethod
    def of_info(cls, info: Mapping[str, Any]) -> "DescribedWith":
        """Read it from the provenance in the manifest of a described shard."""
        return cls(
            tuple(info["attributes"]), tuple(info["thresholds"]), info["embedding_size"], info["embedding"]
        )

    @classmethod
    def of_json(cls, text: str) -> "DescribedWith":
        """Read it from the text of ``as_json``."""
        return cls.of_info(json.loads(text))

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @property
    def schema(self) -> pa.Schema:
        """The schema of the index."""
        return index_schema(self.attributes, self.embedding_size)
