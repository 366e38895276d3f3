"""Who sees which cases, and how much of each."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.world import World, problem

PEOPLE = ("tainan", "osaka", "seoul", "taipei", "office_osaka", "office_seoul", "ierc_tainan", "admin", "system_admin")


def seen(world, user, match):
    reply = world.as_(user).get(f"/matches/{match.id}")
    assert reply.status_code == 200, reply.text
    return reply.json


def act(world, user, match, action, **body):
    reply = world.as_(user).post(f"/matches/{match.id}/actions/{action}", body)
    assert reply.status_code == 200, reply.text
    return reply.json


@pytest.fixture
def in_progress(world):
    """A case of the office in Osaka, with one school proposed and one that declined."""
    match = world.match(world.tainan, via="assisted", status="routed", handler="JP-OSA")
    act(world, world.office_osaka, match, "accept")
    act(world, world.office_osaka, match, "propose", school_id=world.osaka.school_id, note="Ask Ms Mori first.")
    act(world, world.office_osaka, match, "propose", school_id=world.seoul.school_id, note="They sing.")
    act(world, world.seoul, match, "decline", reason_code="capacity", note="Our choir has ended.")
    return match


# which cases


@pytest.mark.parametrize(
    ("case", "seers"),
    [
        ({}, {"tainan", "osaka", "admin"}),
        ({"via": "assisted"}, {"tainan", "admin"}),
        ({"via": "assisted", "status": "routed", "handler": "JP-OSA"}, {"tainan", "office_osaka", "admin"}),
        ({"via": "assisted", "status": "in_progress", "handler": "JP-OSA"}, {"tainan", "office_osaka", "admin"}),
        ({"via": "assisted", "status": "agreed", "handler": "JP-OSA"}, {"tainan", "osaka", "office_osaka", "admin"}),
        ({"via": "assisted", "status": "not_found", "handler": "JP-OSA"}, {"tainan", "office_osaka", "admin"}),
        ({"status": "cancelled"}, {"tainan", "osaka", "admin"}),
    ],
)
def test_a_case_is_seen_by_its_parties_and_the_administrator(world: World, case, seers):
    match = world.match(**case)

    for who in PEOPLE:
        client = world.as_(getattr(world, who))
        if who in seers:
            assert client.get(f"/matches/{match.id}").json["id"] == match.id, who
            assert [item["id"] for item in client.get("/matches").json["items"]] == [match.id], who
        else:
            assert problem(client.get(f"/matches/{match.id}")) == (404, "not_found"), who
            assert client.get("/matches").json == {"items": [], "next_cursor": None, "total": 0}, who


@pytest.mark.parametrize("path", ["/matches", "/matches/{id}", "/matches/{id}/messages", "/matches/{id}/contacts"])
def test_a_visitor_signs_in_first(world: World, path):
    for given in (world.match().id, "0" * 32):
        assert problem(world.as_(None).get(path.format(id=given))) == (401, "not_signed_in")


def test_what_is_not_ones_own_and_what_does_not_exist_are_told_alike(world: World):
    hidden = world.as_(world.seoul).get(f"/matches/{world.match().id}").json
    absent = world.as_(world.seoul).get(f"/matches/{'0' * 32}").json

    assert {k: v for k, v in hidden.items() if k != "request_id"} == {
        k: v for k, v in absent.items() if k != "request_id"
    }


@pytest.mark.parametrize("given", ["%00", "a%00b", "x" * 300, "%ED%A0%80", "..", "'--"])
def test_what_cannot_be_an_id_is_not_there(world: World, given):
    for path in ("matches/{}", "matches/{}/messages", "matches/{}/contacts?reason=x", "questions/{}"):
        assert world.as_(world.admin).get(f"/{path.format(given)}").status_code == 404, path
    assert world.as_(world.tainan).post(f"/matches/{given}/actions/accept").status_code == 404


def test_a_unit_of_the_same_code_but_another_kind_is_a_stranger(world: World):
    match = world.match(world.osaka, via="assisted", status="routed", handler="TNN", handler_kind="ierc")
    odd = world.user("office", unit="TNN")

    assert problem(world.as_(odd).get(f"/matches/{match.id}")) == (404, "not_found")


# how much of it


def test_a_proposed_school_sees_its_own_part_alone(world: World, in_progress):
    found = seen(world, world.osaka, in_progress)

    assert [(p["school"]["id"], p["status"], p["note"]) for p in found["proposals"]] == [
        (world.osaka.school_id, "open", "Ask Ms Mori first.")
    ]
    assert "capacity" not in str(found)
    assert "choir" not in str(found)
    assert "They sing" not in str(found)
    assert [step["action"] for step in found["timeline"]] == ["ask", "accept", "propose"]
    assert (found["partner"], found["reports"], found["parallel_requests"]) == (None, [], None)


def test_the_asking_school_sees_the_progress_without_the_notes(world: World, in_progress):
    found = seen(world, world.tainan, in_progress)

    assert [(p["school"]["id"], p["status"]) for p in found["proposals"]] == [
        (world.osaka.school_id, "open"),
        (world.seoul.school_id, "declined"),
    ]
    assert {p["note"] for p in found["proposals"]} | {p["answer_note"] for p in found["proposals"]} == {None}
    assert {p["reason_code"] for p in found["proposals"]} == {None}
    assert [step["action"] for step in found["timeline"]] == ["ask", "accept", "propose", "propose", "decline"]
    assert {step["reason"] for step in found["timeline"]} == {None}


def test_the_unit_and_the_administrator_see_all_of_it(world: World, in_progress):
    for user in (world.office_osaka, world.admin):
        found = seen(world, user, in_progress)
        assert [p["answer_note"] for p in found["proposals"]] == [None, "Our choir has ended."]
        assert [step["reason_code"] for step in found["timeline"]] == [None, None, None, None, "capacity"]
        assert found["parallel_requests"] == 0


def test_a_school_that_came_too_late_learns_no_more_than_that(world: World, in_progress):
    act(world, world.osaka, in_progress, "accept")

    declined = seen(world, world.seoul, in_progress)

    assert (declined["partner"], declined["reports"], declined["available_actions"]) == (None, [], [])
    assert [p["status"] for p in declined["proposals"]] == ["declined"]
    assert world.osaka.school_id not in str(declined["timeline"])
    partner = seen(world, world.osaka, in_progress)
    assert partner["partner"]["id"] == world.osaka.school_id
    assert "capacity" not in str(partner)


def test_a_superseded_school_reads_that_it_was_released_and_not_by_whom(world: World):
    match = world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA")
    for user in (world.osaka, world.seoul):
        act(world, world.office_osaka, match, "propose", school_id=user.school_id)
    act(world, world.osaka, match, "accept")

    found = seen(world, world.seoul, match)

    assert [p["status"] for p in found["proposals"]] == ["superseded"]
    assert [step["action"] for step in found["timeline"]] == ["ask", "propose"]
    assert "Minatodai" not in str(found["timeline"])
    assert found["partner"] is None


def test_why_a_unit_handed_back_is_for_the_administrator(world: World):
    match = world.match(world.tainan, via="assisted", status="routed", handler="JP-OSA")
    act(world, world.office_osaka, match, "hand_back", reason="The headmaster is rude.")

    asker = seen(world, world.tainan, match)
    admin = seen(world, world.admin, match)

    assert "rude" not in str(asker)
    assert "handed_back_reason" not in asker
    assert [step["action"] for step in asker["timeline"]] == ["ask", "hand_back"]
    assert admin["handed_back_reason"] == "The headmaster is rude."
    assert admin["timeline"][-1]["reason"] == "The headmaster is rude."


def test_staff_stand_for_their_body_in_the_reader_s_language(world: World, in_progress):
    found = world.as_(world.tainan).get(f"/matches/{in_progress.id}", headers={"Accept-Language": "zh-TW"}).json
    english = world.as_(world.tainan).get(f"/matches/{in_progress.id}", headers={"Accept-Language": "en"}).json

    assert found["timeline"][1]["by"] == {"kind": "office", "code": "JP-OSA", "name": found["handler"]["name"]}
    assert "大阪" in found["handler"]["name"]
    assert "Osaka" in english["handler"]["name"]
    assert world.office_osaka.name not in str(found)


def test_the_administrator_is_named_by_its_office_alone(world: World):
    match = world.match(world.tainan, via="assisted")
    act(world, world.admin, match, "route", handler={"kind": "office", "code": "JP-OSA"})

    found = world.as_(world.tainan).get(f"/matches/{match.id}", headers={"Accept-Language": "en"}).json

    assert found["timeline"][-1]["by"] == {"kind": "iew_admin", "code": None, "name": "IEW administrator"}
    assert world.admin.name not in str(found)


def test_no_contact_data_stands_in_a_case(world: World):
    match = world.match(status="agreed")

    for user in (world.tainan, world.osaka, world.admin):
        text = str(seen(world, user, match)) + str(world.as_(user).get("/matches").json)
        for secret in ("canary@contact.example", "Mika Canary", "5550 0199", world.tainan.email, world.osaka.email):
            assert secret not in text


# requests beside it


def test_open_requests_for_the_same_time_and_kind_are_counted_for_the_asker_and_the_unit(world: World):
    april = [{"start": "2027-04-01", "end": "2027-04-30"}]

    def case(status="requested", **post):
        return world.match(
            world.tainan, world.invitation(world.osaka, **{"periods": april} | post), via="assisted", status=status,
            handler="JP-OSA" if status == "routed" else None,
        )  # fmt: skip

    match = case("routed")
    case()  # the same days and kind
    case(periods=[])  # nobody has said when
    case(periods=[{"start": "2027-09-01", "end": "2027-09-30"}])  # other days
    case(exchange_types=["homestay"])  # another kind
    case("cancelled")  # over
    world.match(world.taipei, world.invitation(world.osaka, periods=april))  # another school's

    assert seen(world, world.tainan, match)["parallel_requests"] == 2
    assert seen(world, world.office_osaka, match)["parallel_requests"] == 2


def test_the_posting_school_compares_what_it_was_asked(world: World):
    from iew.services import cases

    post = world.invitation(world.osaka)
    first, second = world.match(world.tainan, post), world.match(world.taipei, post)
    world.match(world.user(school=world.school("TW")), post, status="declined")

    with world.unit_of_work() as uow:
        rows = cases.side_by_side(uow, post.id, world.actor(world.osaka), language="en")
        assert [row.match.id for row in rows] == [first.id, second.id]


# lists


def test_a_list_is_narrowed(world: World):
    direct = world.match()
    routed = world.match(via="assisted", status="routed", handler="JP-OSA", overdue=True,
                         invitation=world.invitation(world.osaka))  # fmt: skip
    inbound = world.match(world.osaka, world.invitation(world.taipei), status="declined")

    def listed(**query):
        reply = world.as_(world.admin).get("/matches", query_string=query)
        assert reply.json["total"] == len(reply.json["items"])
        return {item["id"] for item in reply.json["items"]}

    assert listed() == {direct.id, routed.id, inbound.id}
    assert listed(status="requested") == {direct.id}
    assert listed(status=["requested", "declined"]) == {direct.id, inbound.id}
    assert listed(direction="inbound") == {inbound.id}
    assert listed(via="assisted") == {routed.id}
    assert listed(overdue="true") == {routed.id}
    assert listed(overdue="false") == {direct.id, inbound.id}
    assert listed(handler="JP-OSA") == {routed.id}
    assert listed(invitation_id=direct.invitation_id) == {direct.id}


@pytest.mark.parametrize("query", ["status=lost", "direction=up", "via=mail", "overdue=1", "overdue=yes", "town=Kobe",
                                   "limit=0", "limit=101", "limit=x"])  # fmt: skip
def test_a_list_takes_what_it_knows(world: World, query):
    assert problem(world.as_(world.tainan).get(f"/matches?{query}")) == (422, "invalid")


def test_a_list_is_read_on_by_its_cursor_while_cases_are_added(world: World):
    own = [world.match(invitation=world.invitation(world.osaka)).id for _ in range(5)]
    client = world.as_(world.tainan)

    first = client.get("/matches?limit=2").json
    world.match(invitation=world.invitation(world.osaka))
    second = client.get("/matches", query_string={"limit": 2, "cursor": first["next_cursor"]}).json
    third = client.get("/matches", query_string={"limit": 2, "cursor": second["next_cursor"]}).json

    got = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert got == list(reversed(own))
    assert (first["total"], third["total"], third["next_cursor"]) == (5, 6, None)
    assert problem(client.get("/matches?cursor=nonsense")) == (400, "bad_cursor")


def test_a_line_of_a_list_shows_what_a_case_shows(world: World, in_progress):
    line = world.as_(world.tainan).get("/matches").json["items"][0]
    whole = seen(world, world.tainan, in_progress)

    assert {name: whole[name] for name in line} == line


def test_a_long_list_takes_few_statements(world: World, shared_engine):
    from sqlalchemy import event

    for _ in range(6):
        world.match(invitation=world.invitation(world.osaka), via="assisted", status="routed", handler="JP-OSA")
    client, statements = world.as_(world.office_osaka), []
    client.get("/matches")

    def note(connection, cursor, statement, *rest):
        statements.append(statement)

    event.listen(shared_engine, "before_cursor_execute", note)
    try:
        assert client.get("/matches").json["total"] == 6
    finally:
        event.remove(shared_engine, "before_cursor_execute", note)
    reads = [statement for statement in statements if statement.lstrip().upper().startswith("SELECT")]
    assert len(reads) <= 14, reads


def test_times_are_told_in_utc(world: World):
    found = seen(world, world.tainan, world.match())

    for name in ("created_at", "updated_at", "since", "due_at"):
        moment = datetime.fromisoformat(found[name])
        assert moment.utcoffset() == timedelta(0)
        assert abs(moment - datetime.now(UTC)) < timedelta(days=15)
