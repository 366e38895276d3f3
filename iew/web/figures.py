"""Figures as pages and API give them out: what an address asks for, numbers by their names, the list behind each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from flask import Response, after_this_request, request, url_for
from werkzeug.datastructures import MultiDict

from iew.domain.actors import Actor
from iew.domain.matches import Status
from iew.domain.statistics import ALL_GROUPS, GROUPS, NONE, Measure, Scope, State, days_of
from iew.errors import NotFound
from iew.services import statistics
from iew.services.statistics import Asked, Compared, Figures, Row
from iew.uow import UnitOfWork
from iew.web import spreadsheets
from iew.web.charts import Map
from iew.web.context import current_language, house
from iew.web.figure_words import chart_of, group_choices, map_of, table_of
from iew.web.openapi import PREFIX
from iew.web.spreadsheets import CSV, XLSX

Shown = dict[str, Any]
_IN_SEARCH: Final = frozenset({"country", "side", "county", "level", "ownership", "type", "language", "channel"})
"""Groups of open posts that are facets of the search too."""
_IN_WORDS: Final = frozenset({"month", "country", "language", "found"})
"""Groups of searches by which the operators' list of what was looked for can be narrowed."""
_MAPS: Final = (("world", "country"), ("taiwan", "county"))
MEDIA_OF: Final = {"csv": CSV, "xlsx": XLSX}
_OF_CASES: Final = (
    "persons", "suppressed", "persons_at_least", "answered", "answer_days_median", "answer_days_p90",
)  # fmt: skip


def asked_of(query: Mapping[str, Any]) -> Asked:
    """What a query of the schemas asks for."""
    return Asked(
        measure=Measure(query["measure"]),
        group_by=tuple(query.get("group_by", ())),
        since=query["since"],
        until=query["until"],
        only={group: query[group] for group in ALL_GROUPS if query.get(group)},
        state=State(query["state"]),
        scope=Scope(query["scope"]) if query["scope"] else None,
    )


def shown(found: Figures, *, api: bool) -> Shown:
    """The figures by the names of their view. api: whether the links lead to lists of the API, or to pages."""
    asked = found.asked
    return {
        "measure": asked.measure.value,
        "group_by": list(asked.group_by),
        "since": asked.since,
        "until": asked.until,
        "scope": found.scope.value,
        "state": asked.state.value,
        "timezone": house().zone,
        "generated_at": found.generated_at,
        "items": [{**row.codes, **counted(row), "href": list_of(found, row, api=api)} for row in found.rows],
        "total": found.total.count,
        "totals": counted(found.total),
    }


def counted(row: Row) -> Shown:
    """The numbers of a cell."""
    told: Shown = {"count": row.count}
    if row.persons is not None:
        persons = row.persons
        told |= {
            "persons": persons.number,
            "suppressed": persons.suppressed,
            "persons_at_least": persons.at_least,
        }
    if row.answers is not None:
        answers = row.answers
        told |= {
            "answered": answers.answered,
            "answer_days_median": answers.median,
            "answer_days_p90": answers.p90,
        }
    if row.frozen is not None:
        told["frozen"] = row.frozen
    return told


# the list behind a number


def list_of(found: Figures, row: Row, *, api: bool) -> str | None:
    """Where the things are listed that a number counts; None where there is no list for this reader."""
    asked = found.asked
    codes = {**asked.only, **{group: [code or NONE] for group, code in row.codes.items()}}
    if asked.measure is Measure.SEARCHES:
        return _words(found, codes) if found.scope is Scope.ALL else None
    if found.scope is not Scope.PUBLIC:
        period = {"from": _day(asked.since), "to": _day(asked.until)}
        state = asked.state.value if asked.state is not State.EVER else None
        return _address("statistics.listed", api, {"measure": asked.measure.value, **period, "state": state, **codes})
    searchable = set(codes) <= _IN_SEARCH and not any(NONE in each for each in codes.values())
    if asked.state is State.OPEN and searchable and asked.since is None and asked.until is None:
        return _address("search.search" if api else "search.results", api, codes)
    return None


def _words(found: Figures, codes: Mapping[str, Sequence[str]]) -> str | None:
    """The operators' list, which knows one code of each kind."""
    single = {group: each[0] for group, each in codes.items() if len(each) == 1 and NONE not in each}
    if set(codes) - _IN_WORDS or len(single) < len(codes) or found.asked.since or found.asked.until:
        return None
    return _address("search_figures.asked", False, {"found": "all", **single})


def _address(endpoint: str, api: bool, values: Mapping[str, Any]) -> str:
    told = {name: value for name, value in values.items() if value is not None}
    if api:
        return url_for(f"{PREFIX}{endpoint}", **told)
    return url_for(endpoint, lang=current_language(), **told)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


# pages


