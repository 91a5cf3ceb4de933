"""The public API of PAR: ``import par_core as par``.

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

from par_core.api_tagging import ArchiveTagging
from par_core.option_names import with_arguments_named

if TYPE_CHECKING:
    from par_core.config import RunConfig
    from par_core.export.folder import ExportReport
    from par_core.query.from_store import Searcher
    from par_core.query.notebook import Results
    from par_core.stages.here import IndexSummary
    from par_core.store.status_file import StatusReport

__all__ = ["Archive", "open"]


def open(
    store: str | Path, *, profile: str | None = None, config: str | Path | None = None, **settings: Any
) -> "Archive":
    """Return the archive of a store, to search, fill or export it. Nothing is read or written yet.

    Args:
        store: Folder of the store, or ``s3://BUCKET/PREFIX``; :meth:`Archive.index` creates it if it is
            missing.
        profile: Name of the models: ``compact`` (default, shipped) or ``clip`` (local weights).
        config: TOML file with settings, or None.
        settings: Further settings by key, such as ``machine={"device": "cuda"}``; they override the file.

    Raises:
        BadConfigError: A setting is wrong, or a store cannot be at this URL.

    Example:
        >>> archive = par.open("store")
        >>> archive
        Archive('store')
    """
    from par_core.config import load_config

    file = Path(config) if config is not None else None
    return Archive(Path(store), load_config(file, profile=profile, **settings))


@with_arguments_named
class Archive(ArchiveTagging):
    """A store of described people. Models and tables stay loaded between calls; may be shared by threads.

    Args:
        store: Folder of the store, or ``s3://BUCKET/PREFIX``.
        config: Configuration of models and machine.
    """

    def __init__(self, store: Path, config: "RunConfig") -> None:
        from par_core.store_folder import store_folder

        self._named, self.path = store, store_folder(store)
        self.config = config

    def __repr__(self) -> str:
        from par_core.object_store.places import url_of

        return f"Archive({(url_of(self._named) or str(self._named))!r})"

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
        """Search for people by words, by a picture, or by a filter; best hits first.

        Args:
            text: Question in the language of ``par search``, such as ``man AND backpack AND NOT hat``; plain
                words work too.
            image: Picture whose largest person the hits must resemble; with a text, both must fit.
            where: Filter that the hits must match; ``docs/data-contract.md`` lists the columns.
            top: Largest number of hits, 1 to 10,000.
            include_missing: Whether people are included whose file was deleted or replaced.
            include_low_confidence: Whether hits are included whose probability is below the cutoff.
            grouping: Whether hits of one image, and of near-duplicate pictures, are put into ``similar`` of
                the best of them.

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
        question = Question(
            text, picture, where, top, include_missing, include_low_confidence, not grouping, near=True
        )
        return search_with(self._searcher, question)

    def index(
        self, *sources: str | Path, retry_failed: bool = False, accept_empty: bool = False
    ) -> "IndexSummary":
        """Make archives searchable in this process; ``par index`` does the same with many workers.

        Call it again to continue a stopped run, or to update the store after files were added, changed or
        deleted.

        Args:
            sources: Folders, ``.zip``, ``.tar(.gz)``, ``.txt`` lists of paths, pictures, or URLs.
            retry_failed: Whether files that failed before are tried again.
            accept_empty: Whether the files of a source that holds none any more count as vanished; else the
                source is left as it was, and ``plan.emptied`` names it.

        Raises:
            BadConfigError: A source or a setting is wrong.
            StoreError: Another process is writing to the store.
            TransientError: Transient trouble with storage or memory; finished shards are committed.

        Example:
            >>> summary = archive.index("photos/")
            >>> summary.plan.unchanged
            5
        """
        from par_core.errors import BadConfigError
        from par_core.stages.here import index_here
        from par_core.store.layout import Store
        from par_core.store_folder import store_folder

        if not sources:
            raise BadConfigError("name a source, such as a folder of photographs")
        summary = index_here(
            Store.create(store_folder(self._named, writing=True)),
            [str(source) for source in sources],
            self.config,
            retry_failed=retry_failed,
            accept_empty=accept_empty,
        )
        Store(self.path).refresh()
        return summary

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
        segmentation: Literal["rle", "polygon"] | None = None,
    ) -> "ExportReport":
        """Export people with their boxes, masks, attributes and sources for other programs.

        Args:
            out: Folder to create; it is written as a whole or not at all.
            form: Format: ``parquet``, ``csv``, ``coco`` or ``fiftyone``.
            query: Search whose hits are exported; None for all people.
            where: Filter that the people must match, or None.
            top: Largest number of hits of the query, 1 to 10,000.
            crops: Treatment of the background in a JPEG of every person (eliminated, blurred or kept); None
                for no JPEGs.
            vectors: Whether the embeddings are exported too.
            force: Whether an existing export is replaced.
            segmentation: How ``coco`` and ``fiftyone`` write outlines: ``rle`` (run-lengths, exact; also for
                None) or ``polygon`` (holes are filled).

        Raises:
            BadConfigError: The folder exists, or the query or the filter is wrong.
            FingerprintError: There is a query and the store was filled with another model.

        Example:
            >>> report = archive.export("people", "csv", where="height_px > 50")
            >>> (report.out / "people.csv").is_file()
            True
        """
        import warnings

        from par_core.access import Access, Caller, question_text
        from par_core.export.folder import ExportRequest, export_people

        request = ExportRequest(form, Path(out), query, where, top, crops, vectors, force, segmentation)
        searcher = self._searcher
        access = Access.open(self.path, self.config.access.audit_days)
        what = question_text(query, None, where) or "everybody"
        with access.recording(
            Caller.local(), "export", what, how="python", unrecorded=warnings.warn
        ) as event:
            report = export_people(searcher, request)
            event.count = report.people
        return report

    def status(self) -> "StatusReport":
        """Return the content of the store: accounting, index, versions.

        Raises:
            BadConfigError: There is no such store.
            StoreError: The store is damaged.

        Example:
            >>> archive.status().rows > 0
            True
        """
        from par_core.stages.status import store_status
        from par_core.store.layout import Store

        return store_status(Store.open(self.path))

    @cached_property
    def _searcher(self) -> "Searcher":  # type: ignore[override]
        from par_core.query.from_store import Searcher

        return Searcher(self.path, self.config)
