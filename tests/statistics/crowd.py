"""Random schools, posts, cases and searches, and what is to be counted of them, worked out one by one."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from iew.db import new_id
from iew.domain import vocabularies
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import Status
from iew.domain.routing import Place, office_for
from iew.domain.schools import SENIOR_HIGH_LEVELS
from iew.models import Event, Invitation, Match, Report, School, SearchCount, territory_of
from tests.world import World, body_of_a_post

TAIPEI = ZoneInfo("Asia/Taipei")
START = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = 800
PLACES = (
    ("TW", None, "TNN"), ("TW", None, "TPE"), ("TW", None, "KHH"), ("JP", "JP-27", None), ("JP", "JP-13", None),
    ("JP", None, None), ("KR", None, None), ("US", "US-CA", None), ("US", None, None), ("DE", None, None),
    ("AQ", None, None),
)  # fmt: skip
WAS_PUBLIC = (PostStatus.PUBLISHED, PostStatus.CLOSED, PostStatus.WITHDRAWN, PostStatus.EXPIRED)
Codes = dict[str, list[str | None]]


class Crowd:
    """What was made, and by what it is to be counted."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.schools = [self._school() for _ in range(30)]
        with world.unit_of_work() as uow:
            uow.session.add_all(self.schools)
            uow.session.flush()
            self.posts = [self._post() for _ in range(70)]
            uow.session.add_all(self.posts)
            uow.session.flush()
            self.reports: dict[str, list[Report]] = defaultdict(list)
            self.answers: dict[str, list[datetime]] = defaultdict(list)
            self.paired: set[str] = set()
            self.matches = [self._match() for _ in range(90)]
            uow.session.add_all(self.matches)
            uow.session.flush()
            for match in self.matches:
                self._life(uow.session, match)
            self.searches = self._searches()
            uow.session.add_all(self.searches)
            self.territory = territory_of(uow.session)
        self.school_of = {school.id: school for school in self.schools}
        self.post_of = {post.id: post for post in self.posts}

    # making

    def _moment(self) -> datetime:
        return START + timedelta(seconds=self.chance.randrange(DAYS * 86_400))

    def _some(self, codes: Sequence[str], least: int = 0) -> list[str]:
        return self.chance.sample(codes, self.chance.randint(least, 3))

    def _times(self) -> dict[str, Any]:
        moment = self._moment()
        return {"id": new_id(), "created_at": moment, "updated_at": moment, "version": 1}

    def _school(self) -> School:
        country, subdivision, county = self.chance.choice(PLACES)
        return School(
            **self._times(), name="S", country=country, subdivision=subdivision, county=county, status="approved",
            level=self.chance.choice(vocabularies.LEVELS), ownership=self.chance.choice(vocabularies.OWNERSHIPS),
            affiliations=[],
        )  # fmt: skip

    def _post(self) -> Invitation:
        status = self.chance.choice([*WAS_PUBLIC, *WAS_PUBLIC, PostStatus.DRAFT, PostStatus.SUBMITTED])
        body = body_of_a_post(
            exchange_types=self._some(vocabularies.EXCHANGE_TYPES),
            languages=self._some(vocabularies.LANGUAGES),
            channel=self.chance.choice(vocabularies.CHANNELS),
        )
        body.pop("contact")
        times = self._times()
        body["expires_on"] = (times["created_at"] + timedelta(days=self.chance.randint(1, 1500))).date()
        published = times["created_at"] if status in WAS_PUBLIC else None
        return Invitation(
            **times, **body, status=status, school_id=self.chance.choice(self.schools).id, remarks=[],
            published_at=published,
        )  # fmt: skip

    def _match(self) -> Match:
        asking = self.chance.choice(self.schools)
        there = [p for p in self.posts if p.published_at]
        asked = self.chance.choice(there) if self.chance.random() < 0.7 else None
        own = self.chance.choice(there) if self.chance.random() < 0.3 else None
        direct = asked is not None and self.chance.random() < 0.5
        inbound = asking.country != "TW"
        wish = None if asked else {
            name: value
            for name, value in (
                ("country", "TW" if inbound else "JP"),
                ("county", self.chance.choice(["TNN", None]) if inbound else None),
                ("exchange_types", self._some(vocabularies.EXCHANGE_TYPES)),
            )
            if value
        }  # fmt: skip
        handler = None if direct else self.chance.choice(["TNN", "TPE", "JP-OSA", "KR-SEL", None])
        return Match(
            **self._times(), via="direct" if direct else "assisted", direction="inbound" if inbound else "outbound",
            asking_school_id=asking.id, invitation_id=asked.id if asked else None, message="m", wish=wish,
            posting_school_id=asked.school_id if asked else None, from_invitation_id=own.id if own else None,
            handler_kind=None if direct else "admin" if handler is None else "office" if "-" in handler else "ierc",
            handler_code=handler, since=START, status=self.chance.choice([s for s in Status if s not in _OPEN]),
            partner_school_id=self.chance.choice([None, self.chance.choice(self.schools).id]),
        )  # fmt: skip

    def _life(self, session: Any, match: Match) -> None:
        if match.via == "assisted" and self.chance.random() < 0.3:
            self.paired.add(match.id)
            session.add(
                Event(
                    at=match.created_at, action="pair", subject_type="match", subject_id=match.id, actor_role="ierc",
                    details={}, fact="MatchPaired",
                )
            )  # fmt: skip
        for action in self.chance.sample(["route", "accept", "decline", "hand_back", "cancel"], 2):
            at = match.created_at + timedelta(hours=self.chance.randint(1, 900))
            session.add(
                Event(
                    at=at,
                    action=action,
                    subject_type="match",
                    subject_id=match.id,
                    actor_role="system",
                    details={},
                    fact=None,
                )
            )
            if action in ("accept", "decline", "hand_back"):
                self.answers[match.id].append(at)
        if match.status == Status.COMPLETED or self.chance.random() < 0.3:
            for school_id in self.chance.sample([school.id for school in self.schools], self.chance.randint(1, 2)):
                report = Report(
                    id=new_id(), match_id=match.id, school_id=school_id, summary="s", held_on=date(2026, 1, 1),
                    students=self.chance.choice([0, 1, 2, 3, 20, 31]), teachers=self.chance.choice([0, 1, 2]),
                    created_at=START,
                )  # fmt: skip
                self.reports[match.id].append(report)
                session.add(report)

    def _searches(self) -> list[SearchCount]:
        return [
            SearchCount(
                month=f"{self._moment():%Y-%m}", language=self.chance.choice(["ja", "en"]), words=str(number),
                country="|".join(sorted(self._some(["JP", "KR", "TW"]))), found=self.chance.random() < 0.5,
                count=self.chance.randint(1, 40), days=1, last_day=date(2026, 1, 1),
            )
            for number in range(40)
        ]  # fmt: skip

    # counting

    def things(self, measure: str) -> list[tuple[Any, Codes]]:
        """Every thing that counts, with its codes in each group."""
        return {"invitations": self._of_posts, "matches": self._of_matches, "searches": self._of_searches}[measure]()

    def _of_posts(self) -> list[tuple[Any, Codes]]:
        found = []
        for post in self.posts:
            if post.published_at is not None:
                school = self.school_of[post.school_id]
                codes: Codes = times_of(post.published_at) | {
                    "country": [school.country],
                    "side": ["domestic" if school.country == "TW" else "overseas"],
                    "county": [school.county],
                    "level": [school.level],
                    "ownership": [school.ownership],
                    "type": post.exchange_types or [None],  # type: ignore[dict-item]
                    "language": post.languages or [None],  # type: ignore[dict-item]
                    "channel": [post.channel],
                    "unit": list(self.units_of(school)) or [None],
                    "status": [post.status],
                }
                found.append((post, codes))
        return found

    def _of_matches(self) -> list[tuple[Any, Codes]]:
        found = []
        for match in self.matches:
            asking = self.school_of[match.asking_school_id]
            other = self.school_of.get(match.partner_school_id or match.posting_school_id or "")
            wish = match.wish or {}
            inbound = match.direction == "inbound"
            posts = [self.post_of[i] for i in (match.invitation_id, match.from_invitation_id) if i]
            wished = wish.get("exchange_types") if match.invitation_id is None else None
            types = wished or (posts[0].exchange_types if posts else [])
            codes: Codes = times_of(match.created_at) | {
                "country": [asking.country if inbound else other.country if other else wish.get("country")],
                "county": [
                    (other.county if other and other.county else wish.get("county")) if inbound else asking.county
                ],
                "level": [asking.level],
                "type": types or [None],
                "channel": [posts[0].channel if posts else None],
                "unit": [match.handler_code or match.handler_kind],
                "via": [match.via],
                "origin": ["paired" if match.id in self.paired else "asked"],
                "direction": [match.direction],
                "status": [match.status],
            }
            found.append((match, codes))
        return found

    def _of_searches(self) -> list[tuple[Any, Codes]]:
        return [
            (
                search,
                {
                    "month": [search.month],
                    "school_year": [_year(int(search.month[:4]), int(search.month[5:]))],
                    "country": search.country.split("|") if search.country else [None],  # type: ignore[dict-item]
                    "language": [search.language],
                    "found": ["yes" if search.found else "no"],
                },
            )
            for search in self.searches
        ]

    def units_of(self, school: School) -> Iterable[str]:
        """The units on whose ground a school lies, by the rules of routing."""
        if school.country == "TW":
            yield str(school.county)
            if school.ownership == "national" and school.level in SENIOR_HIGH_LEVELS:
                yield self.territory.zone_of_county[str(school.county)]
            return
        place = Place(school.country, school.subdivision)
        unit, suggested = office_for(place.country, place.subdivision, self.territory)
        if unit.code and suggested is None:
            yield unit.code

    def in_area(self, measure: str, unit: str) -> Callable[[Any], bool]:
        """Whether a thing lies in the area of a unit."""

        def inside(thing: Any) -> bool:
            if measure == "invitations":
                return unit in self.units_of(self.school_of[thing.school_id])
            sides = [thing.asking_school_id, thing.partner_school_id or thing.posting_school_id]
            near = any(unit in self.units_of(self.school_of[side]) for side in sides if side)
            return near or thing.handler_code == unit

        return inside

    def persons(self, match: Match) -> int:
        return max((report.students + report.teachers for report in self.reports[match.id]), default=0)

    def answer_days(self, match: Match) -> float | None:
        answered = self.answers[match.id]
        return (min(answered) - match.created_at).total_seconds() / 86_400 if answered else None


_OPEN = (Status.REQUESTED, Status.ROUTED, Status.IN_PROGRESS, Status.AGREED)
"""States in which a school has one case on a post at most; here there may be several."""


def times_of(at: datetime) -> Codes:
    local = at.astimezone(TAIPEI)
    return {"month": [f"{local:%Y-%m}"], "school_year": [_year(local.year, local.month)]}


def _year(year: int, month: int) -> str:
    first = year if month >= 8 else year - 1
    return f"{first}-{first + 1}"


def median_of(days: Iterable[float | None]) -> float | None:
    known = [day for day in days if day is not None]
    return round(median(known), 2) if known else None
