"""Tables of an export: Parquet and CSV, written a batch at a time."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

__all__ = ["CsvTable", "ParquetTable", "harmless"]

# first characters that make a spreadsheet take a cell for a formula (OWASP, CSV injection)
_FORMULA: Final = r"^[=+\-@\t\r\n]"


class ParquetTable:
    """A Parquet file. The metadata of its schema holds its provenance, as JSON under ``par.export``.

    Args:
        path: Path of the file.
        schema: Schema of the tables to be written.
        provenance: Provenance of the export.
    """

    def __init__(self, path: Path, schema: pa.Schema, provenance: Mapping[str, Any]) -> None:
        self._schema = schema.with_metadata(
            {b"par.export": json.dumps(provenance, ensure_ascii=False).encode()}
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> "ParquetTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self._writer.write_table(table.select(self._schema.names).cast(self._schema))


class CsvTable:
    """A CSV file in UTF-8. A text that a spreadsheet would take for a formula begins with an apostrophe;
    several values of a person are joined by ``; ``.

    Args:
        path: Path of the file.
        schema: Schema of the tables to be written.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        texts = [
            pa.field(field.name, pa.string()) if pa.types.is_list(field.type) else field for field in schema
        ]
        self._schema = pa.schema(texts)
        self._writer = pcsv.CSVWriter(
            path, self._schema, write_options=pcsv.WriteOptions(quoting_style="needed")
        )

    def __enter__(self) -> "CsvTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        columns = []
        for field in self._schema:
            column = table[field.name]
            if pa.types.is_list(column.type):
                column = pc.binary_join(column, "; ")
            columns.append(harmless(column) if pa.types.is_string(field.type) else column)
        self._writer.write_table(pa.table(columns, schema=self._schema))


def harmless(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts that no spreadsheet runs as a formula: a text that begins with ``=``, ``+``, ``-``, ``@``,
    a tab or a line break gets an apostrophe in front.
    """
    return pc.if_else(
        pc.match_substring_regex(texts, _FORMULA), pc.binary_join_element_wise("'", texts, ""), texts
    )
