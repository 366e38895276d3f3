"""The sample data can be played from beginning to end, and shows every state to whoever tries the window out."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from config.settings import SAMPLES_DIR
from iew.cli.sample import Teller
from iew.db import SessionFactory
from iew.domain.actors import Role
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import Status as MatchStatus
from iew.domain.matches import Via
from iew.domain.schools import Status as SchoolStatus
from iew.models import Event, Invitation, Match, Meeting, Pairing, Report, Revision, School, User, paired
from iew.web.house import House
from tests.pages.conftest import reader_away

STORY = json.loads((SAMPLES_DIR / "story.json").read_text(encoding="utf-8"))


@pytest.fixture
def told(session_factory: SessionFactory) -> SessionFactory:
    """A database in which the story was told."""
    tell(session_factory, datetime.now(UTC))
    return session_factory


def tell(session_factory: SessionFactory, now: datetime) -> None:
    house = House(
        session_factory=session_factory,
        base_url="http://localhost",
        secret_key="a secret key of the tests",
        mail_from="window@window.example",
        smtp_url="smtp://127.0.0.1:25",
        redis_url="redis://127.0.0.1:6379/0",
        open_searcher=reader_away,
    )
    Teller(house, STORY, now).tell()


def test_the_story_shows_every_state_and_every_case_ends_as_it_tells(told: SessionFactory) -> None:
    with told() as session:
        posts = Counter(session.scalars(select(Invitation.status)))
        cases = Counter(session.scalars(select(Match.status)))
        ways = set(session.scalars(select(Match.via)))
        schools = set(session.scalars(select(School.status)))
        roles = set(session.scalars(select(User.role)))
        revisions = set(session.scalars(select(Revision.status)))
        languages = set(session.scalars(select(Invitation.content_language)))
        ends = {
            (case.message, case.direction, case.status, case.handler_code)
            for case in session.scalars(select(Match).where(~paired()))
        }
        school_count = session.scalar(select(func.count()).select_from(School)) or 0

    assert set(posts) >= set(PostStatus) - {PostStatus.EXPIRED}
    assert posts[PostStatus.PUBLISHED] >= 120
    assert set(cases) == set(MatchStatus)
    assert ends == {
        (case["message"], case["ends"]["direction"], case["ends"]["status"], case["ends"]["handler"])
        for case in STORY["matches"]
    }
    assert ways == set(Via)
    assert schools >= {SchoolStatus.PENDING, SchoolStatus.ASKED, SchoolStatus.APPROVED}
    assert roles == set(Role)
    assert revisions >= {"draft", "submitted", "returned"}
    assert len(languages) >= 9
    assert school_count >= 60


def test_the_story_can_be_told_in_any_year(session_factory: SessionFactory) -> None:
    now = datetime.now(UTC) + timedelta(days=2000)
    tell(session_factory, now)

    with session_factory() as session:
        open_until = list(
            session.scalars(select(Invitation.expires_on).where(Invitation.status == PostStatus.PUBLISHED))
        )
    assert len(open_until) >= 120
    assert all(day is None or day > now.date() for day in open_until)


def test_the_story_shows_meetings_results_and_pairings(told: SessionFactory) -> None:
    now = datetime.now(UTC)
    with told() as session:
        meetings = list(session.scalars(select(Meeting)))
        reports = session.scalar(select(func.count()).select_from(Report))
        pairings = {pairing.status: pairing for pairing in session.scalars(select(Pairing))}
        made = session.scalars(select(Match).where(paired())).all()
        proposed, accepted = pairings["proposed"], pairings["accepted"]

        assert {(meeting.status, meeting.is_over(now)) for meeting in meetings} == {
            ("proposed", False), ("agreed", False), ("agreed", True),
        }  # fmt: skip
        assert {day.weekday() for meeting in meetings for day in meeting.starts} <= set(range(5))
        assert reports == 7
        assert len(proposed.pairs) >= 3 and [pair.pinned for pair in proposed.pairs].count(True) == 1
        assert {pair.match_id for pair in accepted.pairs} == {match.id for match in made} and len(made) >= 2
        assert set(session.scalars(select(Event.actor_role).where(Event.action == "pair"))) == {"office"}


@pytest.mark.parametrize("day", range(7))
def test_times_are_named_on_days_of_school_whatever_day_it_is(session_factory: SessionFactory, day: int) -> None:
    teller = Teller(None, STORY, datetime(2026, 11, 23 + day, 3, tzinfo=UTC))  # type: ignore[arg-type]  # plays nothing

    walls = [teller._wall({"in_days": days, "time": "15:30"}) for days in range(-30, 30)]

    assert {wall.weekday() for wall in walls} == set(range(5))
    assert walls == sorted(walls)
    moved = [(wall.date() - teller.now.date()).days - days for days, wall in zip(range(-30, 30), walls, strict=True)]
    assert set(moved) == {0, 1, 2}
