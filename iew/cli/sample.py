"""`iew sample load`: believable schools, posts and cases, played through the same verbs as real ones.

A first start without anything to look at teaches nobody what the window does; and data written straight into the tables
would show states that the rules cannot reach.
"""

import json
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import select

from config.settings import SAMPLES_DIR
from iew.app import House
from iew.cli.files import load_invitations, load_schools
from iew.cli.settings import house
from iew.domain.actors import SYSTEM, VISITOR, Actor, Role
from iew.domain.schools import Side
from iew.errors import IewError
from iew.models import Invitation, Match, Meeting, Pairing, School, User
from iew.services import (
    accounts,
    catalog,
    forwards,
    invitations,
    matches,
    meetings,
    messages,
    pairings,
    questions,
    schools,
)
from iew.services.accounts import NewUser
from iew.uow import UnitOfWork

Row = Mapping[str, Any]
WRITTEN_ON: Final = date(2026, 11, 24)
"""The day for which the dates in the sample files were chosen."""
SCHOOLS_DAYS_AGO: Final = 150
ACCOUNTS_DAYS_AGO: Final = 140
FRIDAY: Final = 5
MONDAY: Final = 3
"""So many days after a Friday."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


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
    """Fill an empty installation with sample schools, posts, cases and accounts; prints some of the sign-ins."""
    building = house()
    with building.unit_of_work() as uow:
        if uow.session.scalar(select(School.id).limit(1)) is not None:
            raise IewError("there are schools already; sample data goes into an empty installation only")
    story = json.loads((SAMPLES_DIR / "story.json").read_text(encoding="utf-8"))
    teller = Teller(building, story, datetime.now(UTC) - timedelta(hours=1))
    with redirect_stdout(sys.stderr):  # what the imports report; only the sign-ins are for whoever reads our output
        teller.tell()
    for account in story["accounts"]:
        if account["shown"]:
            click.echo(f"{account['role']} {account['email']} {teller.password}")


class Teller:
    """Plays the story: each step by the account that would do it, at the moment it would be done.

    What happens is gathered first and then played by its day, the earliest first; so cases cross each other as in life.
    """

    def __init__(self, building: House, story: Row, now: datetime) -> None:
        self.building = building
        self.now = now
        self.later = timedelta(weeks=max(0, (now.date() - WRITTEN_ON).days // 7))
        self.story: Row = _moved(story, self.later)
        self.password = f"{secrets.token_urlsafe(9)}-Aa1"
        self._steps: list[tuple[int, Callable[[UnitOfWork], object]]] = []
        self._matches: dict[str, str] = {}
        self._questions: dict[int, str] = {}

    def tell(self) -> None:
        """All of it. Each step is a transaction; a broken story leaves a broken installation, so it is tested."""
        self._import_files()
        self._add_accounts()
        for state in self.story["states"]:
            self._gather_post(state)
        for sign_up in self.story["sign_ups"]:
            self._gather_sign_up(sign_up)
        for case in self.story["matches"]:
            self._gather_case(case)
        for pairing in self.story["pairings"]:
            self._gather_pairing(pairing)
        for passed_on in self.story["forwards"]:
            self._on(passed_on["days_ago"], partial(self._forward, passed_on))
        for number, question in enumerate(self.story["questions"]):
            self._gather_question(number, question)
        for number, (days_ago, step) in enumerate(sorted(self._steps, key=lambda each: -each[0])):
            moment = self.now - timedelta(days=days_ago) + timedelta(seconds=number)
            with self.building.unit_of_work(moment) as uow:
                step(uow)

    def _on(self, days_ago: int, step: Callable[[UnitOfWork], object]) -> None:
        self._steps.append((days_ago, step))

    # schools, posts, people

    def _import_files(self) -> None:
        load_schools(
            _then(self.building, self.now - timedelta(days=SCHOOLS_DAYS_AGO)), str(SAMPLES_DIR / "schools.ndjson")
        )
        rows = [_moved(row, self.later) for row in _rows(SAMPLES_DIR / "invitations.ndjson")]
        written = {state["ref"]: state["days_ago"] for state in self.story["states"]}
        published: Mapping[str, int] = self.story["published"]
        for days_ago in sorted({*published.values(), *written.values()}, reverse=True):
            moment = self.now - timedelta(days=days_ago, minutes=30)
            self._import_posts([row for row in rows if published.get(row["ref"]) == days_ago], moment, publish=True)
            unread = [row for row in rows if row["ref"] not in published and written.get(row["ref"]) == days_ago]
            self._import_posts(unread, moment, publish=False)

    def _import_posts(self, rows: Sequence[Row], moment: datetime, *, publish: bool) -> None:
        if not rows:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            load_invitations(_then(self.building, moment), file.name, publish=publish)

    def _add_accounts(self) -> None:
        with self.building.unit_of_work(self.now - timedelta(days=ACCOUNTS_DAYS_AGO)) as uow:
            for account in self.story["accounts"]:
                role, language = Role(account["role"]), account["language"]
                new = NewUser(account["email"], role, account["name"], account["school"], account["unit"], language)
                accounts.add_user(uow, new, self.password, hasher=self.building.hasher)

    def _gather_post(self, state: Row) -> None:
        """The steps that lead a post to its state."""
        ref, days_ago = state["ref"], state["days_ago"]
        if state["state"] in _ENDS_OF_PUBLIC:
            self._on(state["ended_days_ago"], partial(self._act, ref, _ENDS_OF_PUBLIC[state["state"]], state))
        elif state["state"] != "draft" and "revision" not in state:
            self._on(days_ago, partial(self._act, ref, "submit", {}))
            self._gather_decision(ref, state)
        if "revision" in state:
            revision = state["revision"]
            self._on(revision["days_ago"], partial(self._revise, ref, revision["changes"]))
            if revision["state"] != "draft":
                self._on(revision["days_ago"], partial(self._act, ref, "submit", {}))
            self._gather_decision(ref, revision)

    def _gather_decision(self, ref: str, told: Row) -> None:
        if told["state"] in _DECISIONS:
            self._on(told["decided_days_ago"], partial(self._act, ref, _DECISIONS[told["state"]], told))

    def _act(self, ref: str, action: str, told: Row, uow: UnitOfWork) -> None:
        post = uow.session.scalars(select(Invitation).where(Invitation.ref == ref)).one()
        actor = _account(uow, told["by"]) if told.get("by") else _staff(uow, post.school_id)
        invitations.act(uow, post.id, action, actor, {name: told.get(name) for name in ("reason", "remarks")})

    def _revise(self, ref: str, changes: Row, uow: UnitOfWork) -> None:
        post = uow.session.scalars(select(Invitation).where(Invitation.ref == ref)).one()
        day = changes.get("expires_on")
        read = {**changes, "expires_on": date.fromisoformat(day)} if day else changes
        invitations.change(uow, post.id, read, _staff(uow, post.school_id), seen_version=post.version)

    def _gather_sign_up(self, sign_up: Row) -> None:
        self._on(sign_up["days_ago"], partial(self._sign_up, sign_up))
        if sign_up["state"] == "asked":
            self._on(sign_up["asked_days_ago"], partial(self._question_sign_up, sign_up))

    def _sign_up(self, sign_up: Row, uow: UnitOfWork) -> None:
        password_hash = accounts.hash_password(self.building.hasher, self.password)
        schools.sign_up(uow, sign_up["school"], sign_up["user"], password_hash=password_hash)
        _user(uow, sign_up["user"]["email"]).email_confirmed_at = uow.now

    def _question_sign_up(self, sign_up: Row, uow: UnitOfWork) -> None:
        approver = sign_up["approver"]
        decider = _administrator(uow) if approver == "admin" else _staff_of_unit(uow, approver)
        school_id = _user(uow, sign_up["user"]["email"]).school_id or ""
        schools.decide(uow, school_id, "ask", decider, reason=sign_up["reason"])

    def _forward(self, passed_on: Row, uow: UnitOfWork) -> None:
        ids = [_school_id(uow, ref) for ref in passed_on["schools"]]
        actor = _staff_of_unit(uow, passed_on["unit"])
        post_id = _post_id(uow, passed_on["ref"]) or ""
        forwards.forward(uow, post_id, {"ids": ids}, actor, note=passed_on["note"])

    # cases

    def _gather_case(self, case: Row) -> None:
        self._on(case["days_ago"], partial(self._ask, case))
        for step in case["steps"]:
            self._on(step["days_ago"], partial(self._step, case, step))
        for message in case["messages"]:
            self._on(message["days_ago"], partial(self._write, case, message))

        for meeting in case.get("meetings", ()):
            self._gather_meeting(case, meeting)

    def _ask(self, case: Row, uow: UnitOfWork) -> None:
        values = {name: case[name] for name in ("via", "message", "wish")}
        values |= {f"{name}_id": _post_id(uow, case[name]) for name in ("invitation", "from_invitation")}
        self._matches[case["key"]] = matches.ask(uow, values, _staff(uow, _school_id(uow, case["asking"]))).id

    def _write(self, case: Row, message: Row, uow: UnitOfWork) -> None:
        writer = self._party(uow, case, message["by"])
        messages.write(uow, self._matches[case["key"]], message["text"], writer, language=writer.language)

    def _step(self, case: Row, step: Row, uow: UnitOfWork) -> None:  # noqa: C901 - one line an action
        match_id, actor, note = self._matches[case["key"]], self._party(uow, case, step["by"]), step.get("note")
        match step["action"]:
            case "accept":
                matches.accept(uow, match_id, actor)
            case "decline":
                matches.decline(uow, match_id, step["reason_code"], actor, note=note)
            case "propose":
                matches.propose(uow, match_id, _school_id(uow, step["school"]), actor, note=note)
            case "agree":
                matches.agree(uow, match_id, _school_id(uow, step["school"]), actor)
            case "route":
                matches.route_by_hand(uow, match_id, step["handler"], actor)
            case "hand_back":
                matches.hand_back(uow, match_id, step["reason"], actor)
            case "not_found":
                matches.not_found(uow, match_id, step["reason"], actor)
            case "cancel":
                matches.cancel(uow, match_id, actor, reason=step.get("reason"))
            case "no_reply":
                matches.no_reply(uow, match_id)
            case "report":
                held_on = (self.now - timedelta(days=step["held_days_ago"])).date()
                numbers = {name: step[name] for name in ("students", "teachers")}
                matches.report(uow, match_id, actor, summary=step["summary"], held_on=held_on, **numbers)
            case other:
                raise ValueError(f"the story has an unknown step: {other}")

    def _gather_meeting(self, case: Row, told: Row) -> None:
        """Times that one school names, and the one that the other chooses."""
        named: list[Meeting] = []
        self._on(told["days_ago"], lambda uow: named.append(self._name_times(case, told, uow)))
        if told["accepted"]:
            self._on(told["accepted"]["days_ago"], lambda uow: self._choose_time(case, told["accepted"], named[0], uow))

    def _name_times(self, case: Row, told: Row, uow: UnitOfWork) -> Meeting:
        values = {"starts": [], "local_starts": [self._wall(start) for start in told["starts"]]}
        values |= {"minutes": told["minutes"], "link": told["link"]}
        return meetings.propose(uow, self._matches[case["key"]], values, self._party(uow, case, told["by"]))

    def _choose_time(self, case: Row, told: Row, named: Meeting, uow: UnitOfWork) -> None:
        chooser, start = self._party(uow, case, told["by"]), named.starts[told["choice"]]
        meetings.accept(uow, self._matches[case["key"]], named.id, start, chooser)

    def _wall(self, told: Row) -> datetime:
        """What the clocks of a school will show: so many days from now, moved on to the next day of school."""
        day = self.now.date() + timedelta(days=told["in_days"])
        after_friday = max(0, day.isoweekday() - FRIDAY)
        day += timedelta(days=MONDAY - after_friday if after_friday else 0)
        return datetime.combine(day, time.fromisoformat(told["time"]))

    def _party(self, uow: UnitOfWork, case: Row, by: str) -> Actor:
        found = uow.get(Match, self._matches[case["key"]])
        match by:
            case "system":
                return SYSTEM
            case "admin":
                return _administrator(uow)
            case "asking":
                return _staff(uow, found.asking_school_id)
            case "invited":
                return _staff(uow, found.posting_school_id or "")
            case "handler":
                return _staff_of_unit(uow, found.handler_code or "")
        return _staff(uow, _school_id(uow, by.removeprefix("proposed:")))

    # pairings

    def _gather_pairing(self, told: Row) -> None:
        made: list[Pairing] = []
        self._on(told["days_ago"], lambda uow: made.append(self._pair(told, uow)))
        if told["accepted_days_ago"] is not None:
            self._on(told["accepted_days_ago"], lambda uow: self._accept_pairs(told, made[0], uow))

    def _pair(self, told: Row, uow: UnitOfWork) -> Pairing:
        """A pairing of a unit, with the pairs that it pinned or banned."""
        searcher, actor = self.building.searcher, _staff_of_unit(uow, told["by"])
        values = {"name": told["name"], "max_per_school": told["max_per_school"]} | _posts_named(uow, told)
        made = pairings.make(
            uow, values, actor, concepts=cache(partial(catalog.concepts_of, searcher)),
            themes=partial(catalog.themes_of, searcher),
        )  # fmt: skip
        for hold, pairs in ((pairings.pin, told["pins"]), (pairings.forbid, told["bans"])):
            for pair in pairs:
                hold(uow, made.id, {side: _post_id(uow, ref) for side, ref in pair.items()}, actor)
        return made

    def _accept_pairs(self, told: Row, made: Pairing, uow: UnitOfWork) -> None:
        pairings.accept(uow, made.id, _staff_of_unit(uow, told["by"]))

    # questions

    def _gather_question(self, number: int, question: Row) -> None:
        self._on(question["days_ago"], partial(self._ask_administrator, number, question))
        for message in question["messages"]:
            self._on(message["days_ago"], partial(self._answer, number, question, message))
        if question["closed"]:
            last = min([question["days_ago"], *(message["days_ago"] for message in question["messages"])])
            self._on(last, partial(self._close, number))

    def _ask_administrator(self, number: int, question: Row, uow: UnitOfWork) -> None:
        asker = _account(uow, question["by"]) if question["by"] else VISITOR
        values = {"text": question["text"], "about": self._subject(uow, question["about"]), "email": question["email"]}
        self._questions[number] = questions.ask(uow, values, asker, language=question["language"]).id

    def _subject(self, uow: UnitOfWork, about: Row | None) -> dict[str, str | None] | None:
        if about is None:
            return None
        found = self._matches[about["ref"]] if about["type"] == "match" else _post_id(uow, about["ref"])
        return {"type": about["type"], "id": found}

    def _answer(self, number: int, question: Row, message: Row, uow: UnitOfWork) -> None:
        by_admin = message["by"] == "admin"
        writer = _administrator(uow) if by_admin else _account(uow, question["by"])
        questions.write(uow, self._questions[number], message["text"], writer)

    def _close(self, number: int, uow: UnitOfWork) -> None:
        questions.close(uow, self._questions[number], _administrator(uow))


_ENDS_OF_PUBLIC: Final = {"withdrawn": "withdraw", "closed": "close"}
_DECISIONS: Final = {"returned": "return", "rejected": "reject"}
"""State of a post or revision in the story -> the action that ends in it."""


def _posts_named(uow: UnitOfWork, told: Row) -> dict[str, list[str]]:
    """The posts of both sides by their ids."""
    return {side.value: [_post_id(uow, ref) or "" for ref in told[side.value]] for side in Side}


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _moved(told: Any, by: timedelta) -> Any:
    """The same with every date moved, so that no post of the sample has run out, whenever it is loaded."""
    if isinstance(told, Mapping):
        return {name: _moved(value, by) for name, value in told.items()}
    if isinstance(told, list):
        return [_moved(value, by) for value in told]
    if isinstance(told, str) and _DATE.fullmatch(told):
        return (date.fromisoformat(told) + by).isoformat()
    return told


def _user(uow: UnitOfWork, email: str) -> User:
    return uow.session.scalars(select(User).where(User.email == email)).one()


def _account(uow: UnitOfWork, email: str) -> Actor:
    return _user(uow, email).as_actor()


def _administrator(uow: UnitOfWork) -> Actor:
    admins = select(User).where(User.role == Role.IEW_ADMIN.value).order_by(User.email).limit(1)
    return uow.session.scalars(admins).one().as_actor()


def _staff(uow: UnitOfWork, school_id: str) -> Actor:
    staff = select(User).where(User.school_id == school_id).order_by(User.email).limit(1)
    return uow.session.scalars(staff).one().as_actor()


def _staff_of_unit(uow: UnitOfWork, code: str) -> Actor:
    staff = select(User).where(User.unit_code == code).order_by(User.email).limit(1)
    return uow.session.scalars(staff).one().as_actor()


def _school_id(uow: UnitOfWork, ref: str) -> str:
    return uow.session.scalars(select(School.id).where(School.ref == ref)).one()


def _post_id(uow: UnitOfWork, ref: str | None) -> str | None:
    return uow.session.scalars(select(Invitation.id).where(Invitation.ref == ref)).one() if ref else None
