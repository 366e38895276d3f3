"""Asking the administrator: who may ask about what, who reads a thread, and how it goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from iew.errors import InvalidTransition, NotFound
from iew.models import Question
from iew.services import questions
from tests.world import World, problem


def ask(world, user, text="How do we begin?", **body):
    return world.as_(user).post("/questions", {"text": text} | body)


def asked(world, user, **body):
    reply = ask(world, user, **body)
    assert reply.status_code == 201, reply.text
    return reply.json


def write(world, user, question, text="Like this."):
    return world.as_(user).post(f"/questions/{question['id']}/messages", {"text": text})


def jobs_of(world, question):
    return [job for job, subject in world.jobs() if subject == question["id"]]


# asking


@pytest.mark.parametrize("who", ["tainan", "osaka", "ierc_tainan", "office_osaka", "admin", "system_admin"])
def test_everybody_who_signed_in_may_ask(world: World, who):
    found = asked(world, getattr(world, who))

    assert (found["status"], found["about"], found["asker"]) == ("open", None, None)
    assert [(m["text"], m["by_admin"]) for m in found["messages"]] == [("How do we begin?", False)]
    assert found["number"].startswith("Q-")
    assert jobs_of(world, found) == ["notify_question_asked"]


def test_a_school_that_waits_for_approval_may_ask_too(world: World):
    user = world.user(school=world.school("TW", status="pending"), email_confirmed_at=None)

    assert asked(world, user)["status"] == "open"


def test_a_visitor_asks_with_an_address(world: World):
    found = (
        world.as_(None)
        .post("/questions", {"text": "Hello", "email": "Visitor@Example.org "}, headers={"Accept-Language": "ja"})
        .json
    )

    with world.unit_of_work() as uow:
        row = uow.get(Question, found["id"])
        assert (row.email, row.language, row.asker_id) == ("visitor@example.org", "ja", None)
    assert "visitor@example.org" not in str(found)
    assert found["available_actions"] == []


@pytest.mark.parametrize("email", [None, "", "nobody", "a b@c.example", 5, "a@b.example\nBcc: x@y.example"])
def test_a_visitor_needs_a_real_address(world: World, email):
    body = {} if email is None else {"email": email}

    reply = ask(world, None, **body)

    assert problem(reply) == (422, "invalid")
    assert "email" in reply.json["errors"]


def test_who_signed_in_is_answered_at_the_account(world: World):
    found = asked(world, world.tainan, email="other@example.org")

    with world.unit_of_work() as uow:
        assert uow.get(Question, found["id"]).email is None


@pytest.mark.parametrize("text", [None, "", "  ", 7, "x" * 5001, "a\0b"])
def test_a_question_is_text(world: World, text):
    reply = world.as_(world.tainan).post("/questions", {"text": text})

    assert problem(reply) == (422, "invalid")
    assert "text" in reply.json["errors"]


@pytest.mark.parametrize("about", ["x", {"type": "user", "id": "x"}, {"type": "match"}, {"id": "x"}, [], 5])
def test_a_question_is_about_a_post_a_case_or_a_school(world: World, about):
    assert problem(ask(world, world.tainan, about=about)) == (422, "invalid")


PEOPLE = ("tainan", "osaka", "seoul", "admin", "visitor")


@pytest.mark.parametrize(
    ("subject", "knowing"),
    [
        ("public post", {"tainan", "osaka", "seoul", "admin", "visitor"}),
        ("draft", {"osaka"}),
        ("case", {"tainan", "osaka", "admin"}),
        ("approved school", {"tainan", "osaka", "seoul", "admin", "visitor"}),
        ("pending school", {"admin"}),
    ],
)
def test_one_asks_about_what_one_may_know_of(world: World, subject, knowing):
    about = {
        "public post": lambda: ("invitation", world.invitation(world.osaka).id),
        "draft": lambda: ("invitation", world.invitation(world.osaka, status="draft").id),
        "case": lambda: ("match", world.match().id),
        "approved school": lambda: ("school", world.osaka.school_id),
        "pending school": lambda: ("school", world.school("KR", status="pending").id),
    }[subject]()
    for who in PEOPLE:
        user = None if who == "visitor" else getattr(world, who)
        body = {"about": {"type": about[0], "id": about[1]}} | ({} if user else {"email": "a@b.example"})
        reply = ask(world, user, **body)
        assert reply.status_code == (201 if who in knowing else 404), who
        assert who not in knowing or reply.json["about"] == body["about"]


def test_a_question_about_nothing_that_exists_is_refused(world: World):
    for kind in ("invitation", "match", "school"):
        assert problem(ask(world, world.tainan, about={"type": kind, "id": "0" * 32})) == (404, "not_found")


# reading


def test_a_thread_is_seen_by_its_asker_and_the_administrators(world: World):
    found = asked(world, world.tainan)
    second = world.user("iew_admin")

    for user in (world.tainan, world.admin, second):
        assert world.as_(user).get(f"/questions/{found['id']}").json["id"] == found["id"]
    colleague = world.user(school=world.school("TW"))
    for user in (world.osaka, colleague, world.office_osaka, world.system_admin):
        assert problem(world.as_(user).get(f"/questions/{found['id']}")) == (404, "not_found")
        assert problem(write(world, user, found)) == (404, "not_found")
        assert problem(world.as_(user).post(f"/questions/{found['id']}/actions/close")) == (404, "not_found")
    assert problem(world.as_(None).get(f"/questions/{found['id']}")) == (401, "not_signed_in")
    assert problem(world.as_(None).get("/questions")) == (401, "not_signed_in")


def test_the_administrator_reads_who_asks(world: World):
    found = asked(world, world.tainan)
    visitor = asked(world, None, email="visitor@example.org")

    client = world.as_(world.admin)
    assert client.get(f"/questions/{found['id']}").json["asker"] == {
        "name": world.tainan.name,
        "email": world.tainan.email,
        "role": "school",
        "school_id": world.tainan.school_id,
        "unit_code": None,
    }
    assert client.get(f"/questions/{visitor['id']}").json["asker"]["email"] == "visitor@example.org"


def test_lists_hold_ones_own_threads_and_all_for_the_administrator(world: World):
    first, second = asked(world, world.tainan), asked(world, world.osaka)
    visitor = asked(world, None, email="visitor@example.org")
    write(world, world.admin, second)

    def listed(user, **query):
        reply = world.as_(user).get("/questions", query_string=query).json
        assert reply["total"] == len(reply["items"])
        return [item["id"] for item in reply["items"]]

    assert listed(world.tainan) == [first["id"]]
    assert listed(world.office_osaka) == []
    assert listed(world.admin) == [visitor["id"], second["id"], first["id"]]
    assert listed(world.admin, status="answered") == [second["id"]]
    assert listed(world.admin, status=["open", "closed"]) == [visitor["id"], first["id"]]
    assert problem(world.as_(world.admin).get("/questions?status=lost")) == (422, "invalid")


# going on


def test_an_answer_and_a_further_question(world: World):
    found = asked(world, world.tainan)

    answered = write(world, world.admin, found)
    assert (answered.status_code, answered.json["status"]) == (201, "answered")
    assert [m["by_admin"] for m in answered.json["messages"]] == [False, True]
    assert world.admin.name not in str(world.as_(world.tainan).get(f"/questions/{found['id']}").json)

    again = write(world, world.tainan, found, "And then?")
    assert (again.json["status"], again.json["version"]) == ("open", 3)
    assert jobs_of(world, found) == ["notify_question_asked", "notify_question_answered", "notify_question_asked"]


def test_an_administrator_who_asks_is_the_asker_of_its_own_thread(world: World):
    found = asked(world, world.admin)

    assert write(world, world.admin, found).json["status"] == "open"
    assert write(world, world.user("iew_admin"), found).json["status"] == "answered"


@pytest.mark.parametrize("who", ["tainan", "admin"])
def test_a_thread_is_closed_once_and_then_silent(world: World, who):
    found = asked(world, world.tainan)
    client = world.as_(getattr(world, who))

    assert client.post(f"/questions/{found['id']}/actions/close").json["status"] == "closed"
    assert problem(client.post(f"/questions/{found['id']}/actions/close")) == (409, "invalid_transition")
    for user in (world.tainan, world.admin):
        assert problem(write(world, user, found)) == (409, "invalid_transition")


@pytest.mark.parametrize("text", [None, "", "  ", "a\0b"])
def test_a_message_is_text(world: World, text):
    found = asked(world, world.tainan)

    assert problem(write(world, world.admin, found, text)) == (422, "invalid")
    assert world.as_(world.tainan).get(f"/questions/{found['id']}").json["status"] == "open"


def test_closing_may_say_which_version_was_seen(world: World):
    found = asked(world, world.tainan)

    reply = world.as_(world.admin).post(f"/questions/{found['id']}/actions/close", {}, headers={"If-Match": '"9"'})

    assert problem(reply) == (412, "changed_meanwhile")


def test_the_holder_of_a_mail_link_reads_and_goes_on_in_that_thread_alone(world: World):
    found = asked(world, None, email="visitor@example.org")
    other = asked(world, None, email="other@example.org")
    write(world, world.admin, found)
    holder = questions.holder_of_link(found["id"])

    with world.unit_of_work() as uow:
        thread = questions.read(uow, found["id"], holder)
        assert (thread.available_actions, thread.asker) == (["ask", "close"], None)
        assert questions.write(uow, found["id"], "Thank you", holder).status == "open"
        with pytest.raises(NotFound):
            questions.read(uow, other["id"], holder)
        questions.close(uow, found["id"], holder)
        with pytest.raises(InvalidTransition):
            questions.write(uow, found["id"], "One more", holder)


def test_the_asker_has_seen_an_answer_once_it_read_it(world: World):
    found = asked(world, world.tainan)
    with world.unit_of_work(now=datetime.now(UTC) + timedelta(minutes=1)) as uow:
        questions.write(uow, found["id"], "So", world.actor(world.admin))

    def seen():
        with world.unit_of_work() as uow:
            row = uow.get(Question, found["id"])
            return row.seen_at >= row.updated_at

    world.as_(world.admin).get(f"/questions/{found['id']}")
    assert not seen()
    with world.unit_of_work(now=datetime.now(UTC) + timedelta(minutes=2)) as uow:
        questions.read(uow, found["id"], world.actor(world.tainan))
    assert seen()
