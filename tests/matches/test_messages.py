"""What the parties of a case write to each other, and who reads what."""

import pytest

from tests.houses import school_of
from tests.world import World, problem


def write(world, user, match, text="Good morning!"):
    return world.as_(user).post(f"/matches/{match.id}/messages", {"text": text})


def texts(world, user, match):
    reply = world.as_(user).get(f"/matches/{match.id}/messages")
    assert reply.status_code == 200, reply.text
    return [item["text"] for item in reply.json["items"]]


def unread(world, user, match):
    return world.as_(user).get(f"/matches/{match.id}").json["unread_messages"]


def act(world, user, match, action, **body):
    assert world.as_(user).post(f"/matches/{match.id}/actions/{action}", body).status_code == 200


@pytest.fixture
def taken(world):
    return world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA")


def test_two_schools_talk_before_they_agree(world: World):
    match = world.match()

    reply = write(world, world.tainan, match, "May we come in May?")
    write(world, world.osaka, match, "June is better.")

    assert reply.status_code == 201
    assert (reply.json["mine"], reply.json["by"]["code"]) == (True, world.tainan.school_id)
    for user in (world.tainan, world.osaka):
        assert texts(world, user, match) == ["May we come in May?", "June is better."]
    items = world.as_(world.osaka).get(f"/matches/{match.id}/messages").json["items"]
    assert [item["mine"] for item in items] == [False, True]
    assert world.tainan.name not in str(items)


def test_a_message_is_told_by_mail_and_leaves_the_version_alone(world: World):
    match = world.match()

    write(world, world.tainan, match)

    assert world.jobs() == [("notify_message_written", match.id)]
    assert world.now_is(match).version == 1
    assert "message" not in [
        step["action"] for step in world.as_(world.tainan).get(f"/matches/{match.id}").json["timeline"]
    ]


def test_what_was_read_is_no_longer_new(world: World):
    match = world.match()
    write(world, world.tainan, match)
    write(world, world.tainan, match)
    assert (unread(world, world.osaka, match), unread(world, world.tainan, match)) == (2, 0)

    texts(world, world.osaka, match)

    assert unread(world, world.osaka, match) == 0
    colleague = world.user(school=school_of(world, world.osaka))
    assert unread(world, colleague, match) == 2
    write(world, world.tainan, match)
    assert unread(world, world.osaka, match) == 1
    assert world.as_(world.osaka).get("/matches").json["items"][0]["unread_messages"] == 1


def test_reading_the_first_page_leaves_the_second_unread(world: World):
    match = world.match()
    for number in range(3):
        write(world, world.tainan, match, str(number))

    page = world.as_(world.osaka).get(f"/matches/{match.id}/messages?limit=2").json
    assert ([item["text"] for item in page["items"]], page["total"]) == (["0", "1"], 3)
    assert unread(world, world.osaka, match) == 1

    rest = (
        world.as_(world.osaka)
        .get(f"/matches/{match.id}/messages", query_string={"limit": 2, "cursor": page["next_cursor"]})
        .json
    )
    assert [item["text"] for item in rest["items"]] == ["2"]
    texts_again = world.as_(world.osaka).get(f"/matches/{match.id}/messages?limit=1")
    assert texts_again.status_code == 200
    assert unread(world, world.osaka, match) == 0


def test_a_proposed_school_reads_what_concerns_it_since_it_was_asked(world: World, taken):
    write(world, world.tainan, taken, "before: we had trouble last year")
    act(world, world.office_osaka, taken, "propose", school_id=world.osaka.school_id)
    act(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)
    write(world, world.office_osaka, taken, "office: who can come?")
    write(world, world.osaka, taken, "osaka: we can")
    write(world, world.seoul, taken, "seoul: how many?")
    write(world, world.tainan, taken, "tainan: twenty")

    assert texts(world, world.osaka, taken) == ["office: who can come?", "osaka: we can", "tainan: twenty"]
    assert texts(world, world.seoul, taken) == ["office: who can come?", "seoul: how many?", "tainan: twenty"]
    assert len(texts(world, world.tainan, taken)) == len(texts(world, world.office_osaka, taken)) == 5
    assert unread(world, world.osaka, taken) == 0


