"""`iew sample load`: believable schools, posts and cases, played through the same verbs as real ones.

A first start without anything to look at teaches nobody what the window does; and data written straight into the tables
would show states that the rules cannot reach.
"""

import json
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import select

from config.settings import SAMPLES_DIR
from iew.app import House
from iew.cli.files import load_invitations, load_schools
from iew.cli.settings import house
from iew.domain.actors import SYSTEM, VISITOR, Actor, Role
from iew.errors import IewError
from iew.models import Invitation, Match, School, User
from iew.services import accounts, invitations, matches, messages, questions, schools
from iew.services.accounts import NewUser
from iew.uow import UnitOfWork

Row = Mapping[str, Any]
PUBLISHED_DAYS_AGO: Final = (120, 100, 90, 85, 82, 80, 78)
"""Posts are older than the cases about them."""


@dataclass
class HouseOfThen(House):
    """The house as it would have worked at a moment in the past."""

    moment: datetime | None = None

    def unit_of_work(self, now: datetime | None = None) -> UnitOfWork:
        return super().unit_of_work(now or self.moment)


def _then(building: House, moment: datetime) -> HouseOfThen:
    same = {each.name: getattr(building, each.name) for each in fields(building) if each.init}
    return HouseOfThen(**same, moment=moment)


@click.group(hidden=True)
def sample() -> None:
    """The sample data."""


@sample.command()
def load() -> None:
    """Fill an empty installation with sample schools, posts, cases and accounts; prints the sign-ins."""
    building = house()
    with building.unit_of_work() as uow:
        if uow.session.scalar(select(School.id).limit(1)) is not None:
            raise IewError("there are schools already; sample data goes into an empty installation only")
    story = json.loads((SAMPLES_DIR / "story.json").read_text(encoding="utf-8"))
    teller = Teller(building, story, datetime.now(UTC))
    with redirect_stdout(sys.stderr):  # what the imports report; only the sign-ins are for whoever reads our output
        teller.tell()
    for account in story["accounts"]:
        click.echo(f"{account['role']} {account['email']} {teller.password}")


