"""The reviewer's queue: oldest first, what changed, what to look at twice, who else is at it."""

from datetime import timedelta
from typing import Any

from iew.models import Invitation, User
from iew.services import review
from tests.invitations.bodies import submitted
from tests.world import World, problem


def queue(world: World, query: str = "") -> list[dict[str, Any]]:
    reply = world.as_(world.admin).get(f"/review-queue{query}")
    assert reply.status_code == 200, reply.json
    return list(reply.json["items"])


def case_of(world: World, post: dict[str, Any]) -> dict[str, Any]:
    return next(case for case in queue(world) if case["id"] == post["id"])


def change(world: World, post: dict[str, Any], **body: Any) -> dict[str, Any]:
    version = world.as_(world.osaka).get(f"/invitations/{post['id']}").json["version"]
    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", body, version=version)
    assert reply.status_code == 200, reply.json
    return dict(reply.json)


def act(world: World, who: User, post: dict[str, Any], action: str, **body: Any) -> None:
    reply = world.as_(who).post(f"/invitations/{post['id']}/actions/{action}", json=body)
    assert reply.status_code == 200, reply.json


def test_the_oldest_waits_at_the_top_posts_and_revisions_alike(world: World) -> None:
    old = submitted(world, world.osaka)
    act(world, world.admin, old, "publish")
    first, second = submitted(world, world.osaka), submitted(world, world.tainan)
    change(world, old, title="Newer text")
    act(world, world.osaka, old, "submit")
    world.invitation(world.osaka, status="draft")
    world.invitation(world.osaka, status="returned")

    items = queue(world)

    assert [(case["id"], case["kind"]) for case in items] == [
        (first["id"], "post"),
        (second["id"], "post"),
        (old["id"], "revision"),
    ]
    assert items[2]["revision"]["title"] == "Newer text"
    assert "contact" not in items[0]


