"""Figures, the lists behind them, and the school years whose figures are frozen."""

from typing import Any, Final

from iew.db import Page
from iew.schemas.base import NothingElse
from iew.schemas.statistics import (
    ClosedYearView,
    FigureLineListView,
    FigureListQuery,
    StatisticsQuery,
    StatisticsView,
    YearListView,
)
from iew.services import statistics
from iew.services.statistics import Line, Year
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, unit_of_work
from iew.web.figures import as_file, asked_of, shown, wanted_form, year_of
from iew.web.spreadsheets import CSV, XLSX

api = Blueprint("statistics", __name__, url_prefix="/api/v1", description="Figures, and the lists that they count")

_FORMS: Final = {
    "description": "Figures",
    "content": {"application/json": {"schema": StatisticsView}}
    | {kind: {"schema": {"type": "string"}} for kind in (CSV, XLSX)},
}


@api.get("/statistics")
@requires("statistics.read")
@api.arguments(StatisticsQuery, location="query")
@api.response(200, StatisticsView)
@api.doc(responses={"200": _FORMS})
def figures(query: dict[str, Any]) -> Any:
    """Posts, cases or searches, counted by up to three groups; by `Accept` as JSON, `text/csv` or a workbook.

    Everybody gets the totals of all, centres and offices those of their area, administrators all. Posts count by the
    day of their publication, cases by the day they were asked, in months of the time zone of the service. In a case
    `country` is that of the school abroad, `county` that of the school in Taiwan, `level` that of the asking school,
    `unit` who has it (`admin`: the administrator; null: the schools among themselves).

    Persons are told to everybody in cells of five and more. Cases with fewer persons form one block a school year; a
    cell that would cut such a block, or holds one of fewer than five persons, is null with `suppressed: true`, so that
    no subtraction of cells, totals or periods uncovers a small one. `persons_at_least` counts the larger cases alone.
    """
    with unit_of_work() as uow:
        found = statistics.figures(uow, asked_of(query), current_actor())
        form = wanted_form()
        return as_file(found, form) if form in (CSV, XLSX) else shown(found, api=True)


@api.get("/statistics/list")
@requires("statistics.list")
@api.arguments(FigureListQuery, location="query")
@api.response(200, FigureLineListView)
def listed(query: dict[str, Any]) -> Page[Line]:
    """The posts or cases behind a figure, the latest first; what you may not open has neither number nor title."""
    with unit_of_work() as uow:
        asked = asked_of(query)
        return statistics.listed(uow, asked, current_actor(), cursor=query["cursor"], limit=query["limit"])


@api.get("/statistics/years")
@requires("statistics.report")
@api.response(200, YearListView)
def years() -> Page[Year]:
    """Every school year since the first figure, the latest first."""
    with unit_of_work() as uow:
        found = statistics.years(uow, current_actor())
        return Page(found, None, len(found))


@api.get("/statistics/years/<school_year>")
@requires("statistics.report")
@api.response(200, ClosedYearView)
def year(school_year: str) -> dict[str, Any]:
    """The figures of a school year: as they were frozen, and as they are counted now."""
    with unit_of_work() as uow:
        return year_of(uow, school_year, current_actor())


@api.post("/statistics/years/<school_year>/actions/close")
@requires("statistics.close")
@api.arguments(NothingElse)
@api.response(200, ClosedYearView)
def close(_: dict[str, Any], school_year: str) -> dict[str, Any]:
    """Freeze the figures of a school year that is over. It cannot be undone; later corrections are shown beside."""
    with unit_of_work() as uow:
        statistics.close(uow, school_year, current_actor())
        return year_of(uow, school_year, current_actor())