class Teller:
    """Plays the story: each step by the account that would do it, at the moment it would be done."""

    def __init__(self, building: House, story: Row, now: datetime) -> None:
        self.building = building
        self.story = story
        self.now = now
        self.password = f"{secrets.token_urlsafe(9)}-Aa1"

    def tell(self) -> None:
        """All of it. Each step is a transaction; a broken story leaves a broken installation, so it is tested."""
        self._import_files()
        for account in self.story["accounts"]:
            self._add_account(account)
        for post in self.story["posts"]:
            self._bring_post(post)
        for sign_up in self.story["sign_ups"]:
            self._sign_up(sign_up)
        for case in self.story["matches"]:
            self._play(case)
        for question in self.story["questions"]:
            self._ask(question)

    # schools, posts, people

    def _import_files(self) -> None:
        load_schools(_then(self.building, self._ago(150)), str(SAMPLES_DIR / "schools.ndjson"))
        unpublished = {post["ref"] for post in self.story["posts"] if not post["state"].startswith(_PUBLIC)}
        rows = list(_rows(SAMPLES_DIR / "invitations.ndjson"))
        self._import_posts([row for row in rows if row["ref"] in unpublished], self._ago(20), publish=False)
        public = [row for row in rows if row["ref"] not in unpublished]
        for number, days in enumerate(PUBLISHED_DAYS_AGO):
            self._import_posts(public[number :: len(PUBLISHED_DAYS_AGO)], self._ago(days), publish=True)

    def _import_posts(self, rows: Sequence[Row], moment: datetime, *, publish: bool) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            load_invitations(_then(self.building, moment), file.name, publish=publish)

    def _add_account(self, account: Row) -> None:
        new = NewUser(
            account["email"],
            Role(account["role"]),
            account["name"],
            account.get("school"),
            account.get("unit"),
            account["language"],
        )
        with self.building.unit_of_work(self._ago(140)) as uow:
            accounts.add_user(uow, new, self.password, hasher=self.building.hasher)

    def _bring_post(self, post: Row) -> None:
        """Take a post to the state that the story wants."""
        with self.building.unit_of_work() as uow:
            found = uow.session.scalars(select(Invitation).where(Invitation.ref == post["ref"])).one()
            owner = _staff(uow, School, found.school_id)
            admin = _account(uow, "review@iew.example")
            details = {name: post[name] for name in ("reason", "remarks") if name in post}
            for action, actor in _WAY_TO[post["state"]]:
                by = owner if actor == "owner" else admin
                if action == "revise":
                    changes = post.get("changes", {})
                    invitations.change(uow, found.id, changes, by, seen_version=found.version)
                else:
                    invitations.act(uow, found.id, action, by, details if by is admin else None)

    def _sign_up(self, sign_up: Row) -> None:
        with self.building.unit_of_work(self._ago(4)) as uow:
            password_hash = accounts.hash_password(self.building.hasher, self.password)
            schools.sign_up(uow, sign_up["school"], sign_up["user"], password_hash=password_hash)
            user = accounts.find_user(uow, sign_up["user"]["email"])
            assert user is not None, "a sign-up makes a user"
            user.email_confirmed_at = uow.now
            if sign_up["state"] == "asked":
                decider = _account(uow, sign_up["by"])
                schools.decide(uow, user.school_id or "", "ask", decider, reason=sign_up["reason"])

    # cases

    def _play(self, case: Row) -> None:
        moment = self._ago(case["days_ago"])
        with self.building.unit_of_work(moment) as uow:
            asker = self._asker(uow, case)
            values = {"via": case["via"], "message": case["message"], "wish": case.get("wish")}
            values |= {f"{name}_id": _post_id(uow, case.get(name)) for name in ("invitation", "from_invitation")}
            match_id = matches.ask(uow, values, asker).id
        for step in case["steps"]:
            moment += timedelta(days=step["after_days"])
            with self.building.unit_of_work(moment) as uow:
                self._step(uow, match_id, case, step)
        for message in case["messages"]:
            moment += timedelta(hours=3)
            with self.building.unit_of_work(min(moment, self.now)) as uow:
                writer = self._party(uow, match_id, case, message["by"])
                messages.write(uow, match_id, message["text"], writer, language=writer.language)

    def _step(self, uow: UnitOfWork, match_id: str, case: Row, step: Row) -> None:
        actor = self._party(uow, match_id, case, step["by"])
        match step["action"]:
            case "accept":
                matches.accept(uow, match_id, actor)
            case "decline":
                matches.decline(uow, match_id, step["reason_code"], actor, note=step.get("note"))
            case "propose":
                matches.propose(uow, match_id, _school_id(uow, step["school"]), actor, note=step.get("note"))
            case "agree":
                matches.agree(uow, match_id, _school_id(uow, step["school"]), actor)
            case "hand_back":
                matches.hand_back(uow, match_id, step["reason"], actor)
            case "not_found":
                matches.not_found(uow, match_id, step["reason"], actor)
            case "cancel":
                matches.cancel(uow, match_id, actor, reason=step.get("reason"))
            case "no_reply":
                matches.no_reply(uow, match_id)
            case "report":
                held_on = (uow.now + timedelta(days=step["held_on"])).date()
                numbers = {name: step[name] for name in ("students", "teachers")}
                matches.report(uow, match_id, actor, summary=step["summary"], held_on=held_on, **numbers)
            case other:
                raise ValueError(f"the story has an unknown step: {other}")

    def _asker(self, uow: UnitOfWork, case: Row) -> Actor:
        return _staff(uow, School, _school_id(uow, case["asking"]))

    def _party(self, uow: UnitOfWork, match_id: str, case: Row, by: str) -> Actor:
        found = uow.get(Match, match_id)
        if by == "system":
            return SYSTEM
        if by == "asking":
            return self._asker(uow, case)
        if by == "handler":
            staff = select(User).where(User.unit_code == found.handler_code).order_by(User.email)
            return uow.session.scalars(staff).first().as_actor()  # type: ignore[union-attr]  # the story names them
        if by == "invited":
            return _staff(uow, School, found.posting_school_id or "")
        return _staff(uow, School, _school_id(uow, by.removeprefix("proposed:")))

    # questions

    def _ask(self, question: Row) -> None:
        with self.building.unit_of_work(self._ago(3)) as uow:
            asker = _account(uow, question["by"]) if "by" in question else VISITOR
            about = question["about"]
            subject = {"type": about["type"], "id": _post_id(uow, about["ref"])} if about else None
            values = {"text": question["text"], "about": subject, "email": question.get("email")}
            asked = questions.ask(uow, values, asker, language=question.get("language") or asker.language)
            admin = _account(uow, "admin@iew.example")
            if "answer" in question:
                questions.write(uow, asked.id, question["answer"], admin)
            if question.get("close"):
                questions.close(uow, asked.id, asker)

    def _ago(self, days: int) -> datetime:
        return self.now - timedelta(days=days)


_PUBLIC: Final = ("withdrawn", "closed", "revised")
_WAY_TO: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "draft": (),
    "submitted": (("submit", "owner"),),
    "returned": (("submit", "owner"), ("return", "admin")),
    "rejected": (("submit", "owner"), ("reject", "admin")),
    "withdrawn": (("withdraw", "owner"),),
    "closed": (("close", "owner"),),
    "revised": (("revise", "owner"), ("submit", "owner")),
    "revised_draft": (("revise", "owner"),),
}
"""State of a post in the story -> the actions that lead there, each with who takes it."""


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _account(uow: UnitOfWork, email: str) -> Actor:
    return uow.session.scalars(select(User).where(User.email == email)).one().as_actor()


def _staff(uow: UnitOfWork, table: type[School], school_id: str) -> Actor:
    """The first account of a school; one that the story gives no account gets one that nobody can use."""
    school = uow.get(table, school_id)
    user = uow.session.scalars(select(User).where(User.school_id == school.id).order_by(User.email)).first()
    if user is not None:
        return user.as_actor()
    return Actor(role=Role.SCHOOL, school_id=school.id, user_id=None, school_approved=True)


def _school_id(uow: UnitOfWork, ref: str) -> str:
    return uow.session.scalars(select(School.id).where(School.ref == ref)).one()


def _post_id(uow: UnitOfWork, ref: str | None) -> str | None:
    return uow.session.scalars(select(Invitation.id).where(Invitation.ref == ref)).one() if ref else None
