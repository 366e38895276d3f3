"""Figures: for everybody, for a unit's area, for the ministry's report; and the closing of school years."""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.schemas.base import NothingElse
from iew.schemas.statistics import (
    ClosedYearView,
    FigureLineListView,
    FigureListQuery,
    FiguresFileQuery,
    FiguresPageQuery,
    ReportQuery,
    YearListView,
)
from iew.services import statistics, units, usage
from iew.uow import UnitOfWork
from iew.web import figure_words, spreadsheets
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
from iew.web.figure_words import head_of, lines_of
from iew.web.figures import MEDIA_OF, as_typed, asked_of, file_address, file_name, overview, report_of, shown, year_of
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("statistics", __name__)
pages.add_app_template_filter(figure_words.group_name, "figure_group")
pages.add_app_template_filter(figure_words.school_year_name, "school_year")
pages.add_app_template_global(figure_words.measure_name, "figure_word")
pages.add_app_template_global(figure_words.group_choices, "figure_groups")
pages.add_app_template_global(figure_words.say_code, "figure_code")
pages.add_app_template_global(figure_words.say_persons, "persons_word")
pages.add_app_template_global(figure_words.usage_words, "usage_words")
pages.add_app_template_global(file_address, "file_address")


@pages.get("/<lang>/statistics")
@requires("statistics.read")
def figures(lang: str) -> Reply:
    form = Form.blank(as_typed(request.args))
    values: dict[str, Any] = {}
    with form.attempt(), unit_of_work() as uow:
        values = overview(uow, asked_by(FiguresPageQuery), current_actor(), _unit_names(uow))
    return page("statistics/figures.html", form=form, **values)


@pages.get("/<lang>/statistics/file")
@requires("statistics.read")
def file(lang: str) -> Reply:
    """The table of the page, with words for codes."""
    query = asked_by(FiguresFileQuery)
    with unit_of_work() as uow:
        found = statistics.figures(uow, asked_of(query), current_actor())
        table, names = shown(found, api=False), _unit_names(uow)
        kind, lines = MEDIA_OF[query["format"]], lines_of(table, names)
        return spreadsheets.file_of(kind, file_name(found), head_of(table), lines, for_people=True)


@pages.get("/<lang>/statistics/list")
@requires("statistics.list")
def listed(lang: str) -> Reply:
    query = asked_by(FigureListQuery)
    with unit_of_work() as uow:
        asked = asked_of(query)
        found = statistics.listed(uow, asked, current_actor(), cursor=query["cursor"], limit=query["limit"])
        table = FigureLineListView().dump(
            {"items": found.items, "next_cursor": found.next_cursor, "total": found.total}
        )
        return page("statistics/listed.html", measure=asked.measure.value, names=_unit_names(uow), **table)


@pages.get("/<lang>/statistics/report")
@requires("statistics.report")
def report(lang: str) -> Reply:
    """What the ministry reports of a school year, in one page to print."""
    query = asked_by(ReportQuery)
    with unit_of_work() as uow:
        values = report_of(uow, query["school_year"], current_actor(), _unit_names(uow))
        used = usage.counts(uow, values["since"], values["until"], current_actor())
        return page("statistics/report.html", used=used, centres=usage.centres_open(uow), **values)


@pages.get("/<lang>/statistics/years")
@requires("statistics.report")
def years(lang: str) -> Reply:
    with unit_of_work() as uow:
        found = statistics.years(uow, current_actor())
        table = YearListView().dump({"items": found, "next_cursor": None, "total": len(found)})
        return page("statistics/years.html", items=table["items"])


@pages.get("/<lang>/statistics/years/<school_year>")
@requires("statistics.report")
def year(lang: str, school_year: str) -> Reply:
    return _page_of(school_year, Form.blank())


@pages.post("/<lang>/statistics/years/<school_year>/close")
@requires("statistics.close")
def close(lang: str, school_year: str) -> Reply:
    form = Form.posted(NothingElse)
    with form.attempt(), unit_of_work() as uow:
        statistics.close(uow, school_year, current_actor())
    if form.refused:
        return _page_of(school_year, form)
    tell(_("The school year is closed; its figures stay as they are now."))
    return redirect(page_url("statistics.year", school_year=school_year))


def _page_of(school_year: str, form: Form) -> Reply:
    with unit_of_work() as uow:
        shown_year = ClosedYearView().dump(year_of(uow, school_year, current_actor()))
        return page("statistics/year.html", form=form, year=shown_year, names=_unit_names(uow))


def _unit_names(uow: UnitOfWork) -> dict[str, str]:
    """All centres and offices by their codes, in one look."""
    return {unit.code: unit.name(current_language()) for unit in units.all_units(uow)}
