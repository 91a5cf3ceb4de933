"""Searching from a program or a notebook: one call, and an answer that shows itself."""

import base64
import io
import re
import warnings
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from PIL import Image

from par_core.access import Access, Caller, question_text
from par_core.config import RunConfig, load_config
from par_core.errors import BadConfigError
from par_core.option_names import as_arguments
from par_core.pages import page_environment
from par_core.plurals import number_of
from par_core.query.answer import Hit, SearchResult
from par_core.query.certainty import certainty
from par_core.query.crops import crops_of
from par_core.query.from_store import Question, Searcher
from par_core.store.lance import PeopleIndex

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Results", "search", "search_with"]

_SHOWN: Final = 24  # people that a notebook shows
_THUMBNAIL_PX: Final = 240  # height
_CHIPS: Final = 3
_SWATCH: Final = re.compile(r'\[data-colour="([a-z]+)"\] \{ background: (#[0-9a-f]{6}); \}')
_FIELDS: Final = {
    "rank": pa.int32(),
    "person_id": pa.string(),
    "image_id": pa.string(),
    "uri": pa.string(),
    "source_state": pa.string(),
    "cosine": pa.float32(),
    "probability": pa.float32(),
    "captured_at": pa.timestamp("us"),
    "height_px": pa.float32(),
    "cutout": pa.float32(),
    "score": pa.float32(),
    "upper_color": pa.string(),
    "lower_color": pa.string(),
}


def search(
    text: str | None = None,
    *,
    store: str | Path = "store",
    image: str | Path | None = None,
    where: str | None = None,
    top: int = 20,
    absent: bool = False,
    weak: bool = False,
    apart: bool = False,
    version: str = "live",
    profile: str | None = None,
    config: str | Path | None = None,
) -> "Results":
    """Find people by words, by a picture, or by a filter; best first.

    Args:
        text: A question in the language of ``par search``, such as ``man AND backpack AND NOT hat``; plain
            words work too.
        store: Folder of the store.
        image: Picture; people like its largest person are found. With a text, both must fit.
        where: Only people for whom this filter holds; see ``docs/data-contract.md`` for the columns.
        top: Maximum number of hits, 1 to 10,000.
        absent: Also people whose file has vanished or was replaced.
        weak: Also hits below the cutoff.
        apart: Hits of one image, and of nearly the same picture, each by itself instead of in the ``similar``
            of the best of them.
        version: Version of the index: ``live``, ``latest``, or a number.
        profile: Profile of the models; default ``compact``.
        config: TOML file with settings.

    Returns:
        The hits: ``len``, iteration, ``table``, ``to_pandas()``, ``crops()``; in a notebook it shows the
            first hits.

    Raises:
        BadConfigError: There is no such store, or the question or the filter is wrong.
        FingerprintError: The store was filled with another model.
    """
    settings = load_config(Path(config) if config is not None else None, profile=profile)
    searcher = Searcher(Path(store), settings, version)
    picture = Path(image) if image is not None else None
    return search_with(searcher, Question(text, picture, where, top, absent, weak, apart, near=True))


def search_with(searcher: Searcher, question: Question) -> "Results":
    """Ask a store that is open already, and record the question in its audit log.

    Args:
        searcher: The store.
        question: The question.

    Raises:
        BadConfigError: ``top`` is not in 1 to 10,000, or the question or the filter is wrong.
        FingerprintError: The store was filled with another model.
    """
    if not 1 <= question.top <= 10_000:
        raise BadConfigError(f"top is 1 to 10,000, got {question.top}")
    access = Access.open(searcher.store.root, searcher.config.access.audit_days)
    asked_text = question_text(question.text, question.image, question.where)
    with access.recording(
        Caller.local(), "search", asked_text, how="python", unrecorded=warnings.warn
    ) as recorded:
        result = searcher.ask(question)
        recorded.count = len(result.hits)
    return Results(result, searcher, searcher.index(), searcher.config)


