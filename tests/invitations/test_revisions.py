"""A change to a published post waits for its reader while the old text stays public."""

from typing import Any

import pytest

from iew.domain.invitations import RevisionStatus
from iew.models import Contact, Invitation
from tests.invitations.bodies import TRAVEL, published, seen_by
from tests.world import World, problem

OLD = "Robots that greet each other"
NEW = "Robots that dance together"
CONTACT = {"name": "Aya", "role": None, "email": "aya@school.example", "phone": None}


def revised(world: World, **changes: Any) -> dict[str, Any]:
    """A published post with a draft revision."""
    post = published(world, world.osaka, travel=TRAVEL)
    body = {"title": NEW} | changes
    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", body, version=post["version"])
    assert reply.status_code == 200, reply.json
    return dict(reply.json)


def act(world: World, who: str, post: dict[str, Any], action: str, **body: Any) -> dict[str, Any]:
    reply = world.as_(getattr(world, who)).post(f"/invitations/{post['id']}/actions/{action}", json=body)
    assert reply.status_code == 200, reply.json
    return dict(reply.json)


def test_the_old_text_stays_public_until_the_new_one_was_read(world: World) -> None:
    post = revised(world)
    assert (post["status"], post["title"], post["pending_revision"]) == ("published", OLD, False)
    assert (post["revision"]["status"], post["revision"]["title"]) == ("draft", NEW)
    assert seen_by(world, None, post)["title"] == OLD

    sent = act(world, "osaka", post, "submit")
    assert (sent["status"], sent["pending_revision"]) == ("published", True)
    assert sent["revision"]["status"] == "submitted"
    assert seen_by(world, None, post)["pending_revision"] is True
    assert seen_by(world, None, post)["title"] == OLD

    act(world, "admin", post, "publish")
    shown = seen_by(world, None, post)
    assert (shown["status"], shown["title"], shown["pending_revision"]) == ("published", NEW, False)
    assert seen_by(world, world.osaka, post)["revision"] is None


def test_only_the_school_and_the_administrator_read_a_revision_and_a_drafted_one_only_the_school(world: World) -> None:
    post = revised(world)
    assert seen_by(world, world.admin, post)["revision"] is None
    act(world, "osaka", post, "submit")

    assert seen_by(world, world.admin, post)["revision"]["title"] == NEW
    assert "contact" not in seen_by(world, world.admin, post)["revision"]
    for reader in (None, world.tainan, world.ierc_tainan, world.system_admin):
        shown = world.as_(reader).get(f"/invitations/{post['id']}")
        assert NEW not in shown.text
        assert "revision" not in shown.json


def test_each_change_gives_the_post_a_new_version_but_the_index_hears_only_of_public_ones(world: World) -> None:
    post = revised(world)
    row = _row(world, post)
    version, index_version = row.version, row.index_version
    jobs = world.jobs().count(("index_invitation", post["id"]))

    sent = act(world, "osaka", post, "submit")
    assert sent["version"] > version
    assert _row(world, post).index_version == index_version
    act(world, "admin", post, "publish")
    assert _row(world, post).index_version == index_version + 1
    assert world.jobs().count(("index_invitation", post["id"])) == jobs + 1


@pytest.mark.parametrize(("action", "status"), [("return", "returned"), ("reject", "rejected")])
def test_a_refused_revision_leaves_the_public_text_and_tells_why(world: World, action: str, status: str) -> None:
    post = revised(world)
    act(world, "osaka", post, "submit")

    remarks = [{"field": "title", "text": "Why dance?"}]
    act(world, "admin", post, action, reason="Unclear.", remarks=remarks)

    own = seen_by(world, world.osaka, post)
    assert (own["status"], own["title"], own["pending_revision"]) == ("published", OLD, False)
    assert (own["revision"]["status"], own["revision"]["reason"]) == (status, "Unclear.")
    assert own["revision"]["remarks"] == remarks


def test_a_returned_revision_is_corrected_and_sent_again(world: World) -> None:
    post = revised(world)
    act(world, "osaka", post, "submit")
    act(world, "admin", post, "return", reason="Unclear.")

    own = seen_by(world, world.osaka, post)
    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"title": "Third"}, version=own["version"])
    assert reply.json["revision"]["status"] == "returned"
    assert act(world, "osaka", post, "submit")["revision"]["title"] == "Third"
    act(world, "admin", post, "publish")
    assert seen_by(world, None, post)["title"] == "Third"


def test_after_a_rejection_the_next_change_starts_from_the_public_text(world: World) -> None:
    post = revised(world)
    act(world, "osaka", post, "submit")
    act(world, "admin", post, "reject", reason="No.")

    own = seen_by(world, world.osaka, post)
    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"homestay": "wanted"}, version=own["version"])

    assert (reply.json["revision"]["title"], reply.json["revision"]["homestay"]) == (OLD, "wanted")


def test_changing_a_waiting_revision_takes_it_back_so_nobody_approves_unread_text(world: World) -> None:
    post = revised(world)
    read = act(world, "osaka", post, "submit")

    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"title": "Unread"}, version=read["version"])
    assert reply.json["revision"]["status"] == "draft"
    assert reply.json["pending_revision"] is False

    client, path = world.as_(world.admin), f"/invitations/{post['id']}/actions/publish"
    stale = client.post(path, headers={"If-Match": f'"{read["version"]}"'})
    assert problem(stale) == (412, "changed_meanwhile")
    assert problem(client.post(path)) == (409, "invalid_transition")
    assert seen_by(world, None, post)["title"] == OLD


