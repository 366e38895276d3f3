"""Who may do what to a post, as one table: a row for an act in a state, a column for each kind of person.

ok: 2xx. A number: exactly that problem, and nothing changed. Hidden is 404, visible but not allowed is 403.
"""

from typing import Any

import pytest

from iew.models import Invitation, User
from tests.world import World, body_of_a_post, problem

PEOPLE = ("anon", "ovs", "dom", "oth", "ierc_a", "ierc_b", "off_a", "off_b", "iew", "sys")
MATRIX = [line.split() for line in """
P02.read            published  GET    ok  ok  ok  ok  ok  ok  ok  ok  ok  ok
P04.draft           -          POST   401 ok  ok  ok  403 403 403 403 403 403
P06.read            draft      GET    404 404 ok  404 404 404 404 404 404 404
P07.read            submitted  GET    404 404 ok  404 404 404 404 404 ok  404
P07.read            returned   GET    404 404 ok  404 404 404 404 404 ok  404
P08.read            rejected   GET    404 404 ok  404 404 404 404 404 ok  404
P09.read_with_case  withdrawn  GET    404 ok  ok  404 ok  404 404 404 ok  404
P09.read_with_case  closed     GET    404 ok  ok  404 ok  404 404 404 ok  404
P09.read_with_case  expired    GET    404 ok  ok  404 ok  404 404 404 ok  404
P09.read            withdrawn  GET    404 404 ok  404 404 404 404 404 ok  404
P10.change          draft      PATCH  404 404 ok  404 404 404 404 404 404 404
P11.change          submitted  PATCH  404 404 409 404 404 404 404 404 403 404
P12.change          published  PATCH  401 403 ok  403 403 403 403 403 403 403
P13.assign          published  PATCH  401 403 422 403 403 403 403 403 403 403
P13.nonsense        draft      PATCH  404 404 422 404 404 404 404 404 404 404
P14.submit          draft      POST   404 404 ok  404 404 404 404 404 404 404
P15.withdraw        published  POST   401 403 ok  403 403 403 403 403 ok  403
P15.close           published  POST   401 403 ok  403 403 403 403 403 403 403
P15.renew           published  POST   401 403 ok  403 403 403 403 403 403 403
P16.delete          draft      DELETE 404 404 ok  404 404 404 404 404 404 404
P17.delete          published  DELETE 401 403 409 403 403 403 403 403 403 403
P18.stale           published  PATCH  401 403 412 403 403 403 403 403 403 403
V01.queue           -          GET    401 403 403 403 403 403 403 403 ok  403
V01.open            submitted  GET    401 403 403 403 403 403 403 403 ok  403
V02.publish         submitted  POST   404 404 403 404 404 404 404 404 ok  404
V02.return          submitted  POST   404 404 403 404 404 404 404 404 ok  404
V03.reject_bare     submitted  POST   404 404 403 404 404 404 404 404 422 404
V03.reject_nonsense submitted  POST   404 404 403 404 404 404 404 404 422 404
V05.publish         published  POST   401 403 403 403 403 403 403 403 409 403
V06.publish_stale   submitted  POST   404 404 403 404 404 404 404 404 412 404
A01.history         published  GET    401 403 ok  403 403 403 403 403 ok  403
A01.history         draft      GET    404 404 ok  404 404 404 404 404 404 404
F01.forward         published  POST   401 403 403 403 422 422 422 422 403 403
F02.forwards        published  GET    401 403 403 403 ok  ok  ok  ok  ok  403
""".strip().splitlines()]  # fmt: skip


def person(world: World, name: str) -> User | None:
    """D is the school in Tainan, county A is Tainan; O is in Osaka, office A there."""
    return {
        "anon": lambda: None,
        "ovs": lambda: world.osaka,
        "dom": lambda: world.tainan,
        "oth": lambda: world.taipei,
        "ierc_a": lambda: world.ierc_tainan,
        "ierc_b": lambda: world.ierc_taipei,
        "off_a": lambda: world.office_osaka,
        "off_b": lambda: world.office_seoul,
        "iew": lambda: world.admin,
        "sys": lambda: world.system_admin,
    }[name]()


