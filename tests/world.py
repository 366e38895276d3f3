"""A small world for tests: schools, people, posts and matches, made in one line each, and a client for each person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from argon2 import PasswordHasher, profiles
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from iew.db import SessionFactory, new_id
from iew.domain.actors import SYSTEM, Actor, Role
from iew.domain.invitations import RevisionStatus
from iew.domain.invitations import Status as InvitationStatus
from iew.domain.matches import HandlerKind, ProposalStatus, Via
from iew.domain.matches import Status as MatchStatus
from iew.domain.meetings import Status as MeetingStatus
from iew.domain.schools import Side
from iew.domain.schools import Status as SchoolStatus
from iew.models import (
    ApiToken,
    Contact,
    EmailDelivery,
    Event,
    Invitation,
    Living,
    Match,
    Meeting,
    OutboxRow,
    Pairing,
    Proposal,
    Revision,
    School,
    User,
)
from iew.uow import UnitOfWork

PASSWORD = "correct horse battery"
PASSWORD_HASH = PasswordHasher.from_parameters(profiles.CHEAPEST).hash(PASSWORD)
_numbers = count(1)
LIVING: tuple[type[Any], ...] = (School, Invitation, Revision, Match, Meeting, Pairing)

PLACES: dict[str, dict[str, Any]] = {
    "TW": {"county": "TNN", "language": "zh-Hant"},
    "JP": {"subdivision": "JP-27", "region": "Osaka", "language": "ja"},
    "KR": {"language": "ko"},
    "DE": {"language": "en"},
    "US": {"subdivision": "US-CA", "language": "en"},
}


def body_of_a_post(**changes: Any) -> dict[str, Any]:
    """A body that can be submitted; contract section 5."""
    return {
        "channel": "general",
        "title": "Robots that greet each other",
        "description": "Our robotics club looks for a partner class to build two robots that talk to each other.",
        "content_language": "en",
        "translations": [],
        "exchange_types": ["online_exchange"],
        "languages": ["en"],
        "levels": ["senior_high_general"],
        "grades": [10, 11],
        "target_countries": [],
        "target_counties": [],
        "topics": ["robotics"],
        "periods": [{"start": "2027-04-01", "end": "2027-07-31"}],
        "group": {"students": 24, "male": None, "female": None, "teachers": 2},
        "homestay": "none",
        "expires_on": (datetime.now(UTC).date() + timedelta(days=300)).isoformat(),
        "contact": {
            "name": "Mika Canary",
            "role": "Teacher of physics",
            "email": "canary@contact.example",
            "phone": "+81 6 5550 0199",
        },
        "contact_visibility": "after_agreement",
    } | changes


@dataclass
class Client:
    """One person's way into the API."""

    app: Flask
    token: str | None
    prefix: str = "/api/v1"
    headers: dict[str, str] = field(default_factory=dict)

    @cached_property
    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> TestResponse:
        sent = dict(self.headers) | dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        whole = path if path.startswith(("/api/", "/healthz", "/readyz", "/metrics")) else self.prefix + path
        return self.browser.open(whole, method=method, headers=sent, buffered=True, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, json={} if json is None else json, **options)

    def patch(self, path: str, json: Any, *, version: int | None = None, **options: Any) -> TestResponse:
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        return self.call("PATCH", path, json=json, headers=headers | dict(options.pop("headers", {})), **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)


