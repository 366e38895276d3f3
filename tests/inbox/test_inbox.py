"""What waits for whom: one list for every role, the most urgent first."""

from datetime import UTC, datetime, timedelta

import pytest

from iew.domain.vocabularies import INBOX_KINDS
from iew.models import EmailDelivery, OutboxRow
from iew.services import inbox, questions
from tests.houses import school_of
from tests.world import World, problem

PEOPLE = ("tainan", "osaka", "seoul", "taipei", "office_osaka", "office_seoul", "ierc_tainan", "admin", "system_admin")


def waiting(world, user, **query):
    reply = world.as_(user).get("/inbox", query_string=query)
    assert reply.status_code == 200, reply.text
    assert reply.json["total"] == len(reply.json["items"])
    return reply.json["items"]


def found_by(world, kind):
    """Who finds work of this kind, and what."""
    return {
        who: [item["subject"]["id"] for item in items]
        for who in PEOPLE
        if (items := [item for item in waiting(world, getattr(world, who)) if item["kind"] == kind])
    }


def test_an_empty_inbox_is_empty_for_every_role(world: World):
    for who in PEOPLE:
        assert waiting(world, getattr(world, who)) == []
    assert problem(world.as_(None).get("/inbox")) == (401, "not_signed_in")


# reviews and approvals


def test_submitted_posts_and_revisions_wait_for_the_administrator(world: World):
    submitted = world.invitation(world.osaka, status="submitted")
    published = world.invitation(world.osaka)
    world.revision(published, title="Better")
    world.revision(world.invitation(world.osaka), status="draft")
    world.invitation(world.osaka, status="draft")

    assert found_by(world, "review") == {"admin": [submitted.id, published.id]}
    (first, _) = waiting(world, world.admin, kind="review")
    assert first["subject"]["type"] == "invitation"
    assert (first["title"], first["due_at"]) == (submitted.title, None)


def test_a_sign_up_waits_for_the_office_of_its_place_else_for_the_administrator(world: World):
    covered = world.school("JP", status="pending", approver_code="JP-OSA")
    other = world.school("FR", status="pending")
    world.school("JP", status="asked", approver_code="JP-OSA")

    assert found_by(world, "school_approval") == {"office_osaka": [covered.id], "admin": [other.id]}


# matches: whoever must act next


def test_a_direct_request_waits_for_the_invited_school(world: World):
    match = world.match()

    assert found_by(world, "match") == {"osaka": [match.id]}
    (item,) = waiting(world, world.osaka)
    assert item["title"] == f"{match.number} · Robots that greet each other"
    assert item["due_at"] == world.as_(world.osaka).get(f"/matches/{match.id}").json["due_at"]


def test_a_case_waits_for_its_unit_and_for_the_schools_it_asked(world: World):
    match = world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA",
                        proposed=(school_of(world, world.seoul),))  # fmt: skip

    assert found_by(world, "match") == {"office_osaka": [match.id], "seoul": [match.id]}
    world.as_(world.seoul).post(f"/matches/{match.id}/actions/decline", {"reason_code": "dates"})
    assert found_by(world, "match") == {"office_osaka": [match.id]}


def test_a_routed_case_waits_for_its_unit_and_after_a_hand_back_for_the_administrator(world: World):
    match = world.match(world.osaka, via="assisted", status="routed", handler="TNN")
    assert found_by(world, "match") == {"ierc_tainan": [match.id]}

    world.as_(world.ierc_tainan).post(f"/matches/{match.id}/actions/hand_back", {"reason": "Not our county."})

    assert found_by(world, "match") == {"admin": [match.id]}


@pytest.mark.parametrize("status", ["agreed", "completed", "declined", "not_found", "no_reply", "cancelled"])
def test_what_is_agreed_or_over_waits_for_nobody(world: World, status):
    world.match(status=status)
    world.match(world.tainan, world.invitation(world.osaka), via="assisted", status=status, handler="JP-OSA")

    assert found_by(world, "match") == {}


# reports


