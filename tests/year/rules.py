"""What the life of a match must be, written down a second time, from the promise and not from the program.

The tables of `iew.domain` are not read here: a rule that is wrong there would be wrong in its own test. A case is a
plain record, an action changes it by the table below, and whatever the house does must come out the same.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

TAIPEI: Final = ZoneInfo("Asia/Taipei")
ENDS: Final = frozenset({"completed", "declined", "not_found", "no_reply", "cancelled"})
OPEN: Final = frozenset({"requested", "routed", "in_progress", "agreed"})
OUT_OF_SIGHT, FORBIDDEN, WRONG_STATE, INCOMPLETE = "not_found", "not_allowed", "invalid_transition", "invalid"
SAME_SIDE, TOLD_ALREADY = "same_side", "conflict"


@dataclass(frozen=True)
class Rule:
    """From `before` an action of `who` leads to `after`; `needs` names what must be told with it."""

    action: str
    via: str
    before: frozenset[str]
    after: str | None
    who: frozenset[str]
    needs: str | None = None


def _rule(
    action: str, via: str, before: str, after: str | None, who: str, needs: str | None = None
) -> tuple[Rule, ...]:
    kinds = ("direct", "assisted") if via == "both" else (via,)
    return tuple(Rule(action, kind, frozenset(before.split()), after, frozenset(who.split()), needs) for kind in kinds)


RULES: Final[tuple[Rule, ...]] = (
    *_rule("route", "assisted", "requested routed in_progress", "routed", "admin", "unit"),
    *_rule("accept", "assisted", "routed", "in_progress", "handler"),
    *_rule("accept", "direct", "requested", "agreed", "invited"),
    *_rule("accept", "assisted", "in_progress", "agreed", "proposed"),
    *_rule("hand_back", "assisted", "routed in_progress", "requested", "handler", "reason"),
    *_rule("propose", "assisted", "in_progress", None, "handler", "candidate"),
    *_rule("agree", "assisted", "in_progress", "agreed", "handler", "partner"),
    *_rule("decline", "direct", "requested", "declined", "invited", "reason"),
    *_rule("decline", "assisted", "in_progress", None, "proposed", "reason"),
    *_rule("not_found", "assisted", "in_progress", "not_found", "handler", "reason"),
    *_rule("not_found", "assisted", "requested", "not_found", "keeper", "reason"),
    *_rule("cancel", "both", "requested routed in_progress", "cancelled", "asking"),
    *_rule("cancel", "both", "agreed", "cancelled", "asking partner", "reason"),
    *_rule("report", "both", "agreed", "completed", "asking partner", "result"),
    *_rule("report", "both", "completed", None, "asking partner", "result"),
)
ACTIONS: Final = tuple(dict.fromkeys(rule.action for rule in RULES))
BY_THE_SYSTEM: Final = frozenset({("requested", "no_reply"), ("requested", "routed")})
STEPS: Final = BY_THE_SYSTEM | {
    (before, rule.after or before) for rule in RULES for before in rule.before
}  # every pair of states that may follow each other


@dataclass(frozen=True)
class Who:
    """Somebody who acts: a school by its name, a unit by its code, or the administrator."""

    body: str
    kind: str  # school, ierc, office, iew_admin, system_admin


@dataclass(frozen=True)
class Told:
    """One expected row of history, and the bodies that get a mail of it."""

    action: str
    before: str | None
    after: str
    by: str | None
    mails: frozenset[str] = frozenset()


ADMIN: Final = "admin"


@dataclass
class Case:
    """One case as it must be."""

    via: str
    asking: str
    posting: str | None
    last_day: date | None
    since: datetime
    far: frozenset[str]
    """The schools of the other side."""
    status: str = "requested"
    handler: str | None = None  # a unit's code, `admin`, or None for a direct one
    partner: str | None = None
    proposals: dict[str, str] = field(default_factory=dict)
    reports: set[str] = field(default_factory=set)
    overdue: bool = False
    reminded: bool = False
    report_asked_again: bool = False
    story: list[Told] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.status in ENDS

    @property
    def due_at(self) -> datetime | None:
        """Until when its owner must have moved it on."""
        if self.ended:
            return None
        if self.status == "agreed":
            agreed_on = self.since.astimezone(TAIPEI).date()
            if self.last_day is None or self.last_day < agreed_on:
                return self.since + timedelta(days=90)
            day = self.last_day + timedelta(days=14)
            return datetime(day.year, day.month, day.day, tzinfo=TAIPEI)
        days = {"in_progress": 60, "routed": 7, "requested": 14 if self.via == "direct" else 7}
        return self.since + timedelta(days=days[self.status])

    def sees(self, who: Who) -> bool:
        """Whether somebody may know of the case at all."""
        if who.kind == "iew_admin":
            return True
        if who.kind == "school":
            invited = self.via == "direct" and who.body == self.posting
            return invited or who.body in {self.asking, self.partner, *self.proposals}
        return who.kind in ("ierc", "office") and who.body == self.handler

    def parts_of(self, who: Who) -> set[str]:
        """What somebody is to the case."""
        school, unit = who.kind == "school", who.kind in ("ierc", "office")
        held = {
            "admin": who.kind == "iew_admin",
            "keeper": who.kind == "iew_admin" and self.handler == ADMIN,
            "handler": unit and who.body == self.handler,
            "asking": school and who.body == self.asking,
            "partner": school and who.body == self.partner,
            "invited": school and self.via == "direct" and who.body == self.posting,
            "proposed": school and self.proposals.get(who.body) == "open",
        }
        return {part for part, holds in held.items() if holds}


def refusal(case: Case, action: str, who: Who, told: str | None) -> str | None:
    """How the house must refuse an action; None where it must do it. told: what is told with it, None for nothing."""
    return _refusal_of_anybody(case, action, who, told) or _refusal_of_what_is_told(case, action, who, told or "")


def _refusal_of_what_is_told(case: Case, action: str, who: Who, told: str) -> str | None:
    """A school that cannot be the candidate or the partner, a result that was told before."""
    asked = case.proposals.get(told)
    if action == "propose":
        if told not in case.far:
            return SAME_SIDE
        return None if asked in (None, "superseded") else INCOMPLETE
    if action == "agree":
        open_to_agree = asked == "open" if asked else told == case.posting
        return None if open_to_agree else INCOMPLETE
    if action == "report" and who.body in case.reports:
        return TOLD_ALREADY
    return None


def _refusal_of_anybody(case: Case, action: str, who: Who, told: str | None) -> str | None:
    if not case.sees(who):
        return OUT_OF_SIGHT
    answered = case.proposals.get(who.body, "open") != "open"
    if action in ("accept", "decline") and case.via == "assisted" and who.kind == "school" and answered:
        return WRONG_STATE
    every = [rule for rule in RULES if rule.action == action]
    mine = [rule for rule in every if rule.via == case.via] or every
    if not any(rule.who & case.parts_of(who) for rule in mine):
        return FORBIDDEN
    rule = rule_for(case, action, who)
    if rule is None:
        return WRONG_STATE
    return INCOMPLETE if rule.needs and told is None else None


def rule_for(case: Case, action: str, who: Who) -> Rule | None:
    """The rule that lets somebody act now."""
    parts = case.parts_of(who)
    found = [
        rule
        for rule in RULES
        if rule.action == action and rule.via == case.via and case.status in rule.before and rule.who & parts
    ]
    return min(found, key=lambda rule: rule.needs is not None, default=None)


def act(case: Case, action: str, who: Who, told: str | None, now: datetime) -> None:
    """Change the case as the promise says, and note the history and the mails that belong to it."""
    rule = rule_for(case, action, who)
    assert rule is not None, "asked for without being allowed"
    before, staff = case.status, {case.handler} if case.handler else set()
    case.status = rule.after or before
    moves = rule.after is not None
    mails = _EFFECTS[action](case, who, told, staff)
    case.story.append(Told(action, before, case.status, who.body, frozenset(mails)))
    if moves:
        _close_proposals(case, who)
        restart(case, now)


def restart(case: Case, now: datetime) -> None:
    """Whoever has the case has it from now on."""
    case.since, case.overdue, case.reminded = now, False, False


def _close_proposals(case: Case, who: Who) -> None:
    for school, status in case.proposals.items():
        if status == "open":
            case.proposals[school] = "superseded"
            case.story.append(Told("supersede", case.status, case.status, who.body, frozenset({school})))


def _route(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    case.handler = told
    return {told or ""}


def _accept(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    if case.status == "in_progress":
        return {case.asking}
    return _agreed(case, who.body) | staff


def _agree(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    return _agreed(case, told or "")


def _agreed(case: Case, partner: str) -> set[str]:
    case.partner = partner
    if partner in case.proposals:
        case.proposals[partner] = "accepted"
    return {case.asking, partner}


def _hand_back(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    case.handler = ADMIN
    return {ADMIN}


def _propose(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    case.proposals[told or ""] = "open"
    return {told or ""}


def _decline(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    if case.status == "declined":
        return {case.asking}
    case.proposals[who.body] = "declined"
    return staff


def _tell_asking(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    return {case.asking}


def _cancel(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    schools = {case.asking, case.partner, case.posting if case.via == "direct" else None}
    return {school for school in schools if school and school != who.body} | staff


def _report(case: Case, who: Who, told: str | None, staff: set[str]) -> set[str]:
    case.reports.add(who.body)
    return {school for school in (case.asking, case.partner) if school and school != who.body} | staff


_EFFECTS: Final = {
    "route": _route, "accept": _accept, "agree": _agree, "hand_back": _hand_back, "propose": _propose,
    "decline": _decline, "not_found": _tell_asking, "cancel": _cancel, "report": _report,
}  # fmt: skip


def let_time_pass(case: Case, now: datetime) -> None:
    """What the window does by itself at a moment."""
    due = case.due_at
    if case.ended or due is None:
        return
    if case.via == "direct" and case.status == "requested":
        if due <= now:
            case.status = "no_reply"
            case.story.append(Told("no_reply", "requested", "no_reply", None, frozenset({case.asking})))
            restart(case, now)
        elif not case.reminded and case.since + timedelta(days=7) <= now:
            case.reminded = True
            case.story.append(_said(case, "remind", {case.posting or ""}))
        return
    if not case.overdue and due <= now:
        case.overdue = True
        case.story.append(_said(case, "overdue", {ADMIN}))
        if case.status == "agreed":
            case.story.append(_said(case, "report_due", {case.asking, case.partner or ""}))
    if case.status == "agreed" and case.overdue and not case.report_asked_again and due + timedelta(days=14) <= now:
        case.report_asked_again = True
        case.story.append(_said(case, "report_due", {case.asking, case.partner or ""}))


def _said(case: Case, action: str, mails: set[str]) -> Told:
    return Told(action, case.status, case.status, None, frozenset(mails))
