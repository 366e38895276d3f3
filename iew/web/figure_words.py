"""What is counted and by what, in words; and figures as a table that people read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from iew.domain.statistics import GROUPS, VOCABULARY_OF, Measure
from iew.errors import N_
from iew.i18n import OWN_NAMES, say_month, say_school_year
from iew.web import charts
from iew.web.charts import Bars, Columns, Map
from iew.web.context import current_language
from iew.web.rendering import gettext as _
from iew.web.rendering import label, number

Item = Mapping[str, Any]

MEASURES: Final = {
    "invitations": N_("Invitations published"),
    "matches": N_("Cases"),
    "searches": N_("Searches"),
}
GROUP_NAMES: Final = {
    "month": N_("Month"),
    "school_year": N_("School year"),
    "country": N_("Country or region"),
    "side": N_("Taiwan or abroad"),
    "county": N_("County or city in Taiwan"),
    "level": N_("School level"),
    "ownership": N_("Public or private"),
    "type": N_("Type of exchange"),
    "language": N_("Language of communication"),
    "channel": N_("Channel"),
    "unit": N_("Centre or office"),
    "via": N_("Way of asking"),
    "origin": N_("How the case came about"),
    "direction": N_("Direction"),
    "status": N_("Status"),
    "found": N_("Whether anything fitted"),
}
USED: Final = {
    "schools": N_("Schools that signed up"),
    "invitations": N_("Invitations published"),
    "searches": N_("Searches by words"),
    "saved_searches": N_("Searches kept"),
    "direct": N_("Requests from school to school"),
    "assisted": N_("Requests for help in matching"),
    "paired": N_("Cases made by accepted pairings"),
    "proposals": N_("Schools proposed by centres and offices"),
    "forwards": N_("Invitations passed on to schools"),
    "messages": N_("Messages written in cases"),
    "reports": N_("Results reported"),
    "questions": N_("Questions to the administrator"),
}
"""Functions of the window, as `iew.services.usage` counts them."""
_OF_SEARCHES: Final = {"language": N_("Language of the pages"), "country": N_("Country or region chosen")}
_NOTHING: Final = {
    ("invitations", "unit"): N_("no centre or office there"),
    ("invitations", "county"): N_("not in Taiwan"),
    ("matches", "unit"): N_("directly between schools"),
    ("searches", "country"): N_("none chosen"),
}
_ORIGINS: Final = {"asked": N_("Asked for by a school"), "paired": N_("Brought together in a pairing")}
_FOUND: Final = {"yes": N_("found"), "no": N_("nothing found")}
_LAST: Final = "\uffff"


def measure_name(measure: str) -> str:
    return _(MEASURES[measure])


def usage_words() -> list[tuple[str, str]]:
    """The functions of the window and their names."""
    return [(name, _(words)) for name, words in USED.items()]


def group_name(group: str, measure: str) -> str:
    """How a group is called, which for searches is the choice of whoever searched."""
    known = {**GROUP_NAMES, **(_OF_SEARCHES if measure == "searches" else {})}
    return _(known[group])


def group_choices(measure: str) -> list[tuple[str, str]]:
    return [(group, group_name(group, measure)) for group in GROUPS[Measure(measure)]]


def say_code(group: str, code: str | None, measure: str, units: Mapping[str, str]) -> str:
    """A code in words. units: the names of centres and offices by their codes."""
    if not code:
        return _(_NOTHING.get((measure, group), N_("not stated")))
    special: dict[str, Callable[[str], str]] = {
        "month": lambda code: say_month(code, current_language()),
        "school_year": school_year_name,
        "unit": lambda code: units.get(code) or label("iew_admin", "role"),
        "status": lambda code: label(code, "match_status" if measure == "matches" else "invitation_status"),
        "origin": lambda code: _(_ORIGINS[code]),
        "found": lambda code: _(_FOUND[code]),
    }
    if group == "language" and measure == "searches":
        return OWN_NAMES.get(code, code)
    return special[group](code) if group in special else label(code, VOCABULARY_OF[group])


def school_year_name(code: str) -> str:
    return say_school_year(code, current_language())


# a table


def table_of(shown: Mapping[str, Any], units: Mapping[str, str]) -> list[dict[str, Any]]:
    """The items with their codes in words, `names`; what is counted over time stays in its order, else most first."""
    groups, measure = shown["group_by"], shown["measure"]
    rows = [
        {**item, "names": [say_code(group, item[group], measure, units) for group in groups]} for item in shown["items"]
    ]
    if any(group in ("month", "school_year") for group in groups):
        return rows
    return sorted(rows, key=lambda row: (-row["count"], [row[group] or _LAST for group in groups]))


def head_of(shown: Mapping[str, Any]) -> list[str]:
    """The heads of the columns of a file."""
    names = [group_name(group, shown["measure"]) for group in shown["group_by"]]
    names.append(measure_name(shown["measure"]))
    if shown["measure"] == "matches":
        names += [
            _("Persons"), _("Persons withheld"), _("Persons, at least"), _("Answered"), _("Median days to the answer"),
            _("Nine of ten answered within (days)"),
        ]  # fmt: skip
    return names


def lines_of(shown: Mapping[str, Any], units: Mapping[str, str]) -> list[list[Any]]:
    """The lines of a file, with the total as the last one."""
    numbers = ["count"]
    if shown["measure"] == "matches":
        numbers += [
            "persons", "suppressed", "persons_at_least", "answered", "answer_days_median", "answer_days_p90",
        ]  # fmt: skip
    lines = [[*row["names"], *(row[name] for name in numbers)] for row in table_of(shown, units)]
    if shown["group_by"]:
        empty = [""] * (len(shown["group_by"]) - 1)
        lines.append([_("Total"), *empty, *(shown["totals"][name] for name in numbers)])
    return lines


def say_persons(item: Item) -> str:
    """A number of persons, or what may be said where it is withheld."""
    if not item["suppressed"]:
        return number(item["persons"])
    return (
        _("%(number)s or more", number=number(item["persons_at_least"])) if item["persons_at_least"] else _("not shown")
    )


# charts


def chart_of(shown: Mapping[str, Any], rows: Sequence[Item]) -> Columns | Bars | None:
    """The chart of figures by one group: over time as columns, else as bars."""
    if len(shown["group_by"]) != 1 or not rows:
        return None
    (group,) = shown["group_by"]
    counts = {row[group]: row["count"] for row in rows}
    if group == "month":
        language = current_language()
        months = _without_gaps(sorted(counts))
        return charts.columns([(say_month(month, language, short=True), counts.get(month, 0)) for month in months])
    points = [(row["names"][0], row["count"]) for row in rows]
    return charts.columns(points) if group == "school_year" else charts.bars(points)


def _without_gaps(months: Sequence[str]) -> list[str]:
    """All months from the first to the last; nothing was counted in those between."""
    day, last = date.fromisoformat(f"{months[0]}-01"), months[-1]
    found = []
    while f"{day:%Y-%m}" <= last:
        found.append(f"{day:%Y-%m}")
        day = (day + timedelta(days=31)).replace(day=1)
    return found


def map_of(name: str, items: Sequence[Item], group: str) -> Map:
    """The map of figures by country or by county."""
    numbers = {str(item[group]): item["count"] for item in items if item[group]}
    return charts.map_of(name, numbers, {code: label(code, group) for code in numbers})