def test_a_released_school_reads_no_further_and_writes_no_more(world: World, taken):
    act(world, world.office_osaka, taken, "propose", school_id=world.osaka.school_id)
    act(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)
    write(world, world.tainan, taken, "to both")
    act(world, world.osaka, taken, "accept")
    write(world, world.tainan, taken, "to the partner")

    assert texts(world, world.seoul, taken) == ["to both"]
    assert texts(world, world.osaka, taken) == ["to both", "to the partner"]
    assert problem(write(world, world.seoul, taken)) == (403, "not_allowed")
    assert unread(world, world.seoul, taken) == 0


def test_a_partner_that_the_unit_agreed_with_reads_from_then_on(world: World, taken):
    write(world, world.tainan, taken, "before")
    act(world, world.office_osaka, taken, "agree", school_id=world.osaka.school_id)
    write(world, world.tainan, taken, "after")

    assert texts(world, world.osaka, taken) == ["after"]


def test_the_next_unit_reads_what_was_said_and_the_last_one_reads_no_more(world: World, taken):
    write(world, world.office_osaka, taken, "We tried three schools.")
    act(world, world.admin, taken, "route", handler={"kind": "office", "code": "KR-SEL"})

    assert texts(world, world.office_seoul, taken) == ["We tried three schools."]
    assert problem(world.as_(world.office_osaka).get(f"/matches/{taken.id}/messages")) == (404, "not_found")
    assert problem(write(world, world.office_osaka, taken)) == (404, "not_found")


def test_the_administrator_may_read_and_that_is_written_down(world: World, taken):
    write(world, world.tainan, taken, "Hello")

    assert texts(world, world.admin, taken) == ["Hello"]

    assert [event.actor_id for event in world.events_of(taken) if event.action == "messages_read"] == [world.admin.id]
    texts(world, world.tainan, taken)
    assert len([event for event in world.events_of(taken) if event.action == "messages_read"]) == 1


def test_the_administrator_writes_only_in_its_own_queue(world: World, taken):
    queued = world.match(world.tainan, via="assisted", wish={})

    assert problem(write(world, world.admin, taken)) == (403, "not_allowed")
    assert write(world, world.admin, queued).json["by"]["kind"] == "iew_admin"


@pytest.mark.parametrize("who", ["seoul", "taipei", "office_osaka", "system_admin"])
def test_strangers_neither_read_nor_write(world: World, who):
    match = world.match()

    assert problem(write(world, getattr(world, who), match)) == (404, "not_found")
    assert problem(world.as_(getattr(world, who)).get(f"/matches/{match.id}/messages")) == (404, "not_found")


@pytest.mark.parametrize(("status", "code"), [("agreed", 201), ("completed", 201), ("declined", 409),
                                              ("cancelled", 409), ("no_reply", 409)])  # fmt: skip
def test_one_writes_while_the_case_goes_on_and_after_a_result(world: World, status, code):
    assert write(world, world.tainan, world.match(status=status)).status_code == code


@pytest.mark.parametrize("text", ["", "  ", None, 5, "a\0b", "x" * 5001, "\ud800"])
def test_a_message_is_text(world: World, text):
    match = world.match()

    reply = write(world, world.tainan, match, text)

    assert reply.status_code in (400, 422)
    assert texts(world, world.tainan, match) == []


def test_a_message_reads_back_as_it_was_written(world: World):
    match = world.match()
    text = "𠮷野さん 👨‍👩‍👧‍👦\n{{7*7}} <b>=HYPERLINK(1)</b>"

    write(world, world.tainan, match, text)

    assert texts(world, world.osaka, match) == [text]
