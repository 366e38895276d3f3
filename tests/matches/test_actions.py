"""What each action does to a case besides its state: columns, proposals, facts; and who is refused how."""

from datetime import UTC, datetime, timedelta

import pytest

from iew.domain.matches import MATCH, Status
from iew.models import Match, Proposal
from tests.world import World, problem

REPORT = {"summary": "We met online four times.", "held_on": "2026-05-04", "students": 24, "teachers": 2}


def act(world, user, match, action, **body):
    return world.as_(user).post(f"/matches/{match.id}/actions/{action}", body)


def done(world, user, match, action, **body):
    reply = act(world, user, match, action, **body)
    assert reply.status_code == 200, reply.text
    return reply.json


def facts_of(world, match):
    return [event.fact for event in world.events_of(match) if event.fact]


def proposals_of(world, match):
    with world.unit_of_work() as uow:
        rows = uow.session.query(Proposal).filter_by(match_id=match.id)
        return {row.school_id: row.status for row in rows}


@pytest.fixture
def routed(world):
    """The school in Tainan asked for help on the post of the school in Osaka; the office there has it."""
    return world.match(world.tainan, via="assisted", status="routed", handler="JP-OSA")


@pytest.fixture
def taken(world):
    """The same, taken up."""
    return world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA")


# direct


def test_an_accepted_direct_request_is_agreed(world: World):
    match = world.match()

    found = done(world, world.osaka, match, "accept")

    assert (found["status"], found["overdue"]) == ("agreed", False)
    assert found["partner"]["id"] == world.osaka.school_id
    assert found["available_actions"] == ["cancel", "report"]
    row = world.now_is(match)
    assert (row.agreed_by_id, row.agreed_at) == (world.osaka.id, row.since)
    assert facts_of(world, match) == ["MatchAgreed"]


def test_a_declined_direct_request_is_over_and_the_asker_reads_why(world: World):
    match = world.match()

    done(world, world.osaka, match, "decline", reason_code="dates", note="We have exams then.")

    found = world.as_(world.tainan).get(f"/matches/{match.id}").json
    assert (found["status"], found["reason_code"], found["reason"]) == ("declined", "dates", "We have exams then.")
    assert (found["due_at"], found["available_actions"]) == (None, [])
    assert found["ended_at"]
    assert found["timeline"][-1]["reason_code"] == "dates"
    assert facts_of(world, match) == ["MatchDeclined"]


@pytest.mark.parametrize("body", [{}, {"reason_code": None}, {"reason_code": "weather"}, {"reason_code": ["dates"]}])
def test_declining_takes_a_reason_of_the_list(world: World, body):
    reply = act(world, world.osaka, world.match(), "decline", **body)

    assert problem(reply) == (422, "invalid")
    assert "reason_code" in reply.json["errors"]


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.REQUESTED}))
def test_only_a_waiting_direct_request_can_be_answered(world: World, status):
    match = world.match(status=status)
    world.as_(world.osaka)
    before = world.snapshot()

    assert problem(act(world, world.osaka, match, "accept")) == (409, "invalid_transition")
    assert problem(act(world, world.osaka, match, "decline", reason_code="dates")) == (409, "invalid_transition")
    assert world.snapshot() == before


# routing by hand


def test_the_administrator_moves_a_case_and_the_old_unit_loses_it_at_once(world: World, taken):
    proposed = world.seoul.school_id
    done(world, world.office_osaka, taken, "propose", school_id=proposed)

    found = done(world, world.admin, taken, "route", handler={"kind": "office", "code": "KR-SEL"})

    assert (found["status"], found["handler"]["code"]) == ("routed", "KR-SEL")
    assert problem(world.as_(world.office_osaka).get(f"/matches/{taken.id}")) == (404, "not_found")
    assert problem(act(world, world.office_osaka, taken, "accept")) == (404, "not_found")
    assert world.as_(world.office_seoul).get(f"/matches/{taken.id}").json["available_actions"] == [
        "accept",
        "hand_back",
    ]
    assert proposals_of(world, taken) == {proposed: "superseded"}
    assert facts_of(world, taken)[-2:] == ["MatchRouted", "ProposalSuperseded"]


