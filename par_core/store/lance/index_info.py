"""What a table was made with. It is kept in the metadata of the table's schema, so that a query with another
model can be refused before it runs.
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
    """What a table was made with.

    Attributes:
        segment_config: Id of the segmentation that it shows.
        describe_config: Id of the description that it shows.
        embedding: Fingerprint of the joint image and text model; a query must have the same.
        profile: Name of the profile.
        attributes: Names of the attribute columns.
        thresholds: The probability from which each of them counts as seen.
    """

    segment_config: str
    describe_config: str
    embedding: str
    profile: str
    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]

    @classmethod
    def of(cls, schema: pa.Schema) -> "IndexInfo":
        """What a table's schema says.

        Raises:
            KeyError: It says nothing.
        """
        stored = json.loads((schema.metadata or {})[_KEY])
        return cls(
            **{**stored, "attributes": tuple(stored["attributes"]), "thresholds": tuple(stored["thresholds"])}
        )

    def as_metadata(self) -> Mapping[bytes, bytes]:
        """For the schema of a table."""
        return {_KEY: json.dumps(asdict(self)).encode()}
