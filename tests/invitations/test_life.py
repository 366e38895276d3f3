"""From the first draft to the public and out of it again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iew.domain.invitations import RevisionStatus, Status
from iew.domain.posts import NEEDED_TO_PUBLISH, add_months
from iew.services import invitations
from tests.invitations.bodies import TRAVEL, drafted, published, seen_by, submitted
from tests.world import World, body_of_a_post, problem

CANARIES = ("Mika Canary", "canary@contact.example", "+81 6 5550 0199", "agent-canary@travel.example")
READ_ONLY: dict[str, Any] = {
    "id": "x",
    "status": "published",
    "school_id": "x",
    "owner": "x",
    "verified_by": "x",
    "version": 9,
    "published_at": "2027-01-01T00:00:00Z",
    "county": "TPE",
    "office": "JP-OSA",
    "ref": "mine",
    "school": {"id": "x"},
    "number": "IEW-1",
    "pending_revision": False,
}


def test_title_and_language_are_enough_for_a_draft(world: World) -> None:
    reply = world.as_(world.tainan).post("/invitations", json={"title": "找夥伴", "content_language": "zh-Hant"})

    assert reply.status_code == 201
    assert (reply.json["status"], reply.json["version"], reply.json["side"]) == ("draft", 1, "domestic")
    assert reply.json["contact"] is None
    assert reply.json["group"] is None
    assert reply.headers["ETag"] == '"1"'


@pytest.mark.parametrize("missing", ["title", "content_language"])
def test_a_draft_needs_its_title_and_its_language(world: World, missing: str) -> None:
    body = {"title": "Partner wanted", "content_language": "en"}
    del body[missing]

    reply = world.as_(world.osaka).post("/invitations", json=body)

    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == [missing]


def test_a_whole_body_reads_back_as_it_was_written(world: World) -> None:
    body = body_of_a_post(
        ref=None,
        channel="educational_travel",
        translations=[{"language": "ja", "title": "ロボット", "description": "部活です。\n二行目。"}],
        target_countries=["TW", "KR"],
        target_counties=["TNN"],
        group={"students": 24, "male": 10, "female": 14, "teachers": 2},
        homestay="wanted",
        contact_visibility="approved_schools",
        travel=TRAVEL,
    )

    post = drafted(world, world.osaka, **body)

    assert {name: post[name] for name in body} == body
    assert seen_by(world, world.osaka, post) == post


def test_a_post_of_teachers_only_has_no_students(world: World) -> None:
    group = {"students": 0, "male": None, "female": None, "teachers": 3}

    assert drafted(world, world.osaka, group=group)["group"] == group


def test_only_schools_post(world: World) -> None:
    for user in (world.ierc_tainan, world.office_osaka, world.admin, world.system_admin):
        assert problem(world.as_(user).post("/invitations", json=body_of_a_post())) == (403, "not_allowed")
    assert problem(world.as_(None).post("/invitations", json=body_of_a_post())) == (401, "not_signed_in")


@pytest.mark.parametrize("name", READ_ONLY)
def test_what_the_house_decides_cannot_be_sent(world: World, name: str) -> None:
    post = drafted(world, world.osaka)
    before = world.snapshot()

    created = world.as_(world.osaka).post("/invitations", json=body_of_a_post() | {name: READ_ONLY[name]})
    changed = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {name: READ_ONLY[name]}, version=1)

    for reply in (created, changed):
        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == [name]
    assert world.snapshot() == before


@pytest.mark.parametrize("missing", [*NEEDED_TO_PUBLISH, "contact"])
def test_submitting_needs_what_readers_need(world: World, missing: str) -> None:
    empty: Any = [] if missing in ("exchange_types", "languages", "levels") else None
    post = drafted(world, world.osaka, **{missing: empty})
    before = world.snapshot()

    reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")

    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == [missing]
    assert world.snapshot() == before


@pytest.mark.parametrize("contact", [{"name": "A"}, {"email": "a@b.example"}, {"name": "", "email": "a@b.example"}])
def test_a_draft_takes_half_a_contact_but_submitting_does_not(world: World, contact: dict[str, str]) -> None:
    post = drafted(world, world.osaka, contact=contact)

    reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")

    assert list(reply.json["errors"]) == ["contact"]


def test_a_post_ends_within_two_years_of_its_submission(world: World) -> None:
    with world.unit_of_work() as uow:
        today = uow.today
    days = {
        (today - timedelta(days=1)).isoformat(): 422,
        today.isoformat(): 200,
        add_months(today, 24).isoformat(): 200,
        (add_months(today, 24) + timedelta(days=1)).isoformat(): 422,
    }
    for day, status in days.items():
        post = drafted(world, world.osaka, expires_on=day)
        reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")
        assert reply.status_code == status, day
        assert status == 200 or list(reply.json["errors"]) == ["expires_on"]


def test_a_school_that_waits_for_approval_may_draft_but_not_submit(world: World) -> None:
    newcomer = world.user(school=world.school("KR", status="pending"))
    post = drafted(world, newcomer)
    assert post["available_actions"] == []

    reply = world.as_(newcomer).post(f"/invitations/{post['id']}/actions/submit")

    assert problem(reply) == (403, "school_unverified")


def test_an_unconfirmed_address_does_not_submit(world: World) -> None:
    newcomer = world.user(school=world.school("KR"), email_confirmed_at=None)
    post = world.invitation(newcomer, status="draft")

    reply = world.as_(newcomer).post(f"/invitations/{post.id}/actions/submit")

    assert problem(reply) == (403, "email_unverified")


def test_the_service_itself_asks_for_approval_before_the_address(world: World) -> None:
    newcomer = world.user(school=world.school("KR", status="pending"), email_confirmed_at=None)
    post = world.invitation(newcomer, status="draft")

    with pytest.raises(Exception) as refusal, world.unit_of_work() as uow:
        invitations.act(uow, post.id, "submit", world.actor(newcomer))

    assert getattr(refusal.value, "code", None) == "school_unverified"


def test_a_published_post_is_open_to_everyone_and_owes_its_jobs(world: World) -> None:
    post = published(world, world.osaka)

    assert seen_by(world, None, post)["published_at"] is not None
    assert ("index_invitation", post["id"]) in world.jobs()
    assert ("notify_review_decided", post["id"]) in world.jobs()
    assert world.as_(world.osaka).get("/invitations?mine=true").json["total"] == 1


def test_a_returned_post_carries_its_remarks_and_can_be_corrected_in_place(world: World) -> None:
    post = submitted(world, world.osaka)
    remarks = [{"field": "title", "text": "Say which grade."}, {"field": "contact.email", "text": "It bounces."}]
    answer = {"reason": "Nearly there.", "remarks": remarks}
    assert world.as_(world.admin).post(f"/invitations/{post['id']}/actions/return", json=answer).status_code == 200

    own = seen_by(world, world.osaka, post)
    assert (own["status"], own["reason"], own["remarks"]) == ("returned", "Nearly there.", remarks)
    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"title": "Better"}, version=own["version"])
    assert (reply.json["status"], reply.json["title"]) == ("returned", "Better")
    again = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit").json
    assert again["status"] == "submitted"
    assert world.jobs().count(("notify_review_decided", post["id"])) == 1


@pytest.mark.parametrize("action", ["return", "reject"])
def test_a_refusal_needs_a_reason(world: World, action: str) -> None:
    post = submitted(world, world.osaka)

    for body in ({}, {"reason": ""}, {"reason": "   "}):
        reply = world.as_(world.admin).post(f"/invitations/{post['id']}/actions/{action}", json=body)
        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == ["reason"]
    assert seen_by(world, world.osaka, post)["status"] == "submitted"


@pytest.mark.parametrize("field", ["nose", "status", "title; drop", "contact..email", "school.name", ""])
def test_a_remark_stands_at_a_field_of_the_post(world: World, field: str) -> None:
    post = submitted(world, world.osaka)
    body = {"reason": "x", "remarks": [{"field": field, "text": "y"}]}

    assert world.as_(world.admin).post(f"/invitations/{post['id']}/actions/return", json=body).status_code == 422


def test_a_submitted_post_is_not_changed_under_its_reader(world: World) -> None:
    post = submitted(world, world.osaka)

    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"title": "New"}, version=post["version"])

    assert problem(reply) == (409, "invalid_transition")


def test_the_version_seen_counts(world: World) -> None:
    post = drafted(world, world.osaka)
    path = f"/invitations/{post['id']}"

    assert problem(world.as_(world.osaka).patch(path, {"title": "A"})) == (428, "version_missing")
    assert world.as_(world.osaka).patch(path, {"title": "A"}, version=1).json["version"] == 2
    assert problem(world.as_(world.osaka).patch(path, {"title": "B"}, version=1)) == (412, "changed_meanwhile")
    stale = world.as_(world.osaka).post(f"{path}/actions/submit", headers={"If-Match": '"1"'})
    assert problem(stale) == (412, "changed_meanwhile")
    assert seen_by(world, world.osaka, post)["title"] == "A"


def test_what_changes_nothing_makes_no_new_version(world: World) -> None:
    post = drafted(world, world.osaka, travel=TRAVEL)

    same = {name: post[name] for name in ("title", "periods", "group", "contact", "travel", "expires_on")}
    for body in ({}, same):
        reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", body, version=1)
        assert (reply.status_code, reply.json["version"]) == (200, 1)


def test_each_field_is_replaced_whole_and_others_stay(world: World) -> None:
    post = drafted(world, world.osaka)
    body = {"group": {"students": 5}, "contact": {"name": "Ken", "email": "Ken@School.Example"}}

    changed = world.as_(world.osaka).patch(f"/invitations/{post['id']}", body, version=1).json

    assert changed["group"] == {"students": 5, "male": None, "female": None, "teachers": None}
    assert changed["contact"] == {"name": "Ken", "role": None, "email": "ken@school.example", "phone": None}
    assert changed["title"] == post["title"]


def test_a_contact_alone_can_be_changed_and_taken_away(world: World) -> None:
    post = drafted(world, world.osaka)
    contact = {"name": "Yuki", "role": None, "email": "yuki@school.example", "phone": None}

    changed = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"contact": contact}, version=1).json
    emptied = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"contact": None}, version=2).json

    assert (changed["contact"], changed["version"]) == (contact, 2)
    assert (emptied["contact"], emptied["version"]) == (None, 3)


def test_only_a_draft_can_be_deleted(world: World) -> None:
    draft = drafted(world, world.osaka, travel=TRAVEL)
    live = published(world, world.osaka)

    assert world.as_(world.osaka).delete(f"/invitations/{draft['id']}").status_code == 204
    assert problem(world.as_(world.osaka).get(f"/invitations/{draft['id']}")) == (404, "not_found")
    assert problem(world.as_(world.osaka).delete(f"/invitations/{live['id']}")) == (409, "invalid_transition")


@pytest.mark.parametrize("status", ["submitted", "returned", "published"])
def test_a_school_takes_its_post_back_freely_the_administrator_with_a_reason(world: World, status: str) -> None:
    own, other = (world.invitation(world.osaka, status=status) for _ in range(2))

    assert world.as_(world.osaka).post(f"/invitations/{own.id}/actions/withdraw").json["status"] == "withdrawn"
    refused = world.as_(world.admin).post(f"/invitations/{other.id}/actions/withdraw")
    assert problem(refused) == (422, "invalid")
    taken = world.as_(world.admin).post(f"/invitations/{other.id}/actions/withdraw", json={"reason": "a false school"})
    assert (taken.json["status"], taken.json["reason"]) == ("withdrawn", "a false school")
    assert ("notify_review_decided", other.id) in world.jobs()


def test_a_found_partner_closes_the_post_and_readers_lose_it(world: World) -> None:
    post = published(world, world.osaka)

    closed = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/close", json={"reason": "found one"})

    assert closed.json["status"] == "closed"
    assert problem(world.as_(None).get(f"/invitations/{post['id']}")) == (404, "not_found")


def test_an_expired_post_is_renewed_with_a_day_to_come(world: World) -> None:
    with world.unit_of_work() as uow:
        yesterday, later = uow.today - timedelta(days=1), uow.today + timedelta(days=90)
    post = world.invitation(world.osaka, status="expired", expires_on=yesterday)
    path = f"/invitations/{post.id}/actions/renew"

    assert list(world.as_(world.osaka).post(path).json["errors"]) == ["expires_on"]
    past = world.as_(world.osaka).post(path, json={"expires_on": yesterday.isoformat()})
    assert problem(past) == (422, "invalid")
    far = world.as_(world.osaka).post(path, json={"expires_on": (later + timedelta(days=800)).isoformat()})
    assert problem(far) == (422, "invalid")
    renewed = world.as_(world.osaka).post(path, json={"expires_on": later.isoformat()})
    assert (renewed.json["status"], renewed.json["expires_on"]) == ("published", later.isoformat())
    assert seen_by(world, None, post)["expires_on"] == later.isoformat()
    assert ("index_invitation", post.id) in world.jobs()


def test_a_post_can_be_renewed_before_it_expires_and_its_revision_keeps_the_new_day(world: World) -> None:
    post = published(world, world.osaka)
    patch = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"title": "New"}, version=post["version"])
    assert patch.status_code == 200
    day = (datetime.now(UTC).date() + timedelta(days=400)).isoformat()

    renewed = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/renew", json={"expires_on": day}).json

    assert (renewed["status"], renewed["expires_on"], renewed["revision"]["expires_on"]) == ("published", day, day)


def test_a_last_day_goes_only_with_a_renewal(world: World) -> None:
    post = published(world, world.osaka)

    reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/close", json={"expires_on": "2027-12-31"})

    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == ["expires_on"]


@pytest.mark.parametrize("action", ["expire", "import", "recall", "drop", "approve", "PUBLISH", "submit%20"])
def test_there_are_only_the_actions_of_people(world: World, action: str) -> None:
    post = published(world, world.osaka)

    assert problem(world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/{action}")) == (404, "not_found")


def test_a_post_leaves_the_public_at_the_end_of_its_last_day_though_no_tick_came(world: World) -> None:
    with world.unit_of_work() as uow:
        yesterday, today = uow.today - timedelta(days=1), uow.today
    over, last = (world.invitation(world.osaka, expires_on=day) for day in (yesterday, today))

    assert problem(world.as_(None).get(f"/invitations/{over.id}")) == (404, "not_found")
    assert problem(world.as_(world.tainan).get(f"/invitations/{over.id}")) == (404, "not_found")
    assert seen_by(world, world.osaka, over)["status"] == "published"
    assert seen_by(world, None, last)["status"] == "published"
    assert [post["id"] for post in world.as_(None).get("/invitations").json["items"]] == [last.id]


def test_the_day_ends_in_the_zone_of_the_house(world: World) -> None:
    day = datetime(2027, 5, 31, tzinfo=UTC).date()
    post = world.invitation(world.osaka, expires_on=day)
    visitor = world.actor(world.tainan)

    with world.unit_of_work(datetime(2027, 5, 31, 15, 59, tzinfo=UTC)) as uow:  # 23:59 in Taipei
        assert invitations.read(uow, post.id, visitor).id == post.id
    with pytest.raises(Exception) as refusal, world.unit_of_work(datetime(2027, 5, 31, 16, 0, tzinfo=UTC)) as uow:
        invitations.read(uow, post.id, visitor)
    assert getattr(refusal.value, "code", None) == "not_found"


def test_expiry_drops_the_unread_revision(world: World) -> None:
    post = world.invitation(world.osaka)
    revision = world.revision(post, title="Never read")

    with world.unit_of_work() as uow:
        invitations.expire(uow, post.id)

    assert world.now_is(post).status == Status.EXPIRED
    assert world.now_is(revision).status == RevisionStatus.DROPPED


def test_a_forgotten_returned_post_is_closed_by_the_house(world: World) -> None:
    post = world.invitation(world.osaka, status="returned")

    with world.unit_of_work() as uow:
        invitations.lapse(uow, post.id)

    assert world.now_is(post).status == Status.CLOSED
    assert ("notify_returned_lapsed", post.id) in world.jobs()


def test_one_does_not_publish_what_is_over(world: World) -> None:
    with world.unit_of_work() as uow:
        yesterday = uow.today - timedelta(days=1)
    post = world.invitation(world.osaka, status="submitted", expires_on=yesterday)

    reply = world.as_(world.admin).post(f"/invitations/{post.id}/actions/publish")

    assert list(reply.json["errors"]) == ["expires_on"]
    assert world.now_is(post).status == Status.SUBMITTED


def test_the_lists_page_without_gaps_or_doubles(world: World) -> None:
    posts = [world.invitation(world.osaka) for _ in range(5)]
    world.invitation(world.tainan)
    world.invitation(world.osaka, status="draft")
    client, found, cursor = world.as_(world.osaka), [], ""

    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = client.get(f"/invitations?mine=true&status=published&limit=2{more}").json
        found += [post["id"] for post in page["items"]]
        assert page["total"] == 5
        cursor = page["next_cursor"]

    assert found == [post.id for post in sorted(posts, key=lambda p: (p.created_at, p.id), reverse=True)]
    assert world.as_(None).get("/invitations?limit=3").json["total"] == 6


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("mine=yes", 422),
        ("mine=1", 422),
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=１２", 422),
        ("limit=1e3", 422),
        ("cursor=nonsense", 400),
        ("cursor=%00", 422),
        ("status=nonsense", 422),
        ("include=contact", 422),
        ("fields=*", 422),
        ("mine=true&mine=false", 400),
    ],
)
def test_a_list_takes_no_nonsense(world: World, query: str, answer: int) -> None:
    assert world.as_(world.osaka).get(f"/invitations?{query}").status_code == answer


def test_my_posts_need_me(world: World) -> None:
    assert problem(world.as_(None).get("/invitations?mine=true")) == (401, "not_signed_in")
    assert world.as_(world.office_osaka).get("/invitations?mine=true").json["items"] == []


@pytest.mark.parametrize("post_id", ["0", "-1", "x" * 4096, "..%2f", "%00", "%ff", "A" * 32, "1;a=b"])
def test_an_address_that_names_no_post_is_a_plain_404(world: World, post_id: str) -> None:
    assert problem(world.as_(None).get(f"/invitations/{post_id}"))[0] == 404


def test_contact_data_stands_nowhere_but_in_its_table(world: World) -> None:
    post = published(world, world.osaka, travel=TRAVEL)
    contact = {"name": "Other Canary", "email": "other@contact.example"}
    patch = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"contact": contact}, version=post["version"])
    assert patch.status_code == 200
    world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")
    returned = {"reason": "Please check."}
    world.as_(world.admin).post(f"/invitations/{post['id']}/actions/return", json=returned)

    from sqlalchemy import text

    with world.unit_of_work() as uow:
        tables = ("invitations", "revisions", "events", "outbox", "idempotency_keys")
        rows = [str(row) for t in tables for row in uow.session.execute(text(f"select * from {t}"))]
    for canary in (*CANARIES, "Other Canary", "other@contact.example"):
        assert not [row for row in rows if canary in row]


@pytest.mark.parametrize("who", ["visitor", "tainan", "ierc_tainan", "office_osaka", "admin", "system_admin"])
def test_nobody_but_the_school_reads_a_contact_in_the_post(world: World, who: str) -> None:
    post = published(world, world.osaka, travel=TRAVEL, contact_visibility="approved_schools")
    reader = None if who == "visitor" else getattr(world, who)

    for path in (f"/invitations/{post['id']}", "/invitations"):
        reply = world.as_(reader).get(path)
        assert reply.status_code == 200
        assert not [canary for canary in CANARIES if canary in reply.text]
    assert "contact" not in seen_by(world, reader, post)
    assert seen_by(world, reader, post)["travel"]["agent"] == {"name": "Seto Travel"}
    assert post["contact"]["name"] == "Mika Canary"
    assert post["travel"] == TRAVEL
