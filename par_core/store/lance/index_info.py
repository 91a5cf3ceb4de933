"""Configuration and models that a table was made with. They are kept in the metadata of the table's schema,
so that a query with another model can be refused before it runs.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import pyarrow as pa

__all__ = ["IndexInfo"]

_KEY: Final = b"par.index"


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """Configuration and models that a table was made with.

    Attributes:
        segment_config: Id of the segmentation that it shows.
        describe_config: Id of the description that it shows.
        embedding: Fingerprint of the joint image and text model; a query must have the same.
        profile: Name of the profile.
        attributes: Names of the attribute columns.
        thresholds: Probability from which each attribute counts as present.
    """

    segment_config: str
    describe_config: str
    embedding: str
    profile: str
    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]

    @classmethod
    def of(cls, schema: pa.Schema) -> "IndexInfo":
        """Read it from a table's schema.

        Raises:
            KeyError: The schema does not have it.
        """
        stored = json.loads((schema.metadata or {})[_KEY])
        return cls(
            **{**stored, "attributes": tuple(stored["attributes"]), "thresholds": tuple(stored["thresholds"])}
        )

    def as_metadata(self) -> Mapping[bytes, bytes]:
        """Return the metadata for the schema of a table."""
        return {_KEY: json.dumps(asdict(self)).encode()}
