"""Where the parts of a chart stand, worked out on the server, so that it needs no script and no inline style.

Widths are parts of a hundred of the drawing's own width and heights are pixels; so a chart fits a phone and a desk
while its words keep their size. Every chart stands beside the table of its numbers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from iew.domain.statistics import shade_of, steps_for

Point = tuple[str, int]
"""A label and its number."""

MOST_BARS: Final = 12
MOST_COLUMNS: Final = 36
_PLOT: Final = 170
_TOP: Final = 26
_ROW: Final = 44
_WIDEST: Final = 86.0
_NARROW_LABELS: Final = 5
_WIDE_LABELS: Final = 12
_BROADEST: Final = 12.0
_DARKEST: Final = 5
_MAPS: Final = Path(__file__).parent / "static" / "maps"


@dataclass(frozen=True)
class Column:
    """x, width, middle: parts of a hundred; top, height: pixels. told: on a wide screen; kept: on a narrow one too."""

    label: str
    value: int
    x: float
    width: float
    middle: float
    top: float
    height: float
    told: bool
    kept: bool


@dataclass(frozen=True)
class Columns:
    """A chart over time. base: where the columns stand."""

    columns: list[Column]
    height: int = _TOP + _PLOT + 26
    base: int = _TOP + _PLOT


@dataclass(frozen=True)
class Bar:
    """top: pixels; width: parts of a hundred."""

    label: str
    value: int
    top: int
    width: float


@dataclass(frozen=True)
class Bars:
    """A chart of the largest; left_out: how many smaller ones the table alone has."""

    bars: list[Bar]
    height: int
    left_out: int


@dataclass(frozen=True)
class Place:
    """code: the id of its outline. dot: its middle, where it is too small to be seen."""

    code: str
    label: str
    value: int
    shade: int
    dot: tuple[float, float] | None


@dataclass(frozen=True)
class Shade:
    """One line of the legend: the numbers that get this shade."""

    shade: int
    least: int
    most: int


@dataclass(frozen=True)
class Map:
    """A map in shades. file: the drawing, below the static files. frames: boxes around what was moved nearer."""

    file: str
    width: int
    height: int
    frames: list[list[int]]
    places: list[Place]
    legend: list[Shade]


def columns(points: Sequence[Point]) -> Columns:
    """A chart over time, of the latest points."""
    shown = points[-MOST_COLUMNS:]
    largest = max((value for _, value in shown), default=0) or 1
    wide, narrow = (-(-len(shown) // most) or 1 for most in (_WIDE_LABELS, _NARROW_LABELS))
    each = 100 / max(len(shown), 1)
    broad = min(0.68 * each, _BROADEST)
    made = []
    for number, (label, value) in enumerate(shown):
        height = round(value / largest * _PLOT, 1)
        back = len(shown) - 1 - number  # the latest always has its label
        made.append(
            Column(
                label, value, x=round((number + 0.5) * each - broad / 2, 2), width=round(broad, 2),
                middle=round((number + 0.5) * each, 2), top=round(_TOP + _PLOT - height, 1), height=height,
                told=back % wide == 0, kept=back % narrow == 0,
            )
        )  # fmt: skip
    return Columns(made)


def bars(points: Sequence[Point]) -> Bars:
    """A chart of the largest, the largest first."""
    ranked = sorted(points, key=lambda point: -point[1])
    largest = ranked[0][1] if ranked and ranked[0][1] else 1
    made = [
        Bar(label, value, number * _ROW, round(value / largest * _WIDEST, 2))
        for number, (label, value) in enumerate(ranked[:MOST_BARS])
    ]
    return Bars(made, len(made) * _ROW, max(len(ranked) - MOST_BARS, 0))


def map_of(name: str, numbers: Mapping[str, int], labels: Mapping[str, str]) -> Map:
    """A map whose places are shaded by their numbers. name: `world` or `taiwan`; numbers and labels: by code."""
    drawing = _drawing(name)
    known = {code: value for code, value in numbers.items() if value > 0 and code in drawing["codes"]}
    steps = steps_for(known.values())
    shades = [0, *(_spread(number, len(steps)) for number in range(len(steps)))]
    places = [
        Place(code, labels.get(code, code), value, shades[shade_of(value, steps)], drawing["dots"].get(code))
        for code, value in known.items()
    ]
    ends = [step - 1 for step in steps[1:]] + sorted(known.values())[-1:]
    legend = [Shade(shade, step, end) for shade, step, end in zip(shades[1:], steps, ends, strict=True)]
    return Map(f"maps/{name}.svg", drawing["width"], drawing["height"], drawing["frames"], places, legend)


def _spread(number: int, count: int) -> int:
    """Which of the five shades the style sheet has is taken for one of `count`, from the lightest to the darkest."""
    return _DARKEST if count == 1 else round(1 + number * (_DARKEST - 1) / (count - 1))


@cache
def _drawing(name: str) -> dict[str, Any]:
    drawing: dict[str, Any] = json.loads((_MAPS / f"{name}.json").read_text(encoding="utf-8"))
    return drawing
