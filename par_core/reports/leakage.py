"""The page on leakage: shares by each way of comparing, the pairs side by side, and scores as given and
cleaned.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from par_core.config import ArchiveConfig
from par_core.evaluate.leakage.scores import CleanedScore
from par_core.evaluate.leakage.search import Leakage
from par_core.reports.document import Bar, Figure, Picture, Report, Section, Sheet, Table
from par_core.reports.thumbnails import side_by_side
from par_core.reports.wording import ends, number, signed, spoken, with_ends

__all__ = ["leakage_page"]

_MEANINGS: Final = {
    "identity": "the same pedestrian, by the data set's own identities",
    "digest": "the same bytes",
    "hash": "the same picture, encoded, scaled or slightly cropped again",
    "embedding": "the describer sees the same person, or another one dressed alike",
}
_SHARE: Final = (
    (
        "The share is that of Jia et al. 2020: of the test pictures that could be compared, those with a"
        " counterpart in train (val counts as train)."
    ),
    (
        "What is only suspected, by embedding, is in no share and is not cleaned away, unless par leakage"
        " is given --by embedding."
    ),
    (
        "Cleaned train is train without every counterpart of a test picture; cleaned test is test without"
        " every picture that has one."
    ),
)
_SCORES: Final = (
    "Differences are cleaned minus given. Intervals are 95 % percentile bootstraps, 1,000 resamples, over the"
    " identities of the test items where they are known, else over the items; the same for both."
)


def leakage_page(
    title: str,
    leakage: Leakage,
    figures: Mapping[str, Any],
    scores: Sequence[CleanedScore],
    top: int,
    about: Mapping[str, Any],
    config: ArchiveConfig,
) -> Report:
    """Return the page.

    Args:
        title: Heading of the page.
        leakage: Counterparts that were found.
        figures: Figures of :func:`par_core.evaluate.leakage.search.leakage_figures`.
        scores: Scores as given and cleaned; empty without a report.
        top: Number of pairs of each kind on the page.
        about: Provenance for the foot of the page.
        config: The limits on what is read of pictures.
    """
    numbers = (
        Figure("test pictures with a counterpart", _percent(figures["share"])),
        Figure("test pictures", f"{figures['test']:,}"),
        Figure("test pictures without one", f"{figures['test_kept']:,}"),
        Figure("train pictures", f"{figures['train']:,}"),
        Figure("train pictures without one", f"{figures['train_kept']:,}"),
        *(
            (Figure("identities in both", f"{figures['identities']['shared']:,}"),)
            if figures["identities"]["test"]
            else ()
        ),
    )
    columns = ("found by", "share of test", "test pictures", "not comparable", "train pictures")
    by_kind = {**figures["by_kind"], **figures["suspected"]}
    rows = tuple(
        (
            kind + (" (suspected)" if kind in figures["suspected"] else ""),
            _percent(row["share"]),
            *(f"{row[name]:,}" for name in ("test_leaked", "test_unknown", "train_leaked")),
        )
        for kind, row in by_kind.items()
    )
    meanings = "; ".join(f"{kind}: {_MEANINGS[kind]}" for kind in by_kind)
    sections = [
        Section("How it was found", f"{meanings[:1].upper()}{meanings[1:]}.", table=Table(columns, rows))
    ]
    if scores:
        sections.append(_scores(scores))
    if "embedding" in figures["thresholds"]:
        sections.append(_threshold(figures["thresholds"]["embedding"]))
    sections.append(_pairs(leakage, top, config))
    return Report(
        title,
        "Pictures of the test part that have a counterpart in the train part.",
        numbers,
        tuple(sections),
        _SHARE,
        about,
    )


def _scores(scores: Sequence[CleanedScore]) -> Section:
    rows = tuple(
        (
            spoken(score.name),
            signed(score.change.estimate),
            ends(score.change),
            with_ends(score.given),
            with_ends(score.cleaned),
        )
        for score in scores
    )
    bars = tuple(Bar.of(score.change) for score in scores)
    reach = (
        max((abs(end) for bar in bars for end in (bar.low, bar.value, bar.high) if end == end), default=0.0)
        or 1.0
    )
    return Section(
        "Scores as given and cleaned",
        _SCORES,
        table=Table(
            ("figure", "difference", "95 % interval", "given", "cleaned"), rows, bars, 0.0, (-reach, reach)
        ),
    )


def _threshold(near: Mapping[str, Any]) -> Section:
    if "given" in near:
        return Section(
            "When embeddings count as near",
            f"1 - cosine up to {near['max_distance']:.4f}, as asked for.",
        )
    note = (
        f"1 - cosine up to {near['max_distance']:.4f}: the largest at which at most"
        f" {near['false_positive_rate']:.2g} of {near['known_others']:,} pairs of different test pictures are"
        f" taken for one. About {near['pairs_expected_by_mistake']:,.0f} pairs of train and test are near by"
        " mistake."
        if near["max_distance"] >= 0
        else (
            "Different test pictures are as near to each other as copies are: this describer cannot tell them"
            " apart, and nothing counts as near."
        )
    )
    rows = tuple((name, _percent(share)) for name, share in near["copies_found_by_change"].items())
    return Section(
        "When embeddings count as near", note, table=Table(("copy of a test picture", "found"), rows)
    )


def _pairs(leakage: Leakage, top: int, config: ArchiveConfig) -> Section:
    sheets, pairs = [], leakage.pairs()
    for kind in _MEANINGS:
        of_kind = [pair for pair in pairs if pair["kind"] == kind]
        pictures = tuple(_pair(leakage, pair, config) for pair in of_kind[:top])
        if pictures:
            sheets.append(
                Sheet(
                    f"By {kind}",
                    f"{_MEANINGS[kind]}; {len(pictures):,} of {len(of_kind):,} pairs, nearest first",
                    pictures,
                    wide=True,
                )
            )
    note = (
        "Test on the left, its nearest counterpart in train on the right. All pairs are in pairs.csv."
        if sheets
        else "There are none."
    )
    return Section("Pairs", note, sheets=tuple(sheets))


def _pair(leakage: Leakage, pair: Mapping[str, Any], config: ArchiveConfig) -> Picture:
    test, train = leakage.test, leakage.train
    jpeg = side_by_side([part.files[pair[name]] for name, part in (("test", test), ("train", train))], config)
    measure = (
        test.identities[pair["test"]]
        if pair["kind"] == "identity"
        else f"{pair['distance']:g} bits"
        if pair["kind"] == "hash"
        else number(pair["distance"])
    )
    return Picture(
        jpeg,
        f"{pair['kind']}: {measure}",
        f"{_short(test.names[pair['test']])}  |  {_short(train.names[pair['train']])}",
    )


def _short(path: Any) -> str:
    return f"{path.parent.name}/{path.name}"


def _percent(share: float | None) -> str:
    return "–" if share is None or share != share else f"{100 * share:.1f}\u202f%"
