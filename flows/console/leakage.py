"""Leakage as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

__all__ = ["leakage_lines"]


def leakage_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a leakage report: shares of test pictures with a counterpart in train, by kind."""
    yield (
        f"{summary['train']:,} train and {summary['test']:,} test pictures; with a counterpart in train:"
        f" {_percent(summary['share'])} of test"
    )
    people = summary["identities"]
    if people["test"]:
        yield (
            f"  identities: {people['train']:,} in train, {people['test']:,} in test, {people['shared']:,} in"
            " both"
        )
    for kind, row in {**summary["by_kind"], **summary["suspected"]}.items():
        unknown = f", {row['test_unknown']:,} not comparable" if row["test_unknown"] else ""
        suspected = " (suspected only)" if kind in summary["suspected"] else ""
        yield (
            f"  {kind:10} {_percent(row['share']):>6}  {row['test_leaked']:,} of test,"
            f" {row['train_leaked']:,} of train{unknown}{suspected}"
        )
    embedding = summary["thresholds"].get("embedding", {})
    if "known_others" in embedding:
        yield (
            f"  embeddings are near up to {embedding['max_distance']:.4f}: {embedding['copies_found']:.1%} of"
            f" {embedding['known_copies']:,} copies, {embedding['mistaken']:.1e} of"
            f" {embedding['known_others']:,} other pairs; by mistake about"
            f" {embedding['pairs_expected_by_mistake']:,.0f} pairs"
        )
    yield f"left after cleaning: {summary['train_kept']:,} train or {summary['test_kept']:,} test pictures"
    yield from (f"unreadable: {count:,} {status}" for status, count in summary["unreadable"].items())
    for name, row in summary.get("scores", {}).get("figures", {}).items():
        yield (
            f"  {name:28} given {_number(row['given'])}  cleaned {_number(row['cleaned'])}  difference"
            f" {_number(row['difference'], '+')}"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _number(row: dict[str, float | None], sign: str = "") -> str:
    if row["estimate"] is None:
        return "-"
    ends = f" ({row['low']:{sign}.3f} to {row['high']:{sign}.3f})" if row["low"] is not None else ""
    return f"{row['estimate']:{sign}.3f}{ends}"