def test_a_report_that_is_due_waits_for_both_schools(world: World):
    now = datetime.now(UTC)
    due = world.match(status="agreed", due_at=now - timedelta(minutes=1))
    world.match(status="agreed", due_at=now + timedelta(days=1), invitation=world.invitation(world.osaka))

    assert found_by(world, "report") == {"tainan": [due.id], "osaka": [due.id]}
    world.as_(world.osaka).post(
        f"/matches/{due.id}/actions/report",
        {"summary": "Good", "held_on": "2026-01-05", "students": 3, "teachers": 1},
    )
    assert found_by(world, "report") == {}


# what came back


def test_what_was_returned_waits_for_its_school_until_it_is_closed(world: World):
    now = datetime.now(UTC)
    post = world.invitation(world.osaka, status="returned", decided_at=now - timedelta(days=1))
    published = world.invitation(world.osaka)
    world.revision(published, status="returned")
    world.invitation(world.seoul, status="published")

    (first, second) = waiting(world, world.osaka, kind="returned")

    assert found_by(world, "returned") == {"osaka": [post.id, published.id]}
    assert first["due_at"] == (now + timedelta(days=29)).isoformat()
    assert second["due_at"] is None


def test_a_school_that_was_asked_something_finds_its_own_entry(world: World):
    school = world.school("JP", status="asked")
    user = world.user(school=school)

    (item,) = waiting(world, user)

    assert (item["kind"], item["subject"]) == ("returned", {"type": "school", "id": school.id})


# mail and jobs


def delivery(world, status, **changes):
    now = datetime.now(UTC)
    row = EmailDelivery(
        dedup_key=f"k{status}{changes}", kind="match_agreed", address="secret@person.example", language="en",
        subject="About Ms Secret", text="x", html="x", status=status, created_at=changes.get("created_at", now),
    )  # fmt: skip
    with world.unit_of_work() as uow:
        uow.session.add(row)
    return row


def job(world, **changes):
    now = datetime.now(UTC)
    values = {"job": "send_digest", "subject_type": "unit", "subject_id": "TNN", "created_at": now, "available_at": now}
    row = OutboxRow(**values | changes)
    with world.unit_of_work() as uow:
        uow.session.add(row)
    return row


def test_parked_jobs_and_mails_that_did_not_arrive_wait_for_both_administrators(world: World):
    now = datetime.now(UTC)
    parked = job(world, parked_at=now, last_error="secret@person.example refused")
    job(world)
    job(world, parked_at=now, done_at=now)
    lost = [delivery(world, "failed"), delivery(world, "unknown")]
    for status in ("queued", "sending", "sent", "suppressed"):
        delivery(world, status)
    delivery(world, "failed", created_at=now - timedelta(days=31))

    expected = sorted([str(parked.id), *(row.id for row in lost)])
    found = found_by(world, "delivery")

    assert {who: sorted(ids) for who, ids in found.items()} == {"admin": expected, "system_admin": expected}
    text = str(waiting(world, world.system_admin))
    assert "secret" not in text.lower()
    assert {item["title"] for item in waiting(world, world.admin)} == {"send_digest", "match_agreed"}


def test_a_mail_whose_job_was_parked_is_one_thing_to_do(world: World):
    lost = delivery(world, "failed")
    parked = job(world, job="send_mail", subject_type="delivery", subject_id=lost.id, parked_at=datetime.now(UTC))

    assert [item["subject"] for item in waiting(world, world.admin)] == [{"type": "job", "id": str(parked.id)}]


# questions


def test_an_open_question_waits_for_the_administrator_and_its_answer_for_the_asker(world: World):
    found = world.as_(world.tainan).post("/questions", {"text": "How?"}).json
    assert found_by(world, "question") == {"admin": [found["id"]]}

    with world.unit_of_work(now=datetime.now(UTC) + timedelta(seconds=1)) as uow:
        questions.write(uow, found["id"], "So.", world.actor(world.admin))
    assert found_by(world, "question") == {"tainan": [found["id"]]}

    with world.unit_of_work(now=datetime.now(UTC) + timedelta(seconds=2)) as uow:
        questions.read(uow, found["id"], world.actor(world.tainan))
    assert found_by(world, "question") == {}