def call(world: World, who: User | None, row: str, method: str, post: Invitation | None) -> Any:
    act = row.partition(".")[2]
    path = f"/invitations/{post.id}" if post else "/invitations"
    version = post.version if post else None
    client = world.as_(who)
    if act.partition("_")[0] in ("publish", "return", "reject", "submit", "withdraw", "close", "renew"):
        body: dict[str, Any] = {} if act in ("reject_bare", "submit", "close", "renew") else {"reason": "because"}
        if act == "reject_nonsense":
            body = {"reason": 7, "nonsense": True}
        headers = {"If-Match": '"99"'} if act == "publish_stale" else {}
        return client.post(f"{path}/actions/{act.partition('_')[0]}", json=body, headers=headers)
    calls = {
        "draft": lambda: client.post("/invitations", json=body_of_a_post()),
        "read": lambda: client.get(path),
        "read_with_case": lambda: client.get(path),
        "change": lambda: client.patch(path, {"title": "New"}, version=version),
        "assign": lambda: client.patch(path, {"status": "draft", "school_id": "x", "version": 1}, version=version),
        "nonsense": lambda: client.patch(path, {"levels": "all", "title": None}, version=version),
        "stale": lambda: client.patch(path, {"title": "New"}, version=99),
        "delete": lambda: client.delete(path),
        "queue": lambda: client.get("/review-queue"),
        "open": lambda: client.get(f"/review-queue/{post.id if post else ''}"),
        "history": lambda: client.get(f"{path}/history"),
        "forward": lambda: client.post(f"{path}/forward", json={"school_ids": ["nosuchschool"]}),
        "forwards": lambda: client.get(f"{path}/forwards"),
    }
    reply = calls[act]()
    assert reply.request.method == method
    return reply


@pytest.mark.parametrize("column", range(len(PEOPLE)), ids=PEOPLE)
@pytest.mark.parametrize("row", MATRIX, ids=lambda row: "-".join(row[:2]))
def test_each_cell(world: World, row: list[str], column: int) -> None:
    name, state, method, expected = row[0], row[1], row[2], row[3 + column]
    post = None
    if state != "-":
        post = world.invitation(world.tainan, status=state)
        if "with_case" in name:
            world.match(world.osaka, post, via="assisted", status="in_progress", handler="TNN")
    who = person(world, PEOPLE[column])
    if who is not None:
        world.as_(who)
    before = world.snapshot()

    reply = call(world, who, name, method, post)

    if expected == "ok":
        assert 200 <= reply.status_code < 300, reply.json
        return
    assert problem(reply)[0] == int(expected)
    assert world.snapshot() == before


def test_the_table_is_whole() -> None:
    assert all(len(row) == 3 + len(PEOPLE) for row in MATRIX)


def test_nobody_decides_on_what_he_wrote_before_he_changed_sides(world: World) -> None:
    """V04: four eyes."""
    author = world.user(school=world.school("TW"))
    post = world.invitation(author, status="draft")
    path = f"/invitations/{post.id}/actions/publish"
    assert world.as_(author).post(f"/invitations/{post.id}/actions/submit").status_code == 200
    with world.unit_of_work() as uow:
        changed = uow.get(User, author.id)
        changed.role, changed.school_id = "iew_admin", None

    assert problem(world.as_(author).post(path)) == (403, "not_allowed")
    assert world.as_(world.admin).post(path).status_code == 200


def test_an_administrator_who_belongs_to_the_school_does_not_decide(world: World) -> None:
    post = world.invitation(world.tainan, status="submitted")
    insider = world.user("iew_admin")
    with world.unit_of_work() as uow:
        uow.get(User, insider.id).school_id = post.school_id

    reply = world.as_(insider).post(f"/invitations/{post.id}/actions/publish")

    assert problem(reply) == (403, "not_allowed")


def test_a_colleague_of_the_reviser_who_became_administrator_may_not_decide_on_the_revision(world: World) -> None:
    post = world.invitation(world.tainan)
    colleague = world.user(school=None, role="school")
    with world.unit_of_work() as uow:
        uow.get(User, colleague.id).school_id = post.school_id
    assert world.as_(colleague).patch(f"/invitations/{post.id}", {"title": "Mine"}, version=1).status_code == 200
    assert world.as_(world.tainan).post(f"/invitations/{post.id}/actions/submit").status_code == 200
    with world.unit_of_work() as uow:
        changed = uow.get(User, colleague.id)
        changed.role, changed.school_id = "iew_admin", None

    reply = world.as_(colleague).post(f"/invitations/{post.id}/actions/publish")

    assert problem(reply) == (403, "not_allowed")


def test_a_request_sent_twice_makes_one_post(world: World) -> None:
    headers = {"Idempotency-Key": "a-key-of-this-test"}
    first = world.as_(world.osaka).post("/invitations", json=body_of_a_post(), headers=headers)
    again = world.as_(world.osaka).post("/invitations", json=body_of_a_post(), headers=headers)
    other = world.as_(world.osaka).post("/invitations", json=body_of_a_post(title="Other"), headers=headers)

    assert first.json["id"] == again.json["id"]
    assert problem(other) == (422, "idempotency_mismatch")
    assert world.as_(world.osaka).get("/invitations?mine=true").json["total"] == 1


def test_a_submission_sent_twice_is_told_once(world: World) -> None:
    post = world.invitation(world.osaka, status="draft")
    headers = {"Idempotency-Key": "submit-once", "If-Match": '"1"'}
    path = f"/invitations/{post.id}/actions/submit"

    first, again = (world.as_(world.osaka).post(path, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert [event.action for event in world.events_of(post)] == ["create", "submit"]