def as_typed(args: MultiDict[str, str]) -> dict[str, Any]:
    """The address of the page as its form has it: one group in each box."""
    first, *more = args.get("group_by", "month").split(",")
    return {**args.to_dict(), "group_by": first, **({"then_by": more[0]} if more else {})}


def file_address(kind: str, group_by: Sequence[str]) -> str:
    """Where the table of this page is as a file. kind: csv or xlsx."""
    asked = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "then_by"}
    groups = {"group_by": ",".join(group_by), "format": kind}
    return _address("statistics.file", False, {"measure": Measure.INVITATIONS.value, **asked, **groups})


def overview(uow: UnitOfWork, query: Mapping[str, Any], actor: Actor, units: Mapping[str, str]) -> dict[str, Any]:
    """All that the page of figures shows: what was asked, as a table and a chart, and maps of the same."""
    groups = tuple(dict.fromkeys(group for group in (*query["group_by"], query["then_by"]) if group))
    asked = asked_of({**query, "group_by": groups})
    found = shown(statistics.figures(uow, asked, actor), api=False)
    rows = table_of(found, units)
    return {
        "figures": found,
        "rows": rows,
        "chart": chart_of(found, rows),
        "maps": [_map(uow, asked, actor, name, group) for name, group in _MAPS if group in GROUPS[asked.measure]],
        "groups": group_choices(asked.measure.value),
        "units": units,
    }


def _map(uow: UnitOfWork, asked: Asked, actor: Actor, name: str, group: str) -> tuple[str, Map, list[Shown]]:
    """A map with the items that it shows."""
    found = shown(statistics.figures(uow, replace(asked, group_by=(group,)), actor), api=False)
    return group, map_of(name, found["items"], group), table_of(found, {})


def report_of(uow: UnitOfWork, school_year: str | None, actor: Actor, units: Mapping[str, str]) -> dict[str, Any]:
    """The cases of a school year by who had them, as the ministry reports them. Raises NotAllowed, NotFound."""
    known = statistics.years(uow, actor)
    chosen = school_year or known[0].school_year
    if chosen not in {year.school_year for year in known}:
        raise NotFound
    since, until = days_of(chosen)
    asked = Asked(Measure.MATCHES, ("unit",), since, until)
    by_unit = shown(statistics.figures(uow, asked, actor), api=False)
    outcomes = shown(statistics.figures(uow, replace(asked, group_by=("unit", "status")), actor), api=False)
    ended: dict[str | None, dict[str, int]] = defaultdict(dict)
    for item in outcomes["items"]:
        ended[item["unit"]][item["status"]] = item["count"]
    rows = [{**row, "outcomes": ended[row["unit"]]} for row in table_of(by_unit, units)]
    by_status = {status: sum(each.get(status, 0) for each in ended.values()) for status in Status}
    closed = next((year.closed for year in known if year.school_year == chosen), None)
    return {
        "years": [year.school_year for year in known],
        "chosen": chosen,
        "since": since,
        "until": until,
        "rows": rows,
        "totals": by_unit["totals"],
        "by_status": by_status,
        "closed": closed,
    }


# a school year


def year_of(uow: UnitOfWork, school_year: str, actor: Actor) -> Shown:
    """A school year with its figures, by the names of its view. Raises NotAllowed, NotFound."""
    found, compared = statistics.year(uow, school_year, actor)
    return {
        "school_year": found.school_year,
        "over": found.over,
        **({"closed": found.closed} if found.closed else {}),
        "intact": statistics.is_intact(uow, found.closed) if found.closed else None,
        "figures": [_compared(each, is_closed=found.closed is not None) for each in compared],
    }


def _compared(each: Compared, *, is_closed: bool) -> Shown:
    return {
        "measure": each.measure,
        "group": each.group,
        "code": each.code,
        "frozen": each.frozen,
        "now": counted(each.now) if each.now else None,
        "corrected": is_closed and each.corrected,
    }


# as a table


def as_file(found: Figures, kind: str) -> Response:
    """The cells as a table of codes, as programs read it."""
    table = shown(found, api=True)
    names = [*found.asked.group_by, "count", *(_OF_CASES if found.asked.measure is Measure.MATCHES else ())]
    rows = [[item[name] for name in names] for item in table["items"]]
    return spreadsheets.file_of(kind, file_name(found), names, rows)


def file_name(found: Figures) -> str:
    return "-".join(("iew", found.asked.measure.value, *found.asked.group_by)).replace("_", "-")


def wanted_form() -> str:
    """The media type that the caller likes best: JSON, CSV or a workbook; caches are told that it decides."""
    after_this_request(_by_accept)
    return request.accept_mimetypes.best_match(("application/json", CSV, XLSX), default="application/json")


def _by_accept(reply: Response) -> Response:
    reply.vary.add("Accept")
    return reply
