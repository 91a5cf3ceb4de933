"""What ``par plan`` says of a run that was not begun."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from par_core.plurals import number_of
from par_core.stages.foresee import Foreseen
from par_core.stages.sample import Range, Sample

__all__ = ["Prediction", "plan_lines", "plan_object", "predict"]

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the night would cost and give.

    Attributes:
        hours: Hours of work on shards, without listing, commits and the gate.
        people_rows: Rows of people in Parquet.
        index_rows: Rows that the index gets.
        parquet_bytes: Bytes of Parquet and manifests.
        index_bytes: Bytes of the index, rather too many than too few; None where the sample held nobody.
    """

    hours: Range
    people_rows: Range
    index_rows: Range
    parquet_bytes: Range
    index_bytes: Range | None


def predict(foreseen: Foreseen, sample: Sample, workers: int, shards: int) -> Prediction:
    """Return what the due files will cost, by what a sample of them has cost.

    Args:
        foreseen: The work.
        sample: The sample.
        workers: Number of workers that share the work, >= 1; each is taken to be as fast as the sample's.
        shards: Number of shards of the run.
    """
    files = len(foreseen.due)
    described = sample.described.times(files)
    a_row = sample.index_bytes_a_row
    return Prediction(
        hours=sample.seconds.times((files - foreseen.expected) / workers / 3600),
        people_rows=sample.people.times(files),
        index_rows=described,
        parquet_bytes=sample.parquet_bytes.times(files).plus(sample.shard_bytes * shards),
        index_bytes=None if a_row is None else described.times(a_row),
    )


def plan_lines(
    foreseen: Foreseen, sample: Sample | None, prediction: Prediction | None, workers: int
) -> Iterator[str]:
    """Yield the counts, the sample, the prediction, and what it does not know."""
    left = f", {foreseen.pending} left by a stopped run" if foreseen.pending else ""
    yield (
        f"{number_of(foreseen.listed, 'file')} listed: {foreseen.new} new, {foreseen.changed} changed{left},"
        f" {foreseen.retried} to retry, {foreseen.unchanged} unchanged, {foreseen.vanished} vanished"
    )
    if foreseen.failed_before:
        yield f"{foreseen.failed_before} of the unchanged failed before; --retry-failed takes them up"
    if foreseen.expected:
        yield f"{foreseen.expected} have size and version of known pictures: read, but no model sees them"
    if foreseen.to_describe:
        yield f"{foreseen.to_describe} images are segmented and only to be described: not in the prediction"
    if sample is None or prediction is None:
        yield "no picture was sampled, so nothing is predicted" if len(foreseen.due) else "nothing to do"
        return
    yield (
        f"sampled {sample.files} of {number_of(len(foreseen.due), 'file')} in"
        f" {number_of(sample.groups, 'group')}:"
        f" {_shown(sample.seconds, '.3f')} s and {_shown(sample.people, '.2f')} people a file,"
        f" {sample.failed:.0%} failed"
    )
    yield (
        f"the night: about {_hours(prediction.hours)} with {number_of(workers, 'worker')};"
        f" {_shown(prediction.people_rows, ',.0f')} people found,"
        f" {_shown(prediction.index_rows, ',.0f')} rows in the index;"
        f" {_size(prediction.parquet_bytes)} of Parquet"
        + (f"; about {_size(prediction.index_bytes)} of index" if prediction.index_bytes else "")
    )
    yield from _unknown(foreseen, sample, workers)


def plan_object(
    foreseen: Foreseen, sample: Sample | None, prediction: Prediction | None, workers: int
) -> dict[str, Any]:
    """Return the same as JSON types."""
    names = [name for name in foreseen.__dataclass_fields__ if name != "due"]
    return {
        "due": len(foreseen.due),
        **{name: getattr(foreseen, name) for name in names},
        "workers": workers,
        "sample": asdict(sample) if sample else None,
        "predicted": asdict(prediction) if prediction else None,
    }


def _unknown(foreseen: Foreseen, sample: Sample, workers: int) -> Iterator[str]:
    """What the numbers in brackets do not cover."""
    yield "in brackets: 95 % intervals by the differences between groups of the sample; they do not cover"
    if workers > 1:
        yield (
            f"  - {workers} workers that share cores, memory and storage: one process was measured, and its"
            " time divided"
        )
    yield "  - time of listing, commits, the quality gate, starting workers, and other load in the night"
    if sample.groups < 2:
        yield "  - chance: one group shows no differences, so there are no intervals; raise --sample"
    if sample.left_out:
        yield f"  - {sample.left_out} members of compressed tars, of which none could be in the sample"
    if foreseen.first:
        yield "  - copies: the store knows no picture yet, and further files with the same bytes cost less"
    if foreseen.writing:
        yield "  - what the command adds that writes to the store at this moment"


def _shown(value: Range, how: str) -> str:
    between = f" ({value.low:{how}} to {value.high:{how}})" if value.low is not None else ""
    return f"{value.mean:{how}}{between}"


def _hours(hours: Range) -> str:
    if hours.mean >= 1:
        return f"{_shown(hours, '.1f')} h"
    return f"{_shown(hours.times(60), '.1f')} min"


def _size(size: Range) -> str:
    power = 0
    while size.mean >= 1000 ** (power + 1) and power < len(_UNITS) - 1:
        power += 1
    return f"{_shown(size.times(1000**-power), '.1f')} {_UNITS[power]}"