def test_a_moved_case_opens_clean(world: World):
    match = world.match(
        world.tainan, via="assisted", status="routed", handler="JP-OSA", overdue=True,
        since=datetime(2026, 1, 1, tzinfo=UTC), due_at=datetime(2026, 1, 8, tzinfo=UTC),
        reminded_at=datetime(2026, 1, 7, tzinfo=UTC),
    )  # fmt: skip

    done(world, world.admin, match, "route", handler={"kind": "office", "code": "KR-SEL"})

    row = world.now_is(match)
    assert (row.overdue, row.reminded_at) == (False, None)
    assert row.due_at - row.since == timedelta(days=7)
    assert datetime.now(UTC) - row.since < timedelta(minutes=1)


def test_the_administrator_routes_a_waiting_case(world: World):
    match = world.match(world.tainan, via="assisted", suggested_code="FR-PAR", handed_back_reason="not ours")

    done(world, world.admin, match, "route", handler={"kind": "office", "code": "FR-PAR"})

    row = world.now_is(match)
    assert (row.status, row.handler_kind, row.handler_code) == ("routed", "office", "FR-PAR")
    assert (row.suggested_code, row.handed_back_reason) == (None, None)


@pytest.mark.parametrize(
    "handler",
    [
        None,
        {"kind": "office", "code": "ZZ-TOP"},
        {"kind": "ierc", "code": "JP-OSA"},
        {"kind": "office", "code": "TNN"},
        {"kind": "admin", "code": "x"},
        {"kind": "office"},
        {},
        "JP-OSA",
    ],
)
def test_a_case_goes_to_a_unit_that_there_is(world: World, routed, handler):
    assert problem(act(world, world.admin, routed, "route", handler=handler)) == (422, "invalid")
    assert world.now_is(routed).handler_code == "JP-OSA"


def test_a_case_does_not_go_to_a_disabled_unit(world: World, routed):
    from iew.models import Unit

    with world.unit_of_work() as uow:
        uow.get(Unit, "KR-SEL").enabled = False

    reply = act(world, world.admin, routed, "route", handler={"kind": "office", "code": "KR-SEL"})

    assert problem(reply) == (422, "invalid")


@pytest.mark.parametrize("status", ["agreed", "completed", "not_found", "cancelled"])
def test_a_case_past_its_search_is_not_moved(world: World, status):
    match = world.match(world.tainan, via="assisted", status=status, handler="JP-OSA")

    reply = act(world, world.admin, match, "route", handler={"kind": "office", "code": "KR-SEL"})

    assert problem(reply) == (409, "invalid_transition")


# the unit


def test_a_unit_takes_a_case_up(world: World, routed):
    found = done(world, world.office_osaka, routed, "accept")

    assert found["status"] == "in_progress"
    assert found["available_actions"] == ["hand_back", "propose", "agree", "not_found"]
    row = world.now_is(routed)
    assert row.due_at - row.since == timedelta(days=60)
    assert facts_of(world, routed) == ["MatchTakenUp"]


def test_a_case_is_taken_up_once(world: World, routed):
    done(world, world.office_osaka, routed, "accept")

    assert problem(act(world, world.office_osaka, routed, "accept")) == (409, "invalid_transition")


@pytest.mark.parametrize("status", ["routed", "in_progress"])
def test_a_unit_hands_a_case_back_with_a_reason(world: World, status):
    match = world.match(world.tainan, via="assisted", status=status, handler="JP-OSA", overdue=True)

    found = done(world, world.office_osaka, match, "hand_back", reason="This school is in Kyushu.")

    assert (found["status"], found["handler"]["kind"]) == ("requested", "admin")
    assert problem(world.as_(world.office_osaka).get(f"/matches/{match.id}")) == (404, "not_found")
    seen = world.as_(world.admin).get(f"/matches/{match.id}").json
    assert seen["handed_back_reason"] == "This school is in Kyushu."
    assert seen["available_actions"] == ["route", "not_found"]
    row = world.now_is(match)
    assert (row.overdue, row.due_at - row.since) == (False, timedelta(days=7))
    assert facts_of(world, match) == ["MatchHandedBack"]


@pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": "  "}, {"reason": None}, {"reason": 3}])
def test_handing_back_takes_a_reason(world: World, routed, reason):
    reply = act(world, world.office_osaka, routed, "hand_back", **reason)

    assert problem(reply) == (422, "invalid")
    assert "reason" in reply.json["errors"]
    assert world.now_is(routed).status == "routed"


# proposals


def test_a_proposed_school_reads_the_case_and_answers(world: World, taken):
    done(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id, note="You sing too.")

    seen = world.as_(world.seoul).get(f"/matches/{taken.id}").json

    assert seen["available_actions"] == ["accept", "decline"]
    assert [(p["school"]["id"], p["status"], p["note"]) for p in seen["proposals"]] == [
        (world.seoul.school_id, "open", "You sing too.")
    ]
    assert facts_of(world, taken) == ["SchoolProposed"]


def test_the_posting_school_can_be_proposed_and_sees_the_case_from_then_on(world: World, taken):
    assert problem(world.as_(world.osaka).get(f"/matches/{taken.id}")) == (404, "not_found")

    done(world, world.office_osaka, taken, "propose", school_id=world.osaka.school_id)

    assert world.as_(world.osaka).get(f"/matches/{taken.id}").json["available_actions"] == ["accept", "decline"]


def test_only_an_approved_school_of_the_other_side_is_proposed_once(world: World, taken):
    done(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)
    for school_id, code in (
        (world.seoul.school_id, "invalid"),
        (world.taipei.school_id, "same_side"),
        (world.tainan.school_id, "same_side"),
        (world.school("JP", status="pending").id, "invalid"),
        ("0" * 32, "invalid"),
        (None, "invalid"),
    ):
        reply = act(world, world.office_osaka, taken, "propose", school_id=school_id)
        assert problem(reply) == (422, code)
        assert "school_id" in reply.json["errors"]
    assert proposals_of(world, taken) == {world.seoul.school_id: "open"}


def test_a_school_released_by_a_move_can_be_asked_again(world: World, taken):
    done(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)
    done(world, world.admin, taken, "route", handler={"kind": "office", "code": "KR-SEL"})
    done(world, world.office_seoul, taken, "accept")

    done(world, world.office_seoul, taken, "propose", school_id=world.seoul.school_id, note="Once more?")

    seen = world.as_(world.seoul).get(f"/matches/{taken.id}").json
    assert [(p["status"], p["note"]) for p in seen["proposals"]] == [("open", "Once more?")]
    assert done(world, world.seoul, taken, "accept")["status"] == "agreed"


def test_the_first_school_that_accepts_wins_and_the_others_are_told(world: World, taken):
    first, second = world.osaka, world.seoul
    for user in (first, second):
        done(world, world.office_osaka, taken, "propose", school_id=user.school_id)

    assert done(world, second, taken, "accept")["status"] == "agreed"

    assert problem(act(world, first, taken, "accept")) == (409, "invalid_transition")
    assert problem(act(world, first, taken, "decline", reason_code="dates")) == (409, "invalid_transition")
    assert problem(act(world, second, taken, "accept")) == (409, "invalid_transition")
    assert proposals_of(world, taken) == {first.school_id: "superseded", second.school_id: "accepted"}
    told = [e for e in world.events_of(taken) if e.fact == "ProposalSuperseded"]
    assert [event.details["school_id"] for event in told] == [first.school_id]
    row = world.now_is(taken)
    assert (row.partner_school_id, row.agreed_by_id) == (second.school_id, second.id)


