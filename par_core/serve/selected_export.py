"""The export of chosen people as one file."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from par_core.errors import BadConfigError
from par_core.export.folder import ExportRequest, export_people
from par_core.query.from_store import Searcher
from par_core.serve.service import ArchiveService
from par_core.tags.change import MOST_AT_ONCE

__all__ = ["FORMS", "SelectedForm", "export_selected"]

SelectedForm = Literal["csv", "parquet", "coco"]
#: Formats without pictures.
FORMS: Final[tuple[SelectedForm, ...]] = ("csv", "parquet", "coco")
_HEX: Final = frozenset("0123456789abcdef")


def export_selected(
    service: ArchiveService, person_ids: Sequence[str], form: SelectedForm
) -> tuple[bytes, int]:
    """Return the export of some people as a zip file, and the number of people in it.

    Args:
        service: The store.
        person_ids: Ids of the people, at most 1,000; who is not in the index or whose file is gone is left
            out.
        form: ``csv``, ``parquet`` or ``coco``.

    Raises:
        BadConfigError: Nobody is named, these are too many, an id is none, or nobody of them is there.
        NotReadyError: The index holds no people yet.
    """
    ids = tuple(dict.fromkeys(person_ids))
    if not 1 <= len(ids) <= MOST_AT_ONCE or not all(
        one and len(one) <= 64 and set(one) <= _HEX for one in ids
    ):
        raise BadConfigError(f"choose 1 to {MOST_AT_ONCE:,} people by their ids")
    service.versions()
    with tempfile.TemporaryDirectory(prefix="par-export-") as folder:
        out = Path(folder) / "people"
        request = ExportRequest(form, out, people=ids)
        report = export_people(Searcher(service.store.root, service.config), request)
        if not report.people:
            raise BadConfigError("nobody of them is in the index with their file")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(out.rglob("*")):
                file.write(path, path.relative_to(out.parent))
        return content.getvalue(), report.people
