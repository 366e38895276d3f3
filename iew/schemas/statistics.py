"""How figures are asked for, and what they look like."""

import re
from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from iew.domain.statistics import ALL_GROUPS, GROUPS, Measure, Scope, State
from iew.errors import N_
from iew.schemas.base import Code, CodeList, Day, Input, View
from iew.schemas.lists import ListQuery, list_of

_GROUPS: Final = re.compile(r"[a-z_]+(,[a-z_]+)*")
_CODES: Final = r"[A-Za-z0-9_-]{1,40}"


class GroupList(fields.String):
    """Names of groups, separated by commas; which there are depends on the measure."""

    def __init__(self, **options: Any) -> None:
        known = "; ".join(f"{measure.value}: {', '.join(groups)}" for measure, groups in GROUPS.items())
        super().__init__(metadata={"description": f"Up to three groups, separated by commas. {known}."}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if value == "":
            return ()
        if not isinstance(value, str) or not _GROUPS.fullmatch(value) or len(value) > 200:
            raise ValidationError(N_("Name the groups, separated by commas, for example month,country."))
        return tuple(value.split(","))


def _codes() -> CodeList:
    return CodeList(pattern=_CODES, load_default=list)


class StatisticsQuery(Input):
    """Which figures. Each group is a parameter too, which may be repeated and narrows what is counted; `none` stands
    for things that have no code there."""

    measure = Code([measure.value for measure in Measure], required=True)
    group_by = GroupList(load_default=())
    since = Day(data_key="from", load_default=None, allow_none=True)
    until = Day(data_key="to", load_default=None, allow_none=True)
    scope = Code([scope.value for scope in Scope], load_default=None, allow_none=True)
    state = Code([state.value for state in State], load_default=State.EVER.value)
    month = _codes()
    school_year = _codes()
    country = _codes()
    side = _codes()
    county = _codes()
    level = _codes()
    ownership = _codes()
    type = _codes()
    language = _codes()
    channel = _codes()
    unit = _codes()
    via = _codes()
    origin = _codes()
    direction = _codes()
    status = _codes()
    found = _codes()


class FiguresPageQuery(StatisticsQuery):
    """As the page asks, which shows something at once."""

    measure = Code([measure.value for measure in Measure], load_default=Measure.INVITATIONS.value)
    group_by = GroupList(load_default=("month",))
    then_by = Code(ALL_GROUPS, load_default=None, allow_none=True)


class ReportQuery(Input):
    """The report of which school year; the present one unless it is named."""

    school_year = Code(pattern=r"[0-9]{4}-[0-9]{4}", load_default=None, allow_none=True)


class FiguresFileQuery(StatisticsQuery):
    """A table to keep."""

    format = Code(["csv", "xlsx"], load_default="csv")


class FigureListQuery(StatisticsQuery, ListQuery):
    """Which list behind a figure."""

    class Meta(StatisticsQuery.Meta):
        exclude = ("group_by",)


class FrozenView(View):
    """What was counted when the school year was closed; where `count` beside it differs, it was corrected since."""

    count = fields.Integer()
    closed_at = fields.AwareDateTime()
    stamp = fields.String()


class NumbersView(View):
    """Numbers of a cell. Those from `persons` on are there for cases alone."""

    count = fields.Integer()
    persons = fields.Integer(
        allow_none=True,
        metadata={"description": "Students and teachers of the reported results; null where there are too few."},
    )
    answered = fields.Integer(metadata={"description": "Cases that whoever was asked has answered."})
    answer_days_median = fields.Float(allow_none=True)
    answer_days_p90 = fields.Float(allow_none=True)


class CountedView(NumbersView):
    """The same, with what is said of persons where their number is withheld."""

    suppressed = fields.Boolean(metadata={"description": "Whether `persons` is withheld."})
    persons_at_least = fields.Integer(metadata={"description": "What may be said of `persons` in any case."})


_FigureView: Final = CountedView.from_dict(
    {group: fields.String(allow_none=True) for group in ALL_GROUPS}, name="CodesOfFigure"
)


class FigureView(_FigureView):  # type: ignore[valid-type,misc]  # made from the table of groups
    """One cell: a code for each group that was asked for (null: none), its numbers, and where its list is."""

    frozen = fields.Nested(FrozenView)
    href = fields.String(allow_none=True, metadata={"description": "The list that this number counts, for its reader."})


class StatisticsView(View):
    """Figures. `total` counts everything once, while a post with two kinds of exchange is in two cells."""

    measure = fields.String()
    group_by = fields.List(fields.String())
    since = fields.Date(data_key="from", allow_none=True)
    until = fields.Date(data_key="to", allow_none=True)
    scope = fields.String()
    state = fields.String()
    timezone = fields.String()
    generated_at = fields.AwareDateTime()
    items = fields.List(fields.Nested(FigureView))
    next_cursor = fields.Constant(None)
    total = fields.Integer()
    totals = fields.Nested(CountedView)


class FigureLineView(View):
    """One thing behind a figure; `number`, `id` and `title` are null where the asker may not open it."""

    id = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    at = fields.AwareDateTime()
    codes = fields.Dict(keys=fields.String())
    persons = fields.Integer(allow_none=True)
    answer_days = fields.Float(allow_none=True)


FigureLineListView = list_of(FigureLineView, "FigureLineList")


class YearView(View):
    """A school year. A closed one has the moment and the stamp of its figures; `intact`: they are unchanged."""

    school_year = fields.String()
    over = fields.Boolean()
    closed_at = fields.AwareDateTime(attribute="closed.closed_at")
    stamp = fields.String(attribute="closed.stamp")


YearListView = list_of(YearView, "SchoolYearList")


class ComparedView(View):
    """A figure of a closed year, and what is counted now; `corrected`: they differ."""

    measure = fields.String()
    group = fields.String()
    code = fields.String()
    frozen = fields.Nested(NumbersView, allow_none=True)
    now = fields.Nested(NumbersView, allow_none=True)
    corrected = fields.Boolean()


class ClosedYearView(YearView):
    """A school year with all figures that are kept of it."""

    intact = fields.Boolean(allow_none=True)
    figures = fields.List(fields.Nested(ComparedView))
