"""Who may do what: every row of `tests/authz_matrix.csv`, for every kind of person.

The codes of a cell: `ok` answered; `okR` answered, and nothing of a contact in it; `okL` answered, and history has a
new line that names the person; `okS` answered, and only what is in the person's own scope; a number: refused with
exactly that status, a problem document, and nothing changed.
"""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from iew.domain.actors import SYSTEM
from iew.domain.matches import Via
from iew.models import Event, Invitation, Meeting, Question, QuestionMessage, School, SignInSession, User
from iew.services import pairings, proofs, saved_searches, suggestions
from iew.web.access import NAME_OF_PERMISSION
from iew.web.context import EXTENSION
from iew.web.house import House
from iew.web.permissions import PERMISSIONS, Kind
from search_index.document import FACETS
from search_index.lexicon import Lexicon
from search_index.query import Request
from search_index.reader import FacetCount, Found, Hit, Named
from search_index.understanding import Plan
from tests.accounts.bodies import sign_up_body
from tests.pages.conftest import reader_away
from tests.world import Client, World, problem

MATRIX = Path(__file__).parents[1] / "authz_matrix.csv"
ROWS = list(csv.DictReader(MATRIX.read_text(encoding="utf-8").splitlines()))
SUBJECTS = ("anon", "ovs", "dom", "oth", "iercA", "iercB", "offA", "offB", "iew", "sys")
CANARIES = ("canary@contact.example", "+81 6 5550 0199", "Mika Canary")
NO_PREFIX = ("/healthz", "/readyz", "/metrics", "/api/docs")
OUTSIDE_THE_MATRIX = {"/static/<path:filename>"}


SECRET_TITLE = "A draft that nobody may find"


class LyingReader:
    """An index that gives out everything it ever heard of, drafts too."""

    lexicon = Lexicon({}, {})

    def __init__(self, *ids: str) -> None:
        self.ids = ids

    def search(self, request: Request) -> Found:
        hits = tuple(Hit(each, 1.0, True) for each in self.ids)
        facets: dict[str, tuple[FacetCount, ...]] = dict.fromkeys(FACETS, ())
        return Found(hits, len(hits), len(hits), facets, Plan(request.text, None))

    def complete(
        self, typed: str, *, today: date, language: str | None = None, limit: int = 8
    ) -> tuple[tuple[()], tuple[Named, ...]]:
        return (), tuple(Named(each, frozenset({"title"})) for each in self.ids)


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
            "SOON": (datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)).isoformat(),
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
        elif part.startswith("meeting"):
            self._meeting(agreed=part.endswith("agreed"))
        elif part == "search of ovs":
            with world.unit_of_work() as uow:
                values = {"name": "Robots", "params": {"q": "robots"}, "frequency": "daily", "paused": False}
                self.names["SS"] = saved_searches.keep(uow, values, world.actor(world.osaka)).id
        elif part == "pairing of iercA":
            self._pairing()
        elif part in ("words are known", "an index that lies"):
            lying = LyingReader(self.names["PD"], self.names.get("PS", ""))
            self._house().open_searcher = reader_away if part == "words are known" else lambda: lying
        elif part == "written by iew":
            with world.unit_of_work() as uow:
                uow.get(Invitation, self.names["PD"]).author_id = world.admin.id
        elif part.startswith("P"):
            self._suggestion() if part == "PO suggested" else self._post(part)
        elif part.startswith(("M", "A")):
            self._match(part)
        else:
            assert part == "elsewhere", part

    def _meeting(self, *, agreed: bool) -> None:
        """Times that O named for the schools of M1."""
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
        meeting = Meeting(match_id=self.names["M1"], proposed_by_id=self.names["O"], starts=[soon], minutes=40)
        if agreed:
            meeting.agreed_start, meeting.agreed_minutes = soon, 40
        with self.world.unit_of_work() as uow:
            uow.start(meeting, "agreed" if agreed else "proposed", SYSTEM, action="propose")
        self.names["ME"], self.names["SOON"] = meeting.id, soon.isoformat()

    def _post(self, part: str) -> None:
        name, status, *more = part.split(" ", 2)
        owner = self.world.osaka if name == "PO" else self.world.tainan
        changes: dict[str, Any] = {"contact_visibility": "approved_schools"} if more == ["for schools"] else {}
        if name == "PS":
            changes["title"] = SECRET_TITLE
        if status == "expired":
            changes["expires_on"] = "2026-01-31"
        self.names[name] = self.world.invitation(owner, status=status, **changes).id

    def _house(self) -> House:
        found: House = self.world.app.extensions[EXTENSION]
        return found

    def _pairing(self) -> None:
        """PD and PO in a pairing of the centre in Tainan."""
        values = {"name": "Ours", "domestic": [self.names["PD"]], "overseas": [self.names["PO"]], "max_per_school": 1}
        with self.world.unit_of_work() as uow:
            actor = self.world.actor(self.world.ierc_tainan)
            self.names["PA"] = pairings.make(uow, values, actor, concepts=lambda text: frozenset()).id

    def _suggestion(self) -> None:
        """PD and PO in each other's lists."""
        with self.world.unit_of_work() as uow:
            suggestions.suggest(uow, self.names["PD"], [self.names["PO"]], concepts=lambda text: frozenset())

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
        if status == "completed":
            self._sheet(match.id)

    def _sheet(self, match_id: str) -> None:
        """Case number and check code that were printed."""
        admin = self.world.actor(self.world.admin)
        with self.world.unit_of_work() as uow:
            proof = proofs.of_match(uow, match_id, admin, self._house().secret_key)
        self.names |= {"NUMBER": proof.number, "CODE": proof.code}

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
        assert not any(canary in reply.text for canary in (*CANARIES, SECRET_TITLE))
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
            "pairing": f"/pairings/{thing['id']}",
        }.get(_kind_of(item))
        if address is not None and subject not in ("sys",):
            assert scene.client(subject).get(address).status_code == 200, item