def test_a_proposed_school_that_declines_leaves_the_case_open(world: World, taken):
    for user in (world.osaka, world.seoul):
        done(world, world.office_osaka, taken, "propose", school_id=user.school_id)

    found = done(world, world.seoul, taken, "decline", reason_code="language", note="We speak no Chinese.")

    assert (found["status"], found["available_actions"]) == ("in_progress", [])
    assert proposals_of(world, taken) == {world.osaka.school_id: "open", world.seoul.school_id: "declined"}
    assert facts_of(world, taken)[-1] == "ProposalDeclined"
    assert problem(act(world, world.seoul, taken, "accept")) == (409, "invalid_transition")
    assert act(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id).status_code == 422


def test_the_unit_records_an_agreement_with_the_posting_school(world: World, taken):
    found = done(world, world.office_osaka, taken, "agree", school_id=world.osaka.school_id)

    assert (found["status"], found["partner"]["id"]) == ("agreed", world.osaka.school_id)
    seen = world.as_(world.osaka).get(f"/matches/{taken.id}").json
    assert seen["available_actions"] == ["cancel", "report"]
    assert world.now_is(taken).agreed_by_id == world.office_osaka.id


def test_the_unit_records_an_agreement_with_a_proposed_school(world: World, taken):
    for user in (world.osaka, world.seoul):
        done(world, world.office_osaka, taken, "propose", school_id=user.school_id)

    done(world, world.office_osaka, taken, "agree", school_id=world.seoul.school_id)

    assert proposals_of(world, taken) == {world.osaka.school_id: "superseded", world.seoul.school_id: "accepted"}


def test_an_agreement_needs_a_school_that_was_asked_and_did_not_decline(world: World, taken):
    done(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)
    done(world, world.seoul, taken, "decline", reason_code="capacity")

    for school_id in (world.seoul.school_id, world.school("JP").id, world.tainan.school_id, "0" * 32, None):
        reply = act(world, world.office_osaka, taken, "agree", school_id=school_id)
        assert problem(reply) == (422, "invalid")
        assert "school_id" in reply.json["errors"]
    assert world.now_is(taken).status == "in_progress"


# the ends


def test_a_unit_gives_up_with_a_reason_that_the_asker_reads(world: World, taken):
    done(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)

    done(world, world.office_osaka, taken, "not_found", reason="No school is free this term.")

    seen = world.as_(world.tainan).get(f"/matches/{taken.id}").json
    assert (seen["status"], seen["reason"], seen["due_at"]) == ("not_found", "No school is free this term.", None)
    assert proposals_of(world, taken) == {world.seoul.school_id: "superseded"}
    assert facts_of(world, taken)[-2:] == ["MatchNotFound", "ProposalSuperseded"]


def test_the_administrator_gives_up_only_what_lies_with_it(world: World, routed):
    queued = world.match(world.tainan, via="assisted", invitation=world.invitation(world.osaka))

    assert done(world, world.admin, queued, "not_found", reason="Nobody there.")["status"] == "not_found"
    assert problem(act(world, world.admin, routed, "not_found", reason="Nobody.")) == (403, "not_allowed")


@pytest.mark.parametrize("status", ["requested", "routed", "in_progress"])
def test_the_asking_school_cancels_freely_before_the_agreement(world: World, status):
    match = world.match(
        world.tainan, via="assisted", status=status, handler="JP-OSA" if status != "requested" else None
    )

    found = done(world, world.tainan, match, "cancel")

    assert (found["status"], found["due_at"], found["available_actions"]) == ("cancelled", None, [])
    assert found["ended_at"]
    assert facts_of(world, match) == ["MatchCancelled"]


def test_after_the_agreement_either_school_cancels_with_a_reason(world: World):
    for who in (world.tainan, world.osaka):
        match = world.match(invitation=world.invitation(world.osaka), status="agreed")
        assert problem(act(world, who, match, "cancel")) == (422, "invalid")
        found = done(world, who, match, "cancel", reason="Our headmaster changed.")
        assert (found["status"], found["reason"]) == ("cancelled", "Our headmaster changed.")