class World:
    """Makes things directly in the database, past the use cases, in the state a test wants."""

    def __init__(self, session_factory: SessionFactory, app: Flask | None = None) -> None:
        self.session_factory = session_factory
        self._app = app
        self._tokens: dict[str, str] = {}

    @property
    def app(self) -> Flask:
        assert self._app is not None, "this world has no web"
        return self._app

    def unit_of_work(self, now: datetime | None = None) -> UnitOfWork:
        return UnitOfWork(self.session_factory, now=now)

    # people and schools

    def school(self, country: str = "JP", *, status: str = SchoolStatus.APPROVED, **changes: Any) -> School:
        number = next(_numbers)
        place = {k: v for k, v in PLACES.get(country, {}).items() if k != "language"}
        values: dict[str, Any] = {
            "ref": None,
            "name": f"School {number} 學校",
            "name_en": f"School {number}",
            "country": country,
            "level": "senior_high_general",
            "ownership": "public",
            "composition": "coed",
            "affiliations": [],
        }
        school = School(**(values | place | changes))
        with self.unit_of_work() as uow:
            uow.start(school, status, SYSTEM, action="import")
        return school

    def user(
        self, role: str = Role.SCHOOL, *, school: School | None = None, unit: str | None = None, **changes: Any
    ) -> User:
        number = next(_numbers)
        now = datetime.now(UTC)
        if role == Role.SCHOOL and school is None:
            school = self.school()
        language = PLACES.get(school.country, {}).get("language", "en") if school else "zh-Hant"
        values: dict[str, Any] = {
            "id": new_id(),
            "email": f"person{number}@people.example",
            "password_hash": PASSWORD_HASH,
            "name": f"Person {number}",
            "role": role,
            "school_id": school.id if school else None,
            "unit_code": unit,
            "language": language,
            "timezone": "Asia/Taipei",
            "email_confirmed_at": now,
            "created_at": now,
            "updated_at": now,
        }
        user = User(**(values | changes))
        with self.unit_of_work() as uow:
            uow.session.add(user)
        return user

    @cached_property
    def tainan(self) -> User:
        """Staff of a school in Tainan."""
        return self.user(school=self.school("TW", name="臺南市立曦光高級中學", name_en="Xiguang Senior High School"))

    @cached_property
    def osaka(self) -> User:
        """Staff of a school in Osaka."""
        return self.user(school=self.school("JP", name="大阪府立みなと台高等学校", name_en="Minatodai High School"))

    @cached_property
    def taipei(self) -> User:
        """Staff of a school in Taipei."""
        return self.user(school=self.school("TW", county="TPE"))

    @cached_property
    def seoul(self) -> User:
        """Staff of a school in Korea."""
        return self.user(school=self.school("KR"))

    @cached_property
    def admin(self) -> User:
        return self.user(Role.IEW_ADMIN)

    @cached_property
    def system_admin(self) -> User:
        return self.user(Role.SYSTEM_ADMIN)

    @cached_property
    def ierc_tainan(self) -> User:
        return self.user(Role.IERC, unit="TNN")

    @cached_property
    def ierc_taipei(self) -> User:
        return self.user(Role.IERC, unit="TPE")

    @cached_property
    def office_osaka(self) -> User:
        return self.user(Role.OFFICE, unit="JP-OSA", language="ja", timezone="Asia/Tokyo")

    @cached_property
    def office_seoul(self) -> User:
        return self.user(Role.OFFICE, unit="KR-SEL", language="ko", timezone="Asia/Seoul")

    def actor(self, user: User) -> Actor:
        with self.unit_of_work() as uow:
            return uow.get(User, user.id).as_actor()

    def as_(self, user: User | None) -> Client:
        """A client of the API that carries a token of this person; None is a visitor."""
        if user is None:
            return Client(self.app, None)
        if user.id not in self._tokens:
            self._tokens[user.id] = self._make_token(user)
        return Client(self.app, self._tokens[user.id])

    def _make_token(self, user: User) -> str:
        from iew.services.accounts import create_token  # needs the web's packages, which many tests do not

        with self.unit_of_work() as uow:
            return create_token(uow, user.email, name="test", days=30)

    # posts

    def invitation(
        self,
        by: User | None = None,
        *,
        status: str = InvitationStatus.PUBLISHED,
        school: School | None = None,
        **changes: Any,
    ) -> Invitation:
        """A post; `changes` are fields of the body or columns."""
        owner = school or self._school_of(by or self.osaka)
        body = body_of_a_post() | changes
        contact = body.pop("contact")
        now = datetime.now(UTC)
        if isinstance(body["expires_on"], str):
            body["expires_on"] = date.fromisoformat(body["expires_on"])
        values: dict[str, Any] = {
            "school_id": owner.id,
            "author_id": by.id if by else None,
            "travel": None,
            "remarks": [],
        }
        if status not in (InvitationStatus.DRAFT,):
            values["submitted_at"] = now
        if status in (InvitationStatus.PUBLISHED, InvitationStatus.EXPIRED, InvitationStatus.CLOSED):
            values["published_at"] = now
        invitation = Invitation(**(values | body))
        with self.unit_of_work() as uow:
            uow.start(invitation, status, SYSTEM, action="create")
            if contact:
                uow.session.add(Contact(invitation_id=invitation.id, of_revision=False, **contact))
        return invitation

    def revision(self, invitation: Invitation, *, status: str = RevisionStatus.SUBMITTED, **body: Any) -> Revision:
        """A change to a published post; `body` holds the changed fields, as JSON values."""
        from iew.models import CONTENT

        whole = {name: getattr(invitation, name) for name in CONTENT}
        whole["expires_on"] = whole["expires_on"].isoformat() if whole["expires_on"] else None
        revision = Revision(invitation_id=invitation.id, body=whole | body, remarks=[])
        with self.unit_of_work() as uow:
            uow.start(revision, status, SYSTEM, action="revise")
        return revision

    # matches

    def match(
        self,
        asked_by: User | None = None,
        invitation: Invitation | None = None,
        *,
        via: str = Via.DIRECT,
        status: str = MatchStatus.REQUESTED,
        handler: str | None = None,
        proposed: tuple[School, ...] = (),
        **changes: Any,
    ) -> Match:
        """A match; without more, the school in Tainan asks the school in Osaka directly."""
        asker = asked_by or self.tainan
        if invitation is None and "wish" not in changes:
            invitation = self.invitation(self.osaka if self._school_of(asker).side is Side.DOMESTIC else self.tainan)
        now = datetime.now(UTC)
        school = self._school_of(asker)
        values: dict[str, Any] = {
            "via": via,
            "direction": "outbound" if school.side is Side.DOMESTIC else "inbound",
            "asking_school_id": school.id,
            "asked_by_id": asker.id,
            "invitation_id": invitation.id if invitation else None,
            "posting_school_id": invitation.school_id if invitation else None,
            "message": "We would like to work with you.",
            "handler_kind": self._handler_kind(via, handler),
            "handler_code": handler,
            "since": now,
            "due_at": now + timedelta(days=14 if via == Via.DIRECT else 7),
        }
        if status in (MatchStatus.AGREED, MatchStatus.COMPLETED) and invitation:
            values |= {"partner_school_id": invitation.school_id, "agreed_at": now}
        if status == MatchStatus.COMPLETED:
            values["ended_at"] = now
        match = Match(**(values | changes))
        with self.unit_of_work() as uow:
            uow.start(match, status, SYSTEM, action="ask")
            for candidate in proposed:
                uow.session.add(
                    Proposal(match_id=match.id, school_id=candidate.id, status=ProposalStatus.OPEN, proposed_at=now)
                )
        return match

    def meeting(self, match: Match, *, status: str = MeetingStatus.PROPOSED, **changes: Any) -> Meeting:
        """A meeting that the asking school proposed."""
        values: dict[str, Any] = {
            "match_id": match.id,
            "proposed_by_id": match.asking_school_id,
            "starts": [datetime.now(UTC) + timedelta(days=9)],
            "minutes": 45,
        }
        meeting = Meeting(**(values | changes))
        with self.unit_of_work() as uow:
            uow.start(meeting, status, SYSTEM, action="propose")
        return meeting

    def _handler_kind(self, via: str, handler: str | None) -> str | None:
        if via == Via.DIRECT:
            return None
        if handler is None:
            return HandlerKind.ADMIN
        return HandlerKind.OFFICE if "-" in handler and not handler.startswith("K12") else HandlerKind.IERC

    def _school_of(self, user: User) -> School:
        with self.unit_of_work() as uow:
            return uow.get(School, user.school_id or "")

    # looking

    def now_is(self, row: Living) -> Any:
        """The row as it stands in the database now."""
        with self.unit_of_work() as uow:
            found = uow.get(type(row), row.id)
            uow.session.refresh(found)
            return found

    def snapshot(self) -> dict[str, Any]:
        """What must not change when a request is refused: counts of rows, and every status and version."""
        with self.unit_of_work() as uow:
            counts = {
                table.__tablename__: uow.session.scalar(select(func.count()).select_from(table))
                for table in (OutboxRow, EmailDelivery, Contact, Proposal, User, ApiToken)
            }
            states = {
                table.__tablename__: sorted(
                    (row.id, row.status, row.version) for row in uow.session.scalars(select(table))
                )
                for table in LIVING
            }
        return counts | states

    def events_of(self, row: Any) -> list[Event]:
        with self.unit_of_work() as uow:
            return uow.history_of(row.subject_type, row.id)

    def jobs(self) -> list[tuple[str, str]]:
        """The owed jobs, as (job, subject id), in the order they were written."""
        with self.unit_of_work() as uow:
            rows = uow.session.scalars(select(OutboxRow).order_by(OutboxRow.id))
            return [(row.job, row.subject_id) for row in rows]


def problem(reply: TestResponse) -> tuple[int, str]:
    """Status and code of an error reply, which must be a problem document."""
    assert reply.content_type.startswith("application/problem+json"), reply.content_type
    document = json.loads(reply.data)
    assert document["status"] == reply.status_code
    return reply.status_code, document["code"]
