"""Plots as inline SVG: small, coloured by the page's style sheet, so that they are light or dark with it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from par_core.metrics.bootstrap import Interval
from par_core.metrics.calibration import Reliability
from par_core.metrics.ranking import OperatingPoints

__all__ = ["by_rank", "precision_recall", "reliability_diagram"]

_SIDE: Final = 260  # of the square that is drawn in
_LEFT, _TOP = 46, 10
_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST_POINTS: Final = 400  # of a curve: more than anybody sees


def reliability_diagram(reliability: Reliability) -> Markup:
    """Share of people with an attribute over the predicted probability; the area of a circle is the
    number of people in it.
    """
    filled = reliability.counts > 0
    counts, x, y = reliability.counts[filled], reliability.confidence[filled], reliability.frequency[filled]
    circles = Markup().join(
        Markup(
            '<circle class="dot" cx="{}" cy="{}" r="{}"><title>{} at {}: {} have it</title></circle>'
        ).format(
            _x(p),
            _y(share),
            f"{2.5 + 9 * (count / counts.max()) ** 0.5:.1f}",
            f"{count:.0f}",
            f"{p:.2f}",
            f"{share:.2f}",
        )
        for p, share, count in zip(x, y, counts, strict=True)
    )
    diagonal = Markup('<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        _x(0.0), _y(0.0), _x(1.0), _y(1.0)
    )
    return _square(
        "reliability diagram", "predicted probability", "share that have it", diagonal + _line(x, y) + circles
    )


def precision_recall(points: OperatingPoints, used: tuple[float, float]) -> Markup:
    """The curve of precision over recall, and the point at which PAR works.

    Args:
        points: Operating points of detected people, by score.
        used: Recall and precision at the threshold of indexing; NaN draws no point.
    """
    keep = np.unique(np.linspace(0, len(points.shown) - 1, min(_MOST_POINTS, len(points.shown))).astype(int))
    curve = _line(points.recall[keep], points.precision[keep])
    recall, precision = used
    dot = Markup(
        '<circle class="dot" cx="{}" cy="{}" r="6"><title>recall {}, precision {}</title></circle>'
    ).format(_x(recall), _y(precision), f"{recall:.3f}", f"{precision:.3f}")
    return _square(
        "precision over recall", "recall", "precision", curve + (dot if np.isfinite(used).all() else Markup())
    )


def by_rank(title: str, across: str, up: str, values: Sequence[Interval]) -> Markup:
    """A value with its interval for each of several parts of equal size, from the first to the last."""
    x = (np.arange(len(values)) + 0.5) / len(values)
    defined = [
        (place, each) for place, each in zip(x.tolist(), values, strict=True) if not np.isnan(each.estimate)
    ]
    ranges = Markup().join(
        Markup('<line class="ideal" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>').format(
            _x(place), _y(each.low), _y(each.high)
        )
        for place, each in defined
        if not np.isnan(each.low)
    )
    dots = Markup().join(
        Markup('<circle class="dot" cx="{}" cy="{}" r="5"><title>{}</title></circle>').format(
            _x(place), _y(each.estimate), f"{each.estimate:.3f}"
        )
        for place, each in defined
    )
    line = _line(np.array([place for place, _ in defined]), np.array([each.estimate for _, each in defined]))
    return _square(title, across, up, ranges + line + dots)


def _square(title: str, across: str, up: str, inside: Markup) -> Markup:
    ticks = Markup().join(
        Markup(
            '<line class="grid" x1="{0}" y1="{2}" x2="{1}" y2="{2}"/><line class="grid" x1="{3}" y1="{4}"'
            ' x2="{3}" y2="{5}"/>'
        ).format(_x(0.0), _x(1.0), _y(tick), _x(tick), _y(0.0), _y(1.0))
        + Markup(
            '<text x="{}" y="{}" text-anchor="end">{}</text><text x="{}" y="{}"'
            ' text-anchor="middle">{}</text>'
        ).format(_LEFT - 8, float(_y(tick)) + 4, f"{tick:g}", _x(tick), _TOP + _SIDE + 18, f"{tick:g}")
        for tick in _TICKS
    )
    middle = _TOP + _SIDE / 2
    names = Markup(
        '<text x="{}" y="{}" text-anchor="middle">{}</text><text x="12" y="{}" text-anchor="middle"'
        ' transform="rotate(-90 12 {})">{}</text>'
    ).format(_LEFT + _SIDE / 2, _TOP + _SIDE + 38, across, middle, middle, up)
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        _LEFT + _SIDE + 14, _TOP + _SIDE + 46, title, ticks, inside, names
    )


def _line(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Markup:
    return Markup('<polyline class="line" points="{}"/>').format(
        " ".join(f"{_x(a)},{_y(b)}" for a, b in zip(x, y, strict=True))
    )


def _x(value: float) -> str:
    return f"{_LEFT + _SIDE * value:.1f}"


def _y(value: float) -> str:
    return f"{_TOP + _SIDE * (1 - value):.1f}"