def test_a_cancelled_search_releases_the_proposed_schools(world: World, taken):
    done(world, world.office_osaka, taken, "propose", school_id=world.seoul.school_id)

    done(world, world.tainan, taken, "cancel")

    assert proposals_of(world, taken) == {world.seoul.school_id: "superseded"}
    assert problem(act(world, world.seoul, taken, "accept")) == (409, "invalid_transition")


def test_the_first_report_completes_and_the_other_school_adds_its_own(world: World):
    match = world.match(status="agreed")

    found = done(world, world.osaka, match, "report", **REPORT)
    assert (found["status"], found["due_at"], found["overdue"]) == ("completed", None, False)
    assert problem(act(world, world.osaka, match, "report", **REPORT)) == (409, "conflict")
    ended_at = world.now_is(match).ended_at
    found = done(world, world.tainan, match, "report", **REPORT | {"students": 0})

    assert [report["students"] for report in found["reports"]] == [24, 0]
    assert world.now_is(match).ended_at == ended_at
    assert facts_of(world, match) == ["MatchReported", "ReportAdded"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": None}, "summary"),
        ({"held_on": None}, "held_on"),
        ({"held_on": (datetime.now(UTC) + timedelta(days=2)).date().isoformat()}, "held_on"),
        ({"held_on": "20260504"}, "held_on"),
        ({"held_on": "2026-02-30"}, "held_on"),
        ({"students": -1}, "students"),
        ({"students": 2001}, "students"),
        ({"students": "24"}, "students"),
        ({"students": 1.5}, "students"),
        ({"students": None}, "students"),
        ({"teachers": None}, "teachers"),
        ({"teachers": True}, "teachers"),
        ({"partner": "x"}, "partner"),
    ],
)
def test_a_report_is_whole_and_true(world: World, changes, field):
    match = world.match(status="agreed")

    reply = act(world, world.osaka, match, "report", **REPORT | changes)

    assert problem(reply) == (422, "invalid")
    assert field in reply.json["errors"]
    assert world.now_is(match).status == "agreed"


@pytest.mark.parametrize("status", ["requested", "declined", "no_reply", "cancelled"])
def test_nothing_is_reported_of_what_was_not_agreed(world: World, status):
    assert problem(act(world, world.tainan, world.match(status=status), "report", **REPORT)) == (
        409,
        "invalid_transition",
    )


def test_a_request_that_nobody_answers_ends_by_the_house_alone(world: World):
    from iew.services import matches

    match = world.match()
    for user in (world.tainan, world.osaka, world.admin):
        assert problem(act(world, user, match, "no_reply")) == (403, "not_allowed")

    with world.unit_of_work() as uow:
        matches.no_reply(uow, match.id)

    row = world.now_is(match)
    assert (row.status, row.due_at) == ("no_reply", None)
    assert row.ended_at is not None
    assert facts_of(world, match) == ["MatchNoReply"]


# reports are due


@pytest.mark.parametrize(
    ("periods", "travel", "due"),
    [
        ([{"start": "2030-04-01", "end": "2030-07-31"}, {"start": "2030-01-01", "end": "2030-01-02"}], None,
         "2030-08-14"),
        ([], {"dates": [{"start": "2030-05-05", "end": "2030-05-08"}]}, "2030-05-22"),
        ([], None, None),
        ([{"start": "2020-04-01", "end": "2020-07-31"}], None, None),
    ],
)  # fmt: skip
def test_a_report_is_due_after_the_last_planned_day_else_ninety_days_after_the_agreement(world, periods, travel, due):
    match = world.match(invitation=world.invitation(world.osaka, periods=periods, travel=travel))

    done(world, world.osaka, match, "accept")

    row = world.now_is(match)
    if due is None:
        assert row.due_at - row.agreed_at == timedelta(days=90)
    else:
        assert row.due_at == datetime.fromisoformat(f"{due}T00:00:00+08:00")


# who, and what they have seen


def test_an_action_may_say_which_version_was_seen(world: World):
    match = world.match()
    client = world.as_(world.osaka)

    stale = client.post(f"/matches/{match.id}/actions/accept", {}, headers={"If-Match": '"7"'})
    assert problem(stale) == (412, "changed_meanwhile")
    fresh = client.post(f"/matches/{match.id}/actions/accept", {}, headers={"If-Match": '"1"'})
    assert (fresh.status_code, fresh.json["version"]) == (200, 2)
    assert fresh.headers["ETag"] == '"2"'


