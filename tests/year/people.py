"""The people of a simulated year: schools that ask, units that work or keep silent, an administrator, holidays.

They act through the services, at the moment that the year has come to. What the house refuses them, because somebody
or the tick was faster, they let be.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from iew.db import SessionFactory
from iew.domain.actors import Actor, Role
from iew.errors import IewError
from iew.models import Invitation, Match, Proposal, School, SuggestionRun, User
from iew.services import invitations, matches
from iew.uow import UnitOfWork
from tests.world import World

COUNTIES: Final = ("TNN", "TPE", "KHH", "TXG", "NWT")
PLACES: Final = (
    ("JP", "JP-27", "Asia/Tokyo"), ("JP", "JP-13", "Asia/Tokyo"), ("KR", None, "Asia/Seoul"),
    ("US", "US-CA", "America/Los_Angeles"), ("DE", None, "Europe/Berlin"), ("ZA", None, "Africa/Johannesburg"),
)  # fmt: skip
UNITS: Final = {
    **dict.fromkeys(COUNTIES, (Role.IERC, "Asia/Taipei")),
    "JP-OSA": (Role.OFFICE, "Asia/Tokyo"), "KR-SEL": (Role.OFFICE, "Asia/Seoul"),
    "US-LAX": (Role.OFFICE, "America/Los_Angeles"), "DE-BER": (Role.OFFICE, "Europe/Berlin"),
}  # fmt: skip
SILENT_UNITS: Final = frozenset({"KHH", "DE-BER"})
SILENT_SCHOOLS: Final = 0.4
NEW_YEAR_DAYS: Final = 10
MESSAGE: Final = "We would like to meet your class."


@dataclass(frozen=True)
class Size:
    """schools, posts: how many there are at the beginning. asks, acts: how many a working day brings."""

    schools: int
    posts: int
    days: int
    asks: int
    acts: int
    kills: int


@dataclass
class People:
    """Everybody, and their dice."""

    sessions: SessionFactory
    size: Size
    first_day: date
    dice: random.Random
    schools: dict[str, Actor] = field(default_factory=dict)
    units: dict[str, Actor] = field(default_factory=dict)
    overseas: set[str] = field(default_factory=set)
    _rows: dict[str, School] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)

    def settle(self) -> None:
        """Make the schools with a person each, the staff of the units, and the posts."""
        world = World(self.sessions)
        self.admin, self.system_admin = world.actor(world.admin), world.actor(world.system_admin)
        for code, (role, zone) in UNITS.items():
            self.units[code] = world.actor(world.user(role, unit=code, timezone=zone))
        for number in range(self.size.schools):
            country, subdivision, zone = PLACES[number % len(PLACES)]
            overseas = number % 2 == 1
            place: dict[str, Any] = {"county": COUNTIES[number % len(COUNTIES)]}
            if overseas:
                place = {"subdivision": subdivision}
            school = world.school(country if overseas else "TW", **place)
            user: User = world.user(school=school, timezone=zone if overseas else "Asia/Taipei")
            self.schools[school.id], self._rows[school.id] = world.actor(user), school
            self.overseas |= {school.id} if overseas else set()
            self.silent |= {school.id} if self.dice.random() < SILENT_SCHOOLS else set()
        owners = list(self.schools)
        for number in range(self.size.posts):
            self._post(world, owners[number % len(owners)], "published", self.dice.randint(-400, 900))

    def _post(self, world: World, school_id: str, status: str, days: int, now: datetime | None = None) -> str:
        """A post that expires so many days after now, or is there for good."""
        day = (now.date() if now else self.first_day) + timedelta(days=days if days > 20 else 800)
        start = (now.date() if now else self.first_day) + timedelta(days=self.dice.randint(5, 120))
        post: Invitation = world.invitation(
            school=self._rows[school_id], status=status, expires_on=day,
            title=f"Robots and kites {self.dice.random():.6f}",
            periods=[{"start": start.isoformat(), "end": start.isoformat()}] if self.dice.random() < 0.5 else [],
        )  # fmt: skip
        if status == "published":
            with world.unit_of_work() as uow:  # its list of partners counts as made
                uow.session.add(SuggestionRun(invitation_id=post.id, at=datetime.now(UTC) + timedelta(days=9000)))
        return post.id

    def working(self, day: date) -> bool:
        """Whether anybody is there: not at the week-end, over new year, or in the summer."""
        from_start = (day - self.first_day).days
        return day.weekday() < 5 and not 80 <= from_start < 80 + NEW_YEAR_DAYS and not 230 <= from_start < 260

    def live(self, now: datetime) -> None:
        """What people do on one day."""
        if not self.working(now.date()):
            return
        for _ in range(self.size.asks):
            self._attempt(now, self._ask)
        for match_id in self._some_open(now):
            self._attempt(now, self._act_on, match_id)
        if self.dice.random() < 0.5:
            self._publish(now)

    def _attempt(self, now: datetime, deed: Any, *arguments: Any) -> None:
        try:
            with UnitOfWork(self.sessions, now=now) as uow:
                name = deed(uow, *arguments)
        except IewError as refused:
            self.refusals[refused.code] += 1
        else:
            self.did[name] += 1

    def _some_open(self, now: datetime) -> list[str]:
        with UnitOfWork(self.sessions, now=now) as uow:
            found = select(Match.id).where(Match.ended_at.is_(None)).order_by(func.md5(Match.id + now.isoformat()))
            return list(uow.session.scalars(found.limit(self.size.acts)))

    def _ask(self, uow: UnitOfWork) -> str:
        school_id = self.dice.choice(list(self.schools))
        far = self.overseas if school_id not in self.overseas else set(self.schools) - self.overseas
        if self.dice.random() < 0.2:
            wish = {"county": self.dice.choice(COUNTIES)} if school_id in self.overseas else {"country": "KR"}
            values: dict[str, Any] = {"via": "assisted", "wish": wish}
        else:
            posts = select(Invitation.id).where(
                Invitation.school_id == self.dice.choice(sorted(far)), Invitation.status == "published"
            )
            post_id = uow.session.scalar(posts.limit(1))
            values = {"via": self.dice.choice(["direct", "assisted"]), "invitation_id": post_id or "none"}
        matches.ask(uow, values | {"message": MESSAGE}, self.schools[school_id])
        return "ask"

    def _act_on(self, uow: UnitOfWork, match_id: str) -> str:
        """Whoever has the case does what comes next, or lets it lie."""
        match = uow.get(Match, match_id)
        if self.dice.random() < 0.03:
            matches.cancel(uow, match_id, self.schools[match.asking_school_id], reason="Our plans have changed.")
            return "cancel"
        if match.status == "agreed":
            return self._report(uow, match)
        if match.via == "direct":
            return self._answer(uow, match, match.posting_school_id or "")
        if match.handler_kind == "admin":
            return self._clear_queue(uow, match)
        return self._handle(uow, match)

    def _report(self, uow: UnitOfWork, match: Match) -> str:
        if match.asking_school_id in self.silent or self.dice.random() < 0.7:
            return "let lie"
        matches.report(
            uow, match.id, self.schools[match.asking_school_id],
            summary="Both classes built a kite.", held_on=uow.today, students=20, teachers=2,
        )  # fmt: skip
        return "report"

    def _answer(self, uow: UnitOfWork, match: Match, school_id: str) -> str:
        if school_id in self.silent:
            return "let lie"
        if self.dice.random() < 0.6:
            matches.accept(uow, match.id, self.schools[school_id])
            return "accept"
        matches.decline(uow, match.id, "dates", self.schools[school_id])
        return "decline"

    def _clear_queue(self, uow: UnitOfWork, match: Match) -> str:
        if self.dice.random() < 0.6:
            return "let lie"
        if self.dice.random() < 0.2:
            matches.not_found(uow, match.id, "Nobody wants to at the moment.", self.admin)
            return "not_found"
        code = self.dice.choice(list(UNITS))
        matches.route_by_hand(uow, match.id, {"kind": str(UNITS[code][0]), "code": code}, self.admin)
        return "route"

    def _handle(self, uow: UnitOfWork, match: Match) -> str:
        actor = self.units.get(match.handler_code or "")
        if actor is None or match.handler_code in SILENT_UNITS or self.dice.random() < 0.3:
            return "let lie"
        if match.status == "routed":
            matches.accept(uow, match.id, actor)
            return "take up"
        asked = uow.session.scalars(
            select(Proposal.school_id).where(Proposal.match_id == match.id, Proposal.status == "open")
        ).all()
        if asked and self.dice.random() < 0.5:
            return self._answer(uow, match, self.dice.choice(list(asked)))
        turn = self.dice.random()
        if turn < 0.05:
            matches.not_found(uow, match.id, "Nobody wants to at the moment.", actor)
            return "not_found"
        if turn < 0.1:
            matches.hand_back(uow, match.id, "This is not on our ground.", actor)
            return "hand_back"
        far = self.overseas if match.asking_school_id not in self.overseas else set(self.schools) - self.overseas
        matches.propose(uow, match.id, self.dice.choice(sorted(far)), actor)
        return "propose"

    def _publish(self, now: datetime) -> None:
        """The administrator decides on a post that somebody sent in."""
        world = World(self.sessions)
        post_id = self._post(world, self.dice.choice(list(self.schools)), "submitted", self.dice.randint(30, 300), now)
        with UnitOfWork(self.sessions, now=now) as uow:
            uow.get(Invitation, post_id).submitted_at = now
        if self.dice.random() < 0.8:
            self._attempt(now, self._decide, post_id, "publish", {})
        else:
            self._attempt(now, self._decide, post_id, "return", {"reason": "Please say when."})

    def _decide(self, uow: UnitOfWork, post_id: str, action: str, values: dict[str, Any]) -> str:
        invitations.act(uow, post_id, action, self.admin, values)
        return action