class Results:
    """The answer to one search.

    Args:
        result: The hits.
        searcher: The store.
        index: The version of the index that answered.
        config: The settings.
    """

    def __init__(
        self, result: SearchResult, searcher: Searcher, index: PeopleIndex, config: RunConfig
    ) -> None:
        self.result = result
        self._searcher, self._index, self._config = searcher, index, config
        self._cut: dict[int, tuple[bytes | None, str]] = {}

    def __len__(self) -> int:
        return len(self.result.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.result.hits)

    def __getitem__(self, place: int) -> Hit:
        return self.result.hits[place]

    def __repr__(self) -> str:
        return f"<{len(self)} of {number_of(self.result.searched, 'person')}: {self.result.question!r}>"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes for the user."""
        return tuple(map(as_arguments, self.result.warnings))

    @cached_property
    def table(self) -> pa.Table:
        """One row per hit: rank, ids, uri, scores, colours, ``x1`` to ``y2`` in pixels, ``seen`` (a list),
        and one column per attribute (its probability).
        """
        hits = self.result.hits
        columns = {
            name: pa.array([getattr(hit, name) for hit in hits], kind) for name, kind in _FIELDS.items()
        }
        columns |= {
            name: pa.array([hit.box[i] for hit in hits], pa.float32())
            for i, name in enumerate(("x1", "y1", "x2", "y2"))
        }
        columns["seen"] = pa.array([list(hit.seen) for hit in hits], pa.list_(pa.string()))
        columns |= {
            name: pa.array([hit.attributes.get(name) for hit in hits], pa.float32())
            for name in self._index.info.attributes
        }
        return pa.table(columns)

    def to_pandas(self) -> "pd.DataFrame":
        """Return the table as a pandas data frame.

        Raises:
            BadConfigError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise BadConfigError(
                "pandas is not installed; pip install pandas, or use .table (Arrow)"
            ) from error
        return self.table.to_pandas()

    def crops(self, top: int | None = None) -> list[Image.Image | None]:
        """Return pictures of the hits, best first, RGB and 320 pixels high, the background dimmed; cut from
        the archive at the first call.

        Args:
            top: Number of hits from the first on; None is all.

        Returns:
            One picture per hit; None where the file has vanished or was replaced.
        """
        cut = self._crops(len(self) if top is None else min(top, len(self)))
        return [None if jpeg is None else Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg, _ in cut]

    def _crops(self, top: int) -> list[tuple[bytes | None, str]]:
        missing = [place for place in range(top) if place not in self._cut]
        hits = [self.result.hits[place] for place in missing]
        cut = crops_of(hits, self._searcher.store, self._index.info.segment_config, self._config.archive)
        self._cut |= {place: (crop.jpeg, crop.trouble) for place, crop in zip(missing, cut, strict=True)}
        return [self._cut[place] for place in range(top)]

    def _repr_html_(self) -> str:
        """Return small pictures of the first hits for a notebook: one piece of HTML, without scripts and
        without anything loaded from elsewhere.
        """
        hits = self.result.hits[:_SHOWN]
        cards = [
            self._card(hit, jpeg, trouble)
            for hit, (jpeg, trouble) in zip(hits, self._crops(len(hits)), strict=True)
        ]
        return _template().render(result=self.result, cards=cards, sure=certainty(self.result))

    @staticmethod
    def _card(hit: Hit, jpeg: bytes | None, trouble: str) -> dict[str, Any]:
        """Return what a card of the page shows too: colours of clothes, what is seen, how each part fits."""
        worn = [
            (where, colour, _swatches().get(colour, "transparent"))
            for where, colour in (("above", hit.upper_color), ("below", hit.lower_color))
            if colour
        ]
        parts = [part for part in hit.parts if part.detail_of is None]
        return {
            "hit": hit,
            "picture": _thumbnail(jpeg) if jpeg else None,
            "trouble": trouble,
            "worn": worn,
            "description": ", ".join(name.replace("_", " ") for name in hit.seen[:_CHIPS]),
            "why": ", ".join(f"{'' if part.wanted else 'not '}{part.text} {part.fit:.0%}" for part in parts)
            if len(parts) > 1
            else "",
        }


def _thumbnail(jpeg: bytes) -> str:
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.thumbnail((2 * _THUMBNAIL_PX, _THUMBNAIL_PX))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()


@lru_cache(maxsize=1)
def _template() -> Any:
    return page_environment("par_core.query").get_template("notebook.html")


@lru_cache(maxsize=1)
def _swatches() -> dict[str, str]:
    """Return the colours that the page shows for the names of colours."""
    environment = page_environment("par_core.query")
    assert environment.loader is not None
    palette, _, _ = environment.loader.get_source(environment, "palette.css")
    return dict(_SWATCH.findall(palette))
