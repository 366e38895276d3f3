"""Random people who do random things to cases, and a second opinion on what must come of each.

A walk is a sequence of steps drawn from a seed: a school asks, somebody acts or tries to, some days pass. After each
step the row of the case is compared with the record that `rules` keeps; what was refused must have left no trace.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text, update

from iew.domain.actors import Actor, Role
from iew.duties import run_due
from iew.errors import IewError
from iew.models import Unit, User
from iew.services import matches
from iew.uow import UnitOfWork
from tests.world import World
from tests.year.rules import ACTIONS, ADMIN, Case, Told, Who, act, let_time_pass, refusal

FIRST_DAY: Final = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
LAST_DAY: Final = (FIRST_DAY + timedelta(days=20_000)).date()
SENSIBLE: Final = 0.6
"""How often somebody does what is allowed; else anybody tries anything."""

LIKELY: Final = {"accept": 6, "propose": 8, "agree": 3, "report": 4, "decline": 2, "route": 2}
"""How often people do what they may; the rest, which mostly ends a case, counts one."""

SCHOOLS: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    # name      country, its place,                                              who handles an assisted case about it
    "osaka": ("JP", {}, "JP-OSA"),
    "kyoto": ("JP", {"subdivision": "JP-26"}, "JP-OSA"),
    "fukuoka": ("JP", {"subdivision": "JP-40"}, ADMIN),  # no confirmed office covers it
    "seoul": ("KR", {}, "KR-SEL"),
    "tainan": ("TW", {}, "TNN"),
    "taipei": ("TW", {"county": "TPE"}, "TPE"),
    "national": ("TW", {"ownership": "national"}, "K12-3"),  # a national senior high school of Tainan
}
UNITS: Final = {"JP-OSA": "office", "KR-SEL": "office", "TNN": "ierc", "TPE": "ierc", "K12-3": "ierc"}
DOMESTIC: Final = frozenset({"tainan", "taipei", "national"})
POSTS_A_SCHOOL: Final = 6
STATE: Final = text(
    """
    select m.status, m.version, m.handler_kind, m.handler_code, m.partner_school_id, m.due_at, m.overdue, m.since,
           m.reminded_at, m.ended_at, m.updated_at, m.reason, m.reason_code, m.handed_back_reason,
           (select array_agg(p.school_id || ' ' || p.status order by p.school_id) from proposals p
             where p.match_id = m.id) as proposals,
           (select count(*) from reports r where r.match_id = m.id) as reports,
           (select max(id) from events) as last_event, (select max(id) from outbox) as last_owed,
           (select count(*) from email_deliveries) as mails, (select count(*) from matches) as cases
      from matches m where m.id = :id
    """
)


@dataclass
class Cast:
    """The schools, their posts, and everybody who acts."""

    world: World
    schools: dict[str, str] = field(default_factory=dict)  # name -> id
    posts: list[tuple[str, str, date | None]] = field(default_factory=list)  # (id, school, last planned day)
    actors: dict[Who, Actor] = field(default_factory=dict)
    addresses: dict[str, set[str]] = field(default_factory=dict)  # body -> addresses of its people

    def __post_init__(self) -> None:
        for name, (country, place, _) in SCHOOLS.items():
            self._add_school(name, country, place)
        for code, kind in UNITS.items():
            self._add(Who(code, kind), self.world.user(Role(kind), unit=code))
        self._add(Who(ADMIN, "iew_admin"), self.world.admin)
        self._add(Who("machine", "system_admin"), self.world.system_admin)
        with self.world.unit_of_work() as uow:
            uow.session.execute(update(Unit).values(digest_frequency="paused"))

    def _add_school(self, name: str, country: str, place: dict[str, Any]) -> None:
        school = self.world.school(country, **place)
        self.schools[name] = school.id
        self._add(Who(name, "school"), self.world.user(school=school))
        if name in ("osaka", "tainan"):
            self._add(Who(name, "school"), self.world.user(school=school))  # two people who both must be told
        for number in range(POSTS_A_SCHOOL):
            last_day = (FIRST_DAY + timedelta(days=20 * number)).date() if number % 2 else None
            periods = [{"start": FIRST_DAY.date().isoformat(), "end": last_day.isoformat()}] if last_day else []
            post = self.world.invitation(school=school, periods=periods, contact=None, expires_on=LAST_DAY)
            self.posts.append((post.id, name, last_day))

    def _add(self, who: Who, user: User) -> None:
        self.actors[who] = self.world.actor(user)
        self.addresses.setdefault(who.body, set()).add(user.email)

    @property
    def names(self) -> dict[str, str]:
        """Id or code -> the name used here."""
        return {identifier: name for name, identifier in self.schools.items()} | {code: code for code in UNITS}


@dataclass
class Walk:
    """One seed's way through the house."""

    cast: Cast
    seed: int
    after_step: Callable[[datetime], None] = lambda now: None
    now: datetime = FIRST_DAY
    cases: dict[str, Case] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)  # match -> the post it is about
    done: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def go(self, cases: int) -> None:
        """Walk until so many cases were asked for, and until most of them have come to an end."""
        self._let_days_pass()
        while len(self.cases) < cases or len(self._open()) > cases // 20:
            turn = self.dice.random()
            if turn < 0.2 and len(self.cases) < cases:
                self._ask()
            elif turn < 0.215:
                self._let_days_pass()
            else:
                self._somebody_acts()
        for _ in range(4):
            self._let_days_pass()

    def _open(self) -> list[str]:
        return [match_id for match_id, case in self.cases.items() if not case.ended]

    def uow(self) -> UnitOfWork:
        return UnitOfWork(self.cast.world.session_factory, now=self.now)

    # steps

    def _ask(self) -> None:
        self.now += timedelta(minutes=1)
        post_id, posting, last_day = self.dice.choice(self.cast.posts)
        asking = self.dice.choice([name for name in SCHOOLS if (name in DOMESTIC) != (posting in DOMESTIC)])
        via = self.dice.choice(["direct", "assisted", "wish"])
        if via == "wish":
            values: dict[str, Any] = {"via": "assisted", "wish": self._wish(asking), "message": "Shall we meet?"}
            case = self._case("assisted", asking, None, None)
            place = values["wish"].get("country") if asking in DOMESTIC else values["wish"].get("county")
            self._start(case, values, {None: ADMIN, "KR": "KR-SEL", "TNN": "TNN"}[place])
            return
        case = self._case(via, asking, posting, last_day)
        handler = None if via == "direct" else SCHOOLS[posting][2]
        self._start(case, {"via": via, "invitation_id": post_id, "message": "Shall we meet?"}, handler)

    def _wish(self, asking: str) -> dict[str, Any]:
        place = {"country": "KR"} if asking in DOMESTIC else {"county": "TNN"}
        return {"exchange_types": ["online_exchange"]} | (place if self.dice.random() < 0.5 else {})

    def _case(self, via: str, asking: str, posting: str | None, last_day: date | None) -> Case:
        far = frozenset(SCHOOLS) - DOMESTIC if asking in DOMESTIC else DOMESTIC
        return Case(via, asking, posting, last_day, self.now, far)

    def _start(self, case: Case, values: dict[str, Any], handler: str | None) -> None:
        post_id = values.get("invitation_id")
        taken = post_id and any(
            not other.ended and (other.asking, self.asked[match_id]) == (case.asking, post_id)
            for match_id, other in self.cases.items()
            if match_id in self.asked
        )
        who = Who(case.asking, "school")
        try:
            with self.uow() as uow:
                match_id = matches.ask(uow, values, self.cast.actors[who]).id
        except IewError as refused:
            assert taken and refused.code == "already_open", self._tale(case, f"ask {values}", refused)
            return
        assert not taken, self._tale(case, f"ask {values}", None)
        case.handler = handler
        to = {case.posting or ""} if case.via == "direct" else {ADMIN} if handler == ADMIN else set()
        case.story.append(Told("ask", None, "requested", case.asking, frozenset(to)))
        if case.via == "assisted" and handler not in (None, ADMIN):
            case.status = "routed"
            case.story.append(Told("route", "requested", "routed", None, frozenset({handler or ""})))
        self.cases[match_id] = case
        if post_id:
            self.asked[match_id] = post_id
        self._compare(match_id, "ask")
        self.after_step(self.now)

    def _let_days_pass(self) -> None:
        self.now += timedelta(days=self.dice.choice([1, 2, 4, 8]))
        run_due(lambda now: UnitOfWork(self.cast.world.session_factory, now=now), self.now)
        touched = self._open()
        for case in self.cases.values():
            let_time_pass(case, self.now)
        self.after_step(self.now)
        for match_id in touched:
            self._compare(match_id, "days pass")

    def _somebody_acts(self) -> None:
        self.now += timedelta(minutes=1)
        waiting = self._open()
        pool = waiting if waiting and self.dice.random() < 0.9 else list(self.cases)
        if not pool:
            return
        match_id = self.dice.choice(pool)
        case = self.cases[match_id]
        if case.status == "agreed" and self.dice.random() < 0.5:
            return  # most schools take their time over a report
        choices = self._allowed(case) if self.dice.random() < SENSIBLE else []
        weights = [LIKELY.get(action, 1) for _, action, _ in choices]
        (choice,) = self.dice.choices(choices, weights) if choices else [self._anything(case)]
        self._try(match_id, case, *choice)

    def _allowed(self, case: Case) -> list[tuple[Who, str, str | None]]:
        every = [(who, action, self._told(case, action)) for who in self.cast.actors for action in ACTIONS]
        return [choice for choice in every if refusal(case, choice[1], choice[0], choice[2]) is None]

    def _anything(self, case: Case) -> tuple[Who, str, str | None]:
        action = self.dice.choice(ACTIONS)
        told = self._told(case, action) if self.dice.random() < 0.8 else None
        return self.dice.choice(list(self.cast.actors)), action, told

    def _told(self, case: Case, action: str) -> str | None:
        """What may be told with an action: a school, a unit, a reason."""
        asked = [case.posting, *(name for name, status in case.proposals.items() if status == "open")]
        if action == "agree" and self.dice.random() < 0.7:
            return self.dice.choice(asked)
        if action in ("propose", "agree"):
            return self.dice.choice([*sorted(case.far), case.asking])
        return self.dice.choice(sorted(UNITS)) if action == "route" else "dates"

    def _try(self, match_id: str, case: Case, who: Who, action: str, told: str | None) -> None:
        expected, words = refusal(case, action, who, told), f"{who.body} {action} {told}"
        before = self._look(match_id) if expected else None
        try:
            with self.uow() as uow:
                self._call(uow, match_id, who, action, told)
        except IewError as refused:
            assert refused.code == expected, self._tale(case, words, refused, expected)
            assert self._look(match_id) == before, self._tale(case, words, refused)
            self.refused += 1
            return
        assert expected is None, self._tale(case, words, None, expected)
        act(case, action, who, told, self.now)
        self.done += 1
        self._compare(match_id, words)
        self.after_step(self.now)

    def _call(self, uow: UnitOfWork, match_id: str, who: Who, action: str, told: str | None) -> None:
        actor, school = self.cast.actors[who], self.cast.schools.get(told or "")
        calls: dict[str, Callable[[], Any]] = {
            "route": lambda: matches.route_by_hand(
                uow, match_id, {"kind": UNITS[told], "code": told} if told else None, actor
            ),
            "accept": lambda: matches.accept(uow, match_id, actor),
            "hand_back": lambda: matches.hand_back(uow, match_id, told, actor),
            "propose": lambda: matches.propose(uow, match_id, school, actor),
            "agree": lambda: matches.agree(uow, match_id, school, actor),
            "decline": lambda: matches.decline(uow, match_id, told, actor),
            "not_found": lambda: matches.not_found(uow, match_id, told, actor),
            "cancel": lambda: matches.cancel(uow, match_id, actor, reason=told),
            "report": lambda: matches.report(
                uow, match_id, actor, summary=told, held_on=uow.today if told else None, students=20, teachers=2
            ),
        }
        calls[action]()

    # looking

    def _look(self, match_id: str) -> Row[Any]:
        with self.uow() as uow:
            return uow.session.execute(STATE, {"id": match_id}).one()

    def _compare(self, match_id: str, words: str) -> None:
        """The row must say what the record says, and somebody must own it."""
        case, row = self.cases[match_id], self._look(match_id)
        names = self.cast.names
        handler = ADMIN if row.handler_kind == "admin" else names.get(row.handler_code)
        proposals = dict(line.split() for line in row.proposals or ())
        found = (
            row.status, handler, names.get(row.partner_school_id), row.due_at, row.overdue, row.reports,
            {names[school]: status for school, status in proposals.items()}, row.ended_at is not None,
        )  # fmt: skip
        must = (
            case.status, case.handler, case.partner, case.due_at, case.overdue, len(case.reports),
            case.proposals, case.ended,
        )  # fmt: skip
        assert found == must, self._tale(case, words, None) + f"\nfound {found}\nmust  {must}"

    def _tale(self, case: Case, words: str, refused: IewError | None, expected: str | None = None) -> str:
        told = [f"{line.by}: {line.action} {line.before}->{line.after}" for line in case.story]
        outcome = f"refused as {refused.code}" if refused else "done"
        return f"seed {self.seed}: {words} was {outcome}, must be {expected or 'done'}; {case}; before: {told}"