@pytest.mark.parametrize("action", ["publish", "return", "reject"])
def test_with_no_revision_waiting_there_is_nothing_to_decide(world: World, action: str) -> None:
    post, drafted = published(world, world.osaka), revised(world)

    for candidate in (post, drafted):
        path = f"/invitations/{candidate['id']}/actions/{action}"
        assert problem(world.as_(world.admin).post(path, json={"reason": "x"})) == (409, "invalid_transition")
        assert problem(world.as_(world.osaka).post(path, json={"reason": "x"})) == (403, "not_allowed")


def test_with_no_revision_there_is_nothing_to_submit(world: World) -> None:
    post = published(world, world.osaka)

    reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")

    assert problem(reply) == (409, "invalid_transition")


def test_a_revision_is_held_to_what_readers_need(world: World) -> None:
    post = revised(world, description=None, contact={"name": "only a name"})

    reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")

    assert problem(reply) == (422, "invalid")
    assert sorted(reply.json["errors"]) == ["contact", "description"]
    assert seen_by(world, world.osaka, post)["revision"]["status"] == "draft"


def test_a_changed_contact_waits_with_its_revision(world: World) -> None:
    post = revised(world, contact=CONTACT)
    assert post["contact"]["name"] == "Mika Canary"
    assert post["revision"]["contact"] == CONTACT
    assert post["revision"]["travel"]["agent"]["contact"] == TRAVEL["agent"]["contact"]

    act(world, "osaka", post, "submit")
    read = world.as_(world.admin).get(f"/invitations/{post['id']}/contact?reason=check").json
    assert read["name"] == "Mika Canary"
    act(world, "admin", post, "publish")

    own = seen_by(world, world.osaka, post)
    assert own["contact"] == CONTACT
    assert own["travel"] == TRAVEL
    assert _contacts(world, post) == [False]


def test_a_contact_alone_makes_a_revision(world: World) -> None:
    post = published(world, world.osaka)

    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"contact": CONTACT}, version=post["version"])

    assert reply.json["revision"]["status"] == "draft"
    assert reply.json["revision"]["contact"] == CONTACT
    assert reply.json["contact"]["name"] == "Mika Canary"


def test_a_contact_taken_away_keeps_the_revision_from_being_sent(world: World) -> None:
    post = revised(world, contact=None)
    assert post["revision"]["contact"] is None

    reply = world.as_(world.osaka).post(f"/invitations/{post['id']}/actions/submit")

    assert list(reply.json["errors"]) == ["contact"]


def test_what_equals_the_public_text_makes_no_revision(world: World) -> None:
    post = published(world, world.osaka, travel=TRAVEL)
    same = {"title": post["title"], "contact": post["contact"], "travel": post["travel"]}

    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", same, version=post["version"])

    assert (reply.json["version"], reply.json["revision"]) == (post["version"], None)


@pytest.mark.parametrize("submitted", [False, True])
@pytest.mark.parametrize("action", ["withdraw", "close"])
def test_a_post_that_leaves_the_public_drops_its_revision(world: World, action: str, submitted: bool) -> None:
    post = revised(world, contact=CONTACT)
    if submitted:
        act(world, "osaka", post, "submit")

    act(world, "osaka", post, action)

    with world.unit_of_work() as uow:
        assert [r.status for r in uow.get(Invitation, post["id"]).revisions] == [RevisionStatus.DROPPED]
    assert _contacts(world, post) == [False]
    assert world.as_(world.admin).get("/review-queue").json["total"] == 0


def test_the_administrator_who_takes_a_post_down_drops_its_revision(world: World) -> None:
    post = revised(world)

    act(world, "admin", post, "withdraw", reason="a false school")

    with world.unit_of_work() as uow:
        assert uow.get(Invitation, post["id"]).revision is None


def test_what_can_be_done_follows_the_revision(world: World) -> None:
    post = revised(world)
    assert post["available_actions"] == ["submit", "withdraw", "close", "renew"]
    assert seen_by(world, world.admin, post)["available_actions"] == ["withdraw"]

    sent = act(world, "osaka", post, "submit")

    assert sent["available_actions"] == ["withdraw", "close", "renew"]
    assert seen_by(world, world.admin, post)["available_actions"] == ["publish", "return", "reject", "withdraw"]


def test_the_history_tells_the_story_of_both_by_body_and_not_by_name(world: World) -> None:
    post = revised(world, contact=CONTACT)
    act(world, "osaka", post, "submit")
    act(world, "admin", post, "return", reason="Unclear.", remarks=[{"field": "title", "text": "Why?"}])
    world.as_(world.admin).get(f"/invitations/{post['id']}/contact?reason=check")

    for reader in (world.osaka, world.admin):
        reply = world.as_(reader).get(f"/invitations/{post['id']}/history")
        told = [(line["of"], line["action"], line["by"]["kind"]) for line in reply.json["items"]]
        assert told == [
            ("invitation", "create", "school"),
            ("invitation", "submit", "school"),
            ("invitation", "publish", "iew_admin"),
            ("invitation", "revise", "school"),
            ("revision", "submit", "school"),
            ("revision", "return", "iew_admin"),
        ]
        assert reply.json["items"][3]["changed"] == ["title", "contact"]
        assert reply.json["items"][5]["reason"] == "Unclear."
        assert world.admin.name not in reply.text
        assert world.osaka.name not in reply.text
        assert "aya@school.example" not in reply.text


def _row(world: World, post: dict[str, Any]) -> Invitation:
    with world.unit_of_work() as uow:
        return uow.get(Invitation, post["id"])


def _contacts(world: World, post: dict[str, Any]) -> list[bool]:
    from sqlalchemy import select

    with world.unit_of_work() as uow:
        return list(uow.session.scalars(select(Contact.of_revision).where(Contact.invitation_id == post["id"])))
