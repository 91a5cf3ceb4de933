"""The public face of PAR for programs: ``import par_core as par``.

>>> archive = par.open("store")
>>> summary = archive.index("photos/")
>>> print(summary.accounting)
5 files listed = 4 indexed + 1 without people + 0 failed + 0 duplicates
>>> hits = archive.search("red", top=3)
>>> hits[0].uri.endswith(".png")
True
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from par_core.config import RunConfig
    from par_core.export.folder import ExportReport
    from par_core.query.from_store import Searcher
    from par_core.query.notebook import Results
    from par_core.stages.check import StatusReport
    from par_core.stages.here import IndexSummary

__all__ = ["Archive", "open"]


def open(
    store: str | Path, *, profile: str | None = None, config: str | Path | None = None, **settings: Any
) -> "Archive":
    """Name a store to search, fill or export. Nothing is read or written yet.

    Args:
        store: Folder of the store; :meth:`Archive.index` makes it where there is none.
        profile: Names the models: ``compact`` (default, shipped) or ``clip`` (local weights).
        config: TOML file with settings, or None.
        settings: Further settings by key, such as ``machine={"device": "cuda"}``; they override the file.

    Raises:
        BadConfigError: A setting is wrong, or ``store`` is a URL.

    Example:
        >>> archive = par.open("store")
        >>> archive
        Archive('store')
    """
    from par_core.config import load_config

    file = Path(config) if config is not None else None
    return Archive(Path(store), load_config(file, profile=profile, **settings))


class Archive:
    """A store of described people. Models and tables stay loaded between calls; may be shared by threads.

    Args:
        store: Folder of the store.
        config: The settings.
    """

    def __init__(self, store: Path, config: "RunConfig") -> None:
        from par_core.config import store_folder

        self.path = store_folder(store)
        self.config = config

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def search(
        self,
        text: str | None = None,
        *,
        image: str | Path | None = None,
        where: str | None = None,
        top: int = 20,
        include_missing: bool = False,
        include_low_confidence: bool = False,
        grouping: bool = True,
    ) -> "Results":
        """Find people by words, by a picture, or by a filter; best first.

        Args:
            text: In the language of ``par search``, such as ``man AND backpack AND NOT hat``; plain words
                will do.
            image: People like the largest person in this picture; with a text, both must fit.
            where: Only people for whom this filter holds; ``docs/data-contract.md`` lists the columns.
            top: Hits at most, 1 to 10,000.
            include_missing: Also people whose file has vanished or was replaced.
            include_low_confidence: Also hits that are less likely than the cutoff to be what the text asks
                for.
            grouping: Put hits of one image, and of nearly the same picture, into ``similar`` of the best of
                them.

        Returns:
            The hits: ``len``, iteration, ``table``, ``to_pandas()``, ``crops()``; a notebook shows the first
                of them as pictures.

        Raises:
            BadConfigError: There is no such store, or the question or the filter is wrong.
            FingerprintError: The store was filled with another model.

        Example:
            >>> hits = archive.search("a person in red", top=2)
            >>> [hit.rank for hit in hits]
            [1, 2]
            >>> hits.table.column_names[:3]
            ['rank', 'person_id', 'image_id']
        """
        from par_core.query.from_store import Question
        from par_core.query.notebook import search_with

        picture = Path(image) if image is not None else None
        question = Question(text, picture, where, top, include_missing, include_low_confidence, not grouping)
        return search_with(self._searcher, question)

    def index(self, *sources: str | Path, retry_failed: bool = False) -> "IndexSummary":
        """Make archives searchable in this process; ``par index`` does the same with many workers.

        Call it again to continue a stopped run, or to take up what is new, changed or gone.

        Args:
            sources: Folders, ``.zip``, ``.tar(.gz)``, ``.txt`` lists of paths, pictures, or URLs.
            retry_failed: Also take up files that failed before.

        Raises:
            BadConfigError: A source or a setting is wrong.
            StoreError: Another process is writing to the store.
            TransientError: Storage or memory trouble that may pass; what was finished is committed.

        Example:
            >>> summary = archive.index("photos/")
            >>> summary.plan.unchanged
            5
        """
        from par_core.errors import BadConfigError
        from par_core.stages.here import index_here
        from par_core.store.layout import Store

        if not sources:
            raise BadConfigError("name a source, such as a folder of photographs")
        return index_here(
            Store.create(self.path),
            [str(source) for source in sources],
            self.config,
            retry_failed=retry_failed,
        )

    def export(
        self,
        out: str | Path,
        form: Literal["parquet", "csv", "coco", "fiftyone"] = "parquet",
        *,
        query: str | None = None,
        where: str | None = None,
        top: int = 1_000,
        crops: Literal["eliminate", "blur", "keep"] | None = None,
        vectors: bool = False,
        force: bool = False,
    ) -> "ExportReport":
        """Write people, and all that is known of them, for other programs.

        Args:
            out: Folder to make; it is complete or absent.
            form: ``parquet``, ``csv``, ``coco`` or ``fiftyone``.
            query: Only the hits of this search; None for everybody.
            where: Only people for whom this filter holds.
            top: Hits of a query at most, 1 to 10,000.
            crops: Also a JPEG of every person, with the background eliminated, blurred or kept.
            vectors: Also the embeddings.
            force: Replace an export that is there.

        Raises:
            BadConfigError: The folder is there, or the query or the filter is wrong.
            FingerprintError: There is a query and the store was filled with another model.

        Example:
            >>> report = archive.export("people", "csv", where="height_px > 50")
            >>> (report.out / "people.csv").is_file()
            True
        """
        import warnings

        from par_core.access import Access, Caller, question_text
        from par_core.export.folder import ExportRequest, export_people

        request = ExportRequest(form, Path(out), query, where, top, crops, vectors, force)
        searcher = self._searcher
        access = Access.open(self.path, self.config.access.audit_days)
        asked = question_text(query, None, where) or "everybody"
        with access.recording(
            Caller.local(), "export", asked, how="python", unrecorded=warnings.warn
        ) as recorded:
            report = export_people(searcher, request)
            recorded.count = report.people
        return report

    def status(self) -> "StatusReport":
        """Say what the store holds.

        Raises:
            BadConfigError: There is no such store.
            StoreError: The store is damaged.

        Example:
            >>> archive.status().rows > 0
            True
        """
        from par_core.stages.check import store_status
        from par_core.store.layout import Store

        return store_status(Store.open(self.path))

    @cached_property
    def _searcher(self) -> "Searcher":
        from par_core.query.from_store import Searcher

        return Searcher(self.path, self.config)
