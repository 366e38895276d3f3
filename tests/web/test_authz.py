"""Who may do what: every row of `tests/authz_matrix.csv`, for every kind of person.

The codes of a cell: `ok` answered; `okR` answered, and nothing of a contact in it; `okL` answered, and history has a
new line that names the person; `okS` answered, and only what is in the person's own scope; a number: refused with
exactly that status, a problem document, and nothing changed.
"""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from iew.domain.matches import Via
from iew.models import Event, Invitation, Question, QuestionMessage, School, SignInSession, User
from tests.accounts.bodies import sign_up_body
from tests.world import Client, World, problem

MATRIX = Path(__file__).parents[1] / "authz_matrix.csv"
ROWS = list(csv.DictReader(MATRIX.read_text(encoding="utf-8").splitlines()))
SUBJECTS = ("anon", "ovs", "dom", "oth", "iercA", "iercB", "offA", "offB", "iew", "sys")
CANARIES = ("canary@contact.example", "+81 6 5550 0199", "Mika Canary")
OUTSIDE_THE_MATRIX = {"/static/<path:filename>"}


class Scene:
    """The fixture of the matrix: D and X in Taiwan, O and Y abroad, their posts, matches, units and administrators."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def people(self) -> dict[str, User | None]:
        world = self.world
        return {
            "anon": None,
            "ovs": world.osaka,
            "dom": world.tainan,
            "oth": world.taipei,
            "iercA": world.ierc_tainan,
            "iercB": world.ierc_taipei,
            "offA": world.office_osaka,
            "offB": world.office_seoul,
            "iew": world.admin,
            "sys": world.system_admin,
        }

    def put(self, state: str) -> dict[str, str]:
        """Make what a row is about; what its placeholders stand for."""
        world = self.world
        self.names: dict[str, str] = {
            "D": world.tainan.school_id or "",
            "O": world.osaka.school_id or "",
            "X": world.taipei.school_id or "",
            "NEXT_YEAR": (datetime.now(UTC).date() + timedelta(days=200)).isoformat(),
            "SIGN_UP": json.dumps(sign_up_body("AQ")),
        }
        for part in filter(None, state.split("; ")):
            self._put(part)
        return self.names

    def _put(self, part: str) -> None:
        world = self.world
        if part == "pending schools":
            self.names["NT"] = world.school("TW", status="pending").id
            self.names["NO"] = world.school("JP", status="pending", approver_code="JP-OSA").id
        elif part == "question of ovs":
            self.names["Q"] = self._question(world.osaka)
        elif part == "written by iew":
            with world.unit_of_work() as uow:
                uow.get(Invitation, self.names["PD"]).author_id = world.admin.id
        elif part.startswith("P"):
            self._post(part)
        elif part.startswith(("M", "A")):
            self._match(part)
        else:
            assert part == "elsewhere", part

    def _post(self, part: str) -> None:
        name, status, *more = part.split(" ", 2)
        owner = self.world.tainan if name == "PD" else self.world.osaka
        changes: dict[str, Any] = {"contact_visibility": "approved_schools"} if more == ["for schools"] else {}
        if status == "expired":
            changes["expires_on"] = "2026-01-31"
        self.names[name] = self.world.invitation(owner, status=status, **changes).id

    def _match(self, part: str) -> None:
        name, status, *more = part.split(" ", 2)
        world, detail = self.world, " ".join(more)
        asker = world.osaka if name.endswith("1") else world.tainan
        owner = world.tainan if name.endswith("1") else world.osaka
        with world.unit_of_work() as uow:
            post = uow.get(Invitation, self.names["PD" if name.endswith("1") else "PO"])
        changes: dict[str, Any] = {}
        proposed: tuple[School, ...] = ()
        if name.startswith("A"):
            changes |= {"via": Via.ASSISTED, "handler": {"A1": "TNN", "A2": "JP-OSA"}[name]}
        if status == "proposed":
            with world.unit_of_work() as uow:
                proposed, status = (uow.get(School, owner.school_id or ""),), "in_progress"
        if detail == "away":
            changes["handler"] = "TPE"
        if detail == "long ago":
            changes["ended_at"] = datetime.now(UTC) - timedelta(days=91)
        elif status in ("declined", "cancelled"):
            changes["ended_at"] = datetime.now(UTC)
        if status in ("agreed", "completed"):
            changes["agreed_by_id"] = owner.id
        match = world.match(asker, post, status=status, proposed=proposed, **changes)
        self.names[name] = match.id

    def _question(self, asker: User) -> str:
        question = Question(asker_id=asker.id, language="en")
        with self.world.unit_of_work() as uow:
            uow.start(question, "open", self.world.actor(asker), action="ask")
            message = QuestionMessage(question_id=question.id, author_id=asker.id, by_admin=False, text="Why?")
            message.created_at = uow.now
            uow.session.add(message)
        return question.id

    def foreign_session(self) -> str:
        """A sign-in of somebody else."""
        stranger = self.world.user()
        Client(self.world.app, None).post("/session", {"email": stranger.email, "password": "correct horse battery"})
        with self.world.unit_of_work() as uow:
            return uow.session.scalars(select(SignInSession.id).where(SignInSession.user_id == stranger.id)).one()

    def call(self, row: dict[str, str], subject: str) -> TestResponse:
        person = self.people[subject]
        headers = json.loads(row["headers"]) if row["headers"] else {}
        options: dict[str, Any] = {"headers": headers}
        if row["body"]:
            body = json.loads(self.filled(row["body"]))
            if row["id"] == "Q01" and person is not None:
                del body["email"]
            options["json"] = body
        if row["state"] == "elsewhere":
            options["environ_base"] = {"REMOTE_ADDR": "192.0.2.7"}
        path = self.filled(row["path"])
        return self.client(subject).call(row["method"], path, **options)

    def client(self, subject: str) -> Client:
        return self.world.as_(self.people[subject])

    def filled(self, text: str) -> str:
        return re.sub(r"\{([A-Z_0-9]+)\}", lambda found: self.names[found[1]], text)


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


def cells() -> Iterator[Any]:
    for row in ROWS:
        for subject in SUBJECTS:
            yield pytest.param(row, subject, id=f"{row['id']}-{subject}")


@pytest.mark.parametrize(("row", "subject"), list(cells()))
def test_who_may_do_what(scene: Scene, row: dict[str, str], subject: str) -> None:
    scene.put(row["state"])
    if "{FOREIGN_SESSION}" in row["path"]:
        scene.names["FOREIGN_SESSION"] = scene.foreign_session()
    scene.client(subject)
    before, lines = scene.world.snapshot(), _lines_by(scene, subject)

    reply = scene.call(row, subject)

    expected = row[subject]
    if expected.startswith("ok"):
        assert 200 <= reply.status_code < 300, reply.text
        _check_reply(scene, row, subject, reply, lines)
    else:
        assert reply.status_code == int(expected), reply.text
        assert problem(reply)[0] == int(expected)
        assert scene.world.snapshot() == before
        assert not any(canary in reply.text for canary in CANARIES)


def _check_reply(scene: Scene, row: dict[str, str], subject: str, reply: TestResponse, lines: int) -> None:
    expected = row[subject]
    if expected == "okR":
        assert not any(canary in reply.text for canary in CANARIES)
    elif expected == "okL":
        assert _lines_by(scene, subject) > lines
    elif expected == "okS":
        _check_scope(scene, subject, reply)


def _lines_by(scene: Scene, subject: str) -> int:
    person = scene.people[subject]
    with scene.world.unit_of_work() as uow:
        counted = select(func.count()).select_from(Event).where(Event.action != "denied")
        return uow.session.scalar(counted.where(Event.actor_id == (person.id if person else None))) or 0


def _check_scope(scene: Scene, subject: str, reply: TestResponse) -> None:
    """Every item is one that the person may read, and the total counts those alone."""
    document = reply.json
    assert document["total"] == len(document["items"])
    for item in document["items"]:
        thing = item.get("subject", item)
        address = {
            "invitation": f"/invitations/{thing['id']}",
            "match": f"/matches/{thing['id']}",
            "question": f"/questions/{thing['id']}",
            "school": f"/schools/{thing['id']}",
        }.get(_kind_of(item))
        if address is not None and subject not in ("sys",):
            assert scene.client(subject).get(address).status_code == 200, item


def _kind_of(item: dict[str, Any]) -> str:
    if "subject" in item:
        return str(item["subject"]["type"])
    if "via" in item:
        return "match"
    if "level" in item:
        return "school"
    return "invitation" if "exchange_types" in item else "question" if "messages" in item else "?"


def _template(path: str) -> str:
    return re.sub(r"\{[A-Z_0-9]+\}", "<>", path.partition("?")[0])


def _rule(path: str) -> str:
    return re.sub(r"<[^>]+>", "<>", path.removeprefix("/api/v1"))


def test_every_route_of_the_api_is_in_the_matrix(world: World) -> None:
    listed = {(row["method"], _template(row["path"])) for row in ROWS}
    missing = [
        (method, rule.rule)
        for rule in world.app.url_map.iter_rules()
        if (rule.rule.startswith("/api/") or rule.rule in ("/healthz", "/readyz", "/metrics"))
        and rule.rule not in OUTSIDE_THE_MATRIX
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not any(method == seen and _same(rule.rule, path) for seen, path in listed)
    ]
    assert missing == []


def _same(rule: str, path: str) -> bool:
    """Whether a path of the matrix is one of a rule; a rule's last variable may stand for a word."""
    pattern = re.sub(r"<[^>]+>", "[^/]+", rule.removeprefix("/api/v1") if path != rule else rule)
    return re.fullmatch(pattern, path) is not None


def test_every_cell_is_filled() -> None:
    codes = {"ok", "okR", "okL", "okS", "401", "403", "404", "405", "409", "412", "422", "428"}
    assert [row["id"] for row in ROWS if any(row[subject] not in codes for subject in SUBJECTS)] == []
    assert len({row["id"] for row in ROWS}) == len(ROWS)