def test_the_queue_pages_without_gaps(world: World) -> None:
    posts = [submitted(world, world.osaka) for _ in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = world.as_(world.admin).get(f"/review-queue?limit=2{'&cursor=' + cursor if cursor else ''}").json
        found += [case["id"] for case in page["items"]]
        assert page["total"] == 5
        cursor = page["next_cursor"]
    assert found == [post["id"] for post in posts]


def test_of_a_resubmitted_post_the_reviewer_sees_what_changed(world: World) -> None:
    post = submitted(world, world.osaka)
    assert (case_of(world, post)["first"], case_of(world, post)["changed"]) == (True, [])
    act(world, world.admin, post, "return", reason="Which grade?")
    contact = {"name": "New Canary", "email": "new@canary.example"}
    change(world, post, grades=[12], contact=contact)
    act(world, world.osaka, post, "submit")

    case = case_of(world, post)

    assert case["first"] is False
    assert case["changed"] == [
        {"field": "grades", "before": [10, 11], "after": [12]},
        {"field": "contact", "before": None, "after": None},
    ]
    assert "canary.example" not in str(case)


def test_of_a_revision_the_reviewer_sees_what_differs_from_the_public_text(world: World) -> None:
    post = submitted(world, world.osaka)
    act(world, world.admin, post, "publish")
    change(world, post, title="Second")
    act(world, world.osaka, post, "submit")
    assert [c["field"] for c in case_of(world, post)["changed"]] == ["title"]

    act(world, world.admin, post, "return", reason="Longer, please.")
    change(world, post, description="Much longer.")
    act(world, world.osaka, post, "submit")
    assert [c["field"] for c in case_of(world, post)["changed"]] == ["description"]

    act(world, world.admin, post, "reject", reason="No.")
    change(world, post, title="Fourth")
    act(world, world.osaka, post, "submit")
    changes = case_of(world, post)["changed"]
    assert [(c["field"], c["before"]) for c in changes] == [("title", "Robots that greet each other")]


def test_a_contact_that_did_not_change_since_is_not_named(world: World) -> None:
    post = submitted(world, world.osaka)
    act(world, world.admin, post, "return", reason="Hm.")
    change(world, post, contact={"name": "B", "email": "b@school.example"})
    act(world, world.osaka, post, "submit")
    act(world, world.admin, post, "return", reason="Hm again.")
    change(world, post, title="C")
    act(world, world.osaka, post, "submit")

    assert [c["field"] for c in case_of(world, post)["changed"]] == ["title"]


def test_contact_data_in_a_public_text_is_pointed_out(world: World) -> None:
    post = submitted(
        world,
        world.osaka,
        title="Write to club@robots.example",
        description="Call +81 6 5550 0123, or LINE ID: robo_club, see https://robots.example/join",
        translations=[{"language": "ja", "title": "x", "description": "電話 ０６－５５５０－０１２３"}],
    )

    hints = {(hint["code"], hint["field"]) for hint in case_of(world, post)["hints"]}

    assert hints == {
        ("email", "title"),
        ("phone", "description"),
        ("messenger", "description"),
        ("link", "description"),
        ("phone", "translations-0.description"),
    }


def test_days_and_numbers_are_no_telephone(world: World) -> None:
    text = "From 2027-04-01 to 2027-07-31, 24 students, 13:00-14:30, a budget of 1,000,000 yen; our club is online."
    assert case_of(world, submitted(world, world.osaka, description=text))["hints"] == []


def test_a_name_that_only_looks_like_another_is_pointed_out(world: World) -> None:
    world.school("US", name="Taipei School", name_en=None)
    twin = world.user(school=world.school("US", name="Таipei School", name_en=None))
    mixed = world.user(school=world.school("US", name="раypal Academy", name_en=None))
    honest = world.user(school=world.school("US", name="Гимназия № 5", name_en="Gymnasium 5"))

    hints = {}
    for user in (twin, mixed, honest):
        post = submitted(world, user)
        hints[user.id] = [(hint["code"], hint["text"]) for hint in case_of(world, post)["hints"]]

    assert hints[twin.id] == [("mixed_script", "Таipei"), ("lookalike", "Taipei School")]
    assert hints[mixed.id] == [("mixed_script", "раypal")]
    assert hints[honest.id] == []


def test_other_posts_of_the_school_stand_beside_but_not_its_drafts(world: World) -> None:
    other = world.invitation(world.osaka, title="The other one")
    world.invitation(world.osaka, status="draft", title="Not yet")
    world.invitation(world.tainan)
    post = submitted(world, world.osaka)

    others = case_of(world, post)["others"]

    assert [(row["id"], row["title"], row["status"]) for row in others] == [(other.id, "The other one", "published")]


def test_two_on_one_post_the_second_is_warned(world: World) -> None:
    post = submitted(world, world.osaka)
    colleague = world.user("iew_admin", name="Lin")
    path = f"/review-queue/{post['id']}"
    before = world.as_(world.osaka).get(f"/invitations/{post['id']}").json["version"]

    assert world.as_(colleague).get(path).json["opened"] is None
    assert world.as_(colleague).get(path).json["opened"] is None
    assert case_of(world, post)["opened"]["name"] == "Lin"
    assert world.as_(world.admin).get(path).json["opened"]["name"] == "Lin"
    assert world.as_(colleague).get(path).json["opened"]["name"] == world.admin.name

    assert world.as_(world.osaka).get(f"/invitations/{post['id']}").json["version"] == before


def test_the_warning_fades(world: World) -> None:
    post = submitted(world, world.osaka)
    colleague = world.user("iew_admin")
    world.as_(colleague).get(f"/review-queue/{post['id']}")
    with world.unit_of_work() as uow:
        row = uow.get(Invitation, post["id"])
        assert row.opened_at is not None
        row.opened_at -= timedelta(minutes=31)

    assert case_of(world, post)["opened"] is None


def test_there_is_no_case_where_nothing_waits(world: World) -> None:
    post = world.invitation(world.osaka)

    assert problem(world.as_(world.admin).get(f"/review-queue/{post.id}")) == (404, "not_found")


def test_after_a_decision_the_next_one_is_the_oldest_that_is_free_and_not_ones_own(world: World) -> None:
    own = world.invitation(world.admin, school=world.school("TW"), status="submitted")
    posts = [submitted(world, world.osaka) for _ in range(3)]
    colleague = world.user("iew_admin")
    world.as_(colleague).get(f"/review-queue/{posts[1]['id']}")

    with world.unit_of_work() as uow:
        actor = world.actor(world.admin)
        found = review.next_case(uow, actor, after=posts[0]["id"])
        assert found is not None
        assert found.id == posts[2]["id"]
        for post in (posts[0], posts[2]):
            uow.get(Invitation, post["id"]).opened_by = colleague.id
            uow.get(Invitation, post["id"]).opened_at = uow.now
        busy = review.next_case(uow, actor)
        assert busy is not None
        assert busy.id == posts[0]["id"]
        assert own.author_id == world.admin.id