# the list itself


def test_the_most_urgent_comes_first_and_what_has_no_deadline_last(world: World):
    now = datetime.now(UTC)

    def case(due, since):
        return world.match(invitation=world.invitation(world.osaka), due_at=due, since=since).id

    later = case(now + timedelta(days=5), now - timedelta(days=9))
    soon = case(now + timedelta(days=1), now)
    never = case(None, now - timedelta(days=20))
    as_soon_but_older = case(now + timedelta(days=1), now - timedelta(days=3))

    assert [item["subject"]["id"] for item in waiting(world, world.osaka)] == [as_soon_but_older, soon, later, never]


def test_a_list_is_read_on_by_its_cursor(world: World):
    now = datetime.now(UTC)
    own = [
        world.match(invitation=world.invitation(world.osaka), due_at=now + timedelta(days=day) if day < 4 else None).id
        for day in range(7)
    ]
    client, got, cursor = world.as_(world.osaka), [], None
    while True:
        page = client.get("/inbox", query_string={"limit": 2} | ({"cursor": cursor} if cursor else {})).json
        assert page["total"] == 7
        got += [item["subject"]["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert got[:4] == own[:4]
    assert sorted(got) == sorted(own)
    assert problem(client.get("/inbox?cursor=nonsense")) == (400, "bad_cursor")


def test_a_list_is_narrowed_to_kinds(world: World):
    world.match()
    world.invitation(world.osaka, status="returned")

    assert {item["kind"] for item in waiting(world, world.osaka)} == {"match", "returned"}
    assert {item["kind"] for item in waiting(world, world.osaka, kind="returned")} == {"returned"}
    assert {item["kind"] for item in waiting(world, world.osaka, kind=["returned", "match"])} == {"match", "returned"}
    assert waiting(world, world.osaka, kind="review") == []
    assert problem(world.as_(world.osaka).get("/inbox?kind=lunch")) == (422, "invalid")


def test_the_counts_are_those_of_the_list(world: World):
    world.match()
    world.match(invitation=world.invitation(world.osaka))
    world.invitation(world.osaka, status="returned")

    with world.unit_of_work() as uow:
        assert inbox.counts(uow, world.actor(world.osaka)) == {"match": 2, "returned": 1}
        assert inbox.counts(uow, world.actor(world.seoul)) == {}
    assert len(waiting(world, world.osaka)) == 3


def test_every_kind_leads_to_a_page_that_there_is(world: World):
    now = datetime.now(UTC)
    world.invitation(world.osaka, status="submitted")
    world.school("FR", status="pending")
    world.match(world.tainan, via="assisted")
    job(world, parked_at=now)
    world.match(status="agreed", due_at=now - timedelta(days=1), invitation=world.invitation(world.osaka))
    world.invitation(world.osaka, status="returned")
    world.as_(world.tainan).post("/questions", {"text": "How?"})

    items = [*waiting(world, world.admin), *waiting(world, world.osaka)]

    assert {item["kind"] for item in items} == set(INBOX_KINDS)
    pages = world.app.url_map.bind("localhost")
    for item in items:
        assert item["url"].startswith(("/en/", "/ja/", "/zh-Hant/")), item
        assert pages.test(item["url"], "GET"), item["url"]


def test_titles_speak_the_readers_language(world: World):
    world.school("JP", status="pending", approver_code="JP-OSA", name="みなと高校", name_en="Minato High School")
    client = world.as_(world.office_osaka)

    assert client.get("/inbox", headers={"Accept-Language": "en"}).json["items"][0]["title"] == "Minato High School"
    japanese = client.get("/inbox", headers={"Accept-Language": "ja"}).json["items"][0]
    assert (japanese["title"], japanese["url"].split("/")[1]) == ("みなと高校", "ja")