PEOPLE = ("tainan", "osaka", "seoul", "taipei", "office_osaka", "office_seoul", "ierc_tainan", "admin", "system_admin")
BODIES = {
    "route": {"handler": {"kind": "office", "code": "KR-SEL"}},
    "hand_back": {"reason": "x"},
    "decline": {"reason_code": "dates"},
    "not_found": {"reason": "x"},
    "cancel": {"reason": "x"},
    "report": REPORT,
}


@pytest.mark.parametrize("action", MATCH.actions)
@pytest.mark.parametrize("who", PEOPLE)
def test_of_a_direct_request_strangers_learn_nothing_and_parties_do_only_their_part(world: World, who, action):
    match = world.match()
    allowed = {("osaka", "accept"), ("osaka", "decline"), ("tainan", "cancel")}
    before = world.snapshot()

    reply = act(world, getattr(world, who), match, action, **BODIES.get(action, {}))

    if (who, action) in allowed:
        assert reply.status_code == 200
        return
    if (who, action) in {("admin", "route"), ("tainan", "report")}:
        assert problem(reply) == (409, "invalid_transition")
    elif who in ("tainan", "osaka", "admin"):
        assert problem(reply) == (403, "not_allowed")
    else:
        assert problem(reply) == (404, "not_found")
    assert world.now_is(match).version == 1
    assert world.snapshot()["matches"] == before["matches"]


@pytest.mark.parametrize("action", MATCH.actions)
@pytest.mark.parametrize("who", PEOPLE)
def test_of_a_case_in_progress_strangers_learn_nothing_and_parties_do_only_their_part(world: World, taken, who, action):
    with world.unit_of_work() as uow:
        uow.session.add(
            Proposal(match_id=taken.id, school_id=world.seoul.school_id, status="open", proposed_at=uow.now)
        )
    allowed = {
        ("tainan", "cancel"), ("seoul", "accept"), ("seoul", "decline"), ("admin", "route"),
        ("office_osaka", "hand_back"), ("office_osaka", "propose"), ("office_osaka", "agree"),
        ("office_osaka", "not_found"),
    }  # fmt: skip
    body = {"school_id": world.osaka.school_id} if action in ("propose", "agree") else BODIES.get(action, {})

    reply = act(world, getattr(world, who), taken, action, **body)

    if (who, action) in allowed:
        assert reply.status_code == 200, reply.text
    elif who in ("tainan", "seoul", "office_osaka", "admin"):
        assert reply.status_code in (403, 409)
        assert world.now_is(taken).version == 1
    else:
        assert problem(reply) == (404, "not_found")
        assert world.now_is(taken).version == 1


@pytest.mark.parametrize("action", MATCH.actions)
def test_a_visitor_signs_in_first(world: World, action):
    for given in (world.match().id, "0" * 32):
        reply = world.as_(None).post(f"/matches/{given}/actions/{action}", BODIES.get(action, {}))
        assert problem(reply) == (401, "not_signed_in")


def test_an_unknown_action_is_not_there(world: World):
    assert problem(act(world, world.osaka, world.match(), "celebrate")) == (404, "not_found")


def test_a_schools_word_counts_only_while_it_is_approved(world: World):
    school = world.school("JP", status="pending")
    user = world.user(school=school)
    match = world.match(invitation=world.invitation(school=school))

    assert problem(act(world, user, match, "accept")) == (403, "school_unverified")
    assert world.now_is(match).status == "requested"


def test_nobody_else_changes_what_a_case_says_of_itself(world: World):
    match = world.match()

    reply = act(world, world.osaka, match, "accept", partner_school_id=world.seoul.school_id)

    assert problem(reply) == (422, "invalid")
    with world.unit_of_work() as uow:
        assert uow.get(Match, match.id).partner_school_id is None