def _kind_of(item: dict[str, Any]) -> str:
    if "subject" in item:
        return str(item["subject"]["type"])
    if "via" in item:
        return "match"
    if "max_per_school" in item:
        return "pairing"
    if "level" in item:
        return "school"
    return "invitation" if "exchange_types" in item else "question" if "messages" in item else "?"


OVERLAID = [row for row in ROWS if row["dom"].startswith("ok")]


def _kind(app: Flask, row: dict[str, str]) -> Kind:
    """What kind of act a row is, by the permission of its route."""
    path = f"/api/v1{_template(row['path']).replace('<>', 'x')}" if row["path"] not in NO_PREFIX else row["path"]
    adapter = app.url_map.bind("localhost")
    endpoint, _ = adapter.match(path, method=row["method"])
    return PERMISSIONS[getattr(app.view_functions[endpoint], NAME_OF_PERMISSION)].kind


@pytest.mark.parametrize("row", OVERLAID, ids=lambda row: row["id"])
def test_a_closed_account_gets_nothing(scene: Scene, row: dict[str, str]) -> None:
    scene.put(row["state"])
    scene.client("dom")
    with scene.world.unit_of_work() as uow:
        uow.get(User, scene.world.tainan.id).disabled_at = uow.now
    before = scene.world.snapshot()

    reply = scene.call(row, "dom")

    if row["path"] in ("/healthz", "/readyz"):
        assert reply.status_code == 200
    else:
        assert problem(reply) == (401, "not_signed_in")
        assert scene.world.snapshot() == before


@pytest.mark.parametrize("row", OVERLAID, ids=lambda row: row["id"])
@pytest.mark.parametrize("lacks", ["email_unverified", "school_unverified"])
def test_who_is_not_confirmed_prepares_and_reads_but_does_not_act(
    scene: Scene, row: dict[str, str], lacks: str
) -> None:
    scene.put(row["state"])
    scene.client("dom")
    with scene.world.unit_of_work() as uow:
        user = uow.get(User, scene.world.tainan.id)
        if lacks == "email_unverified":
            user.email_confirmed_at = None
        else:
            uow.session.execute(update(School).where(School.id == user.school_id).values({"status": "pending"}))
    before = scene.world.snapshot()

    reply = scene.call(row, "dom")

    submits = row["path"].endswith("/actions/submit")
    if _kind(scene.world.app, row) is Kind.WRITE or submits:
        assert problem(reply) == (403, lacks)
        assert scene.world.snapshot() == before
    elif lacks == "email_unverified" or row["method"] != "GET":
        assert reply.status_code < 300 or problem(reply)[1] in ("not_found", "not_allowed"), reply.text


def test_a_fault_inside_of_a_rule_lets_nobody_in(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.put("PD draft")
    stranger = scene.client("oth")

    def break_down(*_: object) -> None:
        raise OperationalError("select 1", {}, Exception("gone"))

    monkeypatch.setattr(School, "parties_of", break_down)
    monkeypatch.setattr(Invitation, "parties_of", break_down)
    reply = stranger.post(f"/schools/{scene.names['D']}/actions/approve")

    assert problem(reply) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "trick",
    [
        "/Invitations/{PD}", "//api/v1/invitations/{PD}", "/invitations/{PD}/", "/invitations/{PD}.json",
        "/invitations/{PD};a=b", "/invitations/{PD}%2f", "/invitations/%2e%2e/invitations/{PD}", "/invitations/{PD}%00",
        "/invitations/{UPPER}", "/invitations/{PD}?include=contact",
    ],
)  # fmt: skip
def test_a_draft_has_no_other_door(scene: Scene, trick: str) -> None:
    scene.put("PD draft")
    scene.names["UPPER"] = scene.names["PD"].upper()
    for subject in ("anon", "oth", "iew", "iercA"):
        reply = scene.client(subject).get(scene.filled(trick))
        assert reply.status_code in (404, 422) or (reply.status_code in (301, 308) and not reply.data.count(b"title>T"))
        assert "Robots that greet" not in reply.text


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["method"] != "GET" and r["dom"].startswith("ok")], ids=lambda r: r["id"]
)
def test_no_act_by_a_link_that_is_merely_opened(scene: Scene, row: dict[str, str]) -> None:
    scene.put(row["state"])
    client = scene.client("dom")
    before = scene.world.snapshot()

    for method in ("GET", "HEAD"):
        client.call(method, scene.filled(row["path"]), headers={"X-HTTP-Method-Override": row["method"]})

    assert scene.world.snapshot() == before


@pytest.mark.parametrize("row", [r for r in ROWS if r["body"] and r["dom"].startswith("ok")], ids=lambda r: r["id"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_no_act_by_a_form_of_another_site(scene: Scene, row: dict[str, str], content_type: str) -> None:
    scene.put(row["state"])
    client = scene.client("dom")
    before = scene.world.snapshot()

    reply = client.call(
        row["method"],
        scene.filled(row["path"]),
        data=scene.filled(row["body"]),
        content_type=content_type,
        headers=json.loads(row["headers"]) if row["headers"] else {},
    )

    assert problem(reply) == (415, "unsupported_media_type")
    assert scene.world.snapshot() == before


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
