"""Two schools find a time to meet: who may name, choose, move and call off, and what each of it leaves behind."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from iew.domain.matches import Status
from iew.duties import run_due
from iew.models import Match, Meeting
from tests.workshop import Workshop
from tests.world import World, problem


def on(days: int, hour: int = 2) -> str:
    """So many days from now, at a full hour of UTC."""
    at = datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return at.isoformat()


def propose(world: World, match: Match, user: Any, *starts: str, **more: Any) -> Any:
    return world.as_(user).post(f"/matches/{match.id}/meetings", {"starts": list(starts), **more})


def act(world: World, meeting: Any, user: Any, action: str, body: Any = None, **options: Any) -> Any:
    path = f"/matches/{meeting['match_id']}/meetings/{meeting['id']}/actions/{action}"
    return world.as_(user).post(path, body or {}, **options)


@pytest.fixture
def match(world: World) -> Match:
    return world.match(status=Status.AGREED)


def test_a_school_names_times_and_the_other_one_chooses(world: World, match: Match) -> None:
    proposed = propose(world, match, world.tainan, on(9), on(8), minutes=30, link="https://meet.example/room")

    assert proposed.status_code == 201, proposed.json
    assert (proposed.json["status"], proposed.json["minutes"]) == ("proposed", 30)
    assert [start["start"] for start in proposed.json["starts"]] == [on(8), on(9)]
    assert [clock["zone"] for clock in proposed.json["clocks"]] == ["Asia/Taipei", "Asia/Tokyo"]
    zones = [local["zone"] for local in proposed.json["starts"][0]["local"]]
    assert zones == ["Asia/Taipei", "Asia/Tokyo"]
    assert proposed.json["available_actions"] == ["propose", "cancel"] and not proposed.json["answers"]

    waiting = world.as_(world.osaka).get(f"/matches/{match.id}/meetings").json["items"][0]
    assert waiting["available_actions"] == ["accept", "propose", "cancel"] and waiting["answers"]

    agreed = act(world, waiting, world.osaka, "accept", {"start": on(9)})

    assert agreed.status_code == 200
    assert (agreed.json["status"], agreed.json["agreed"]["start"], agreed.json["sequence"]) == ("agreed", on(9), 0)
    facts = [event.fact for event in world.events_of(_row(world, waiting))]
    assert facts == ["MeetingProposed", "MeetingAgreed"]


def _row(world: World, meeting: Any) -> Meeting:
    with world.unit_of_work() as uow:
        return uow.get(Meeting, meeting["id"])


def test_nobody_accepts_its_own_times_or_one_that_was_not_named(world: World, match: Match) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json

    assert problem(act(world, meeting, world.tainan, "accept", {"start": on(8)}))[0] == 403
    other = act(world, meeting, world.osaka, "accept", {"start": on(7)})
    assert problem(other) == (422, "invalid") and list(other.json["errors"]) == ["start"]
    assert list(act(world, meeting, world.osaka, "accept").json["errors"]) == ["start"]
    row = world.now_is(_row(world, meeting))
    assert (row.status, row.agreed_start, row.version) == ("proposed", None, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"starts": []}, "starts"),
        ({"starts": [on(day) for day in range(1, 7)]}, "starts"),
        ({"starts": [on(-1)]}, "starts"),
        ({"starts": [on(400)]}, "starts"),
        ({"starts": ["2027-03-01T09:00:00"]}, "starts"),
        ({"starts": ["tomorrow"]}, "starts"),
        ({"starts": [on(3)], "minutes": 5}, "minutes"),
        ({"starts": [on(3)], "link": "javascript:alert(1)"}, "link"),
        ({"starts": [on(3)], "link": "http://meet.example"}, "link"),
        ({"local_starts": ["2027-3-1 9:00"]}, "local_starts"),
        ({"starts": [on(3)], "place": "room 5"}, "place"),
    ],
)
def test_what_cannot_be_a_meeting_is_refused_at_its_field(world: World, match: Match, body: Any, field: str) -> None:
    client = world.as_(world.tainan)
    before = world.snapshot()

    reply = client.post(f"/matches/{match.id}/meetings", body)

    assert problem(reply)[0] == 422
    assert [name.partition("-")[0].partition(".")[0] for name in reply.json["errors"]] == [field]
    assert world.snapshot() == before
    assert world.as_(world.tainan).get(f"/matches/{match.id}/meetings").json["items"] == []


def test_times_on_the_clocks_of_the_own_school(world: World, match: Match) -> None:
    day = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()

    meeting = propose(world, match, world.osaka, local_starts=[f"{day}T10:00"]).json

    assert meeting["starts"][0]["start"] == f"{day}T01:00:00+00:00"
    assert [local["time"] for local in meeting["starts"][0]["local"]] == [f"{day}T09:00+08:00", f"{day}T10:00+09:00"]


def test_an_hour_that_the_clocks_leap_over_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    american = world.user(school=world.school("US", subdivision="US-CA"))
    match = world.match(american, status=Status.AGREED)
    springs = (datetime(year, 3, day, tzinfo=UTC) for year in (2027, 2028) for day in range(8, 15))
    spring = next(day for day in springs if day.weekday() == 6 and day > datetime.now(UTC))

    reply = propose(world, match, american, local_starts=[f"{spring.date()}T02:30"])

    assert problem(reply) == (422, "invalid") and list(reply.json["errors"]) == ["local_starts"]


def test_one_meeting_at_a_time(world: World, match: Match) -> None:
    propose(world, match, world.tainan, on(8))

    assert problem(propose(world, match, world.osaka, on(9))) == (409, "already_open")


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AGREED, Status.REQUESTED}))
def test_times_are_named_only_while_the_schools_talk(world: World, status: Status) -> None:
    match = world.match(status=status)

    assert problem(propose(world, match, world.tainan, on(8))) == (409, "invalid_transition")


def test_schools_in_direct_talk_meet_before_they_agree(world: World) -> None:
    match = world.match(status=Status.REQUESTED)

    assert propose(world, match, world.tainan, on(8)).status_code == 201


def test_a_case_without_partner_has_nobody_to_meet(world: World) -> None:
    match = world.match(via="assisted", status=Status.IN_PROGRESS, handler="JP-OSA")

    assert problem(propose(world, match, world.tainan, on(8))) == (409, "invalid_transition")
    assert world.as_(world.tainan).get(f"/matches/{match.id}/meetings").json["items"] == []


def test_strangers_units_and_refused_candidates(world: World) -> None:
    candidate = world.user(school=world.school("JP"))
    with world.unit_of_work() as uow:
        school = uow.get(type(world.school("JP")), candidate.school_id)
    match = world.match(via="assisted", status=Status.AGREED, handler="JP-OSA", proposed=(school,))
    meeting = propose(world, match, world.tainan, on(8)).json
    path = f"/matches/{match.id}/meetings"

    assert world.as_(world.seoul).get(path).status_code == 404
    assert world.as_(candidate).get(path).status_code == 403
    assert world.as_(world.office_osaka).get(path).json["total"] == 1
    assert problem(propose(world, match, world.office_osaka, on(9)))[0] == 403
    assert problem(act(world, meeting, world.office_osaka, "accept", {"start": on(8)}))[0] == 403
    assert world.as_(world.osaka).get(f"/matches/{world.match().id}/meetings/{meeting['id']}").status_code == 404


def test_a_change_that_nobody_saw_is_not_overwritten(world: World, match: Match) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    act(world, meeting, world.tainan, "propose", {"starts": [on(9)]})

    late = act(world, meeting, world.osaka, "accept", {"start": on(8)}, headers={"If-Match": '"1"'})

    assert problem(late) == (412, "changed_meanwhile")


def test_a_moved_meeting_stands_until_another_time_is_chosen(world: World, match: Match) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    act(world, meeting, world.osaka, "accept", {"start": on(8)})

    moved = act(world, meeting, world.osaka, "propose", {"starts": [on(10), on(11)]}).json

    assert (moved["status"], moved["agreed"]["start"], moved["sequence"]) == ("proposed", on(8), 0)
    assert problem(act(world, meeting, world.osaka, "accept", {"start": on(10)}))[0] == 403
    agreed = act(world, meeting, world.tainan, "accept", {"start": on(11)}).json
    assert (agreed["agreed"]["start"], agreed["sequence"]) == (on(11), 1)


def calendar(mail: Any) -> Calendar:
    return Calendar.from_ical(mail.calendar)


def test_both_schools_get_the_time_for_their_calendars_and_each_change_of_it(
    world: World, match: Match, workshop: Workshop
) -> None:
    meeting = propose(world, match, world.tainan, on(8), minutes=45, link="https://meet.example/room").json
    workshop.work_off()
    assert workshop.mails() == {("meeting_proposed", world.osaka.email)}
    act(world, meeting, world.osaka, "accept", {"start": on(8)})
    workshop.work_off()

    first = workshop.deliveries("meeting_agreed")
    assert {mail.address for mail in first} == {world.tainan.email, world.osaka.email}
    entry = calendar(first[0]).events[0]
    assert calendar(first[0])["METHOD"] == "PUBLISH"
    assert entry["UID"] == f"meeting-{meeting['id']}@window.example" and entry["SEQUENCE"] == 0
    assert entry.start == datetime.fromisoformat(on(8)) and entry.duration == timedelta(minutes=45)
    assert entry["LOCATION"] == "https://meet.example/room" and entry["STATUS"] == "CONFIRMED"
    assert "meet.example" not in (first[0].text or "")

    act(world, meeting, world.tainan, "propose", {"starts": [on(12)]})
    act(world, meeting, world.osaka, "accept", {"start": on(12)})
    workshop.work_off()
    moved = calendar(workshop.deliveries("meeting_agreed")[-1]).events[0]
    assert (moved["UID"], moved["SEQUENCE"], moved.start) == (entry["UID"], 1, datetime.fromisoformat(on(12)))

    act(world, meeting, world.tainan, "cancel", {"reason": "Our network is down."})
    workshop.work_off()
    ends = workshop.deliveries("meeting_cancelled")
    assert {mail.address for mail in ends} == {world.tainan.email, world.osaka.email}
    assert calendar(ends[0])["METHOD"] == "CANCEL"
    end = calendar(ends[0]).events[0]
    assert (end["UID"], end["SEQUENCE"], end["STATUS"]) == (entry["UID"], 2, "CANCELLED")
    assert all("network" not in (mail.text or "") for mail in ends)


def _is_file(mail: EmailMessage) -> bool:
    return any(part.get_content_type() == "text/calendar" for part in mail.walk())


def test_the_file_travels_as_a_calendar_part(world: World, match: Match, workshop: Workshop) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    act(world, meeting, world.osaka, "accept", {"start": on(8)})

    workshop.work_off()

    (message,) = (mail for address, mail in workshop.postbox.sent if address == world.osaka.email and _is_file(mail))
    part = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert part.get_param("method") == "PUBLISH" and part.get_filename() == "meeting.ics"
    assert Calendar.from_ical(part.get_content()).events[0]["UID"].startswith(f"meeting-{meeting['id']}@")


def test_a_meeting_that_never_stood_in_a_calendar_is_only_told_off_to_the_other_school(
    world: World, match: Match, workshop: Workshop
) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    act(world, meeting, world.tainan, "cancel")
    workshop.work_off()

    (mail,) = workshop.deliveries("meeting_cancelled")
    assert mail.address == world.osaka.email and mail.calendar is None
    assert workshop.deliveries("meeting_proposed") == []  # what is off is not asked any more


def test_the_file_to_download(world: World, match: Match) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    path = f"/matches/{match.id}/meetings/{meeting['id']}/calendar"
    assert problem(world.as_(world.tainan).get(path)) == (409, "invalid_transition")
    act(world, meeting, world.osaka, "accept", {"start": on(8)})

    reply = world.as_(world.tainan).get(path)

    assert reply.status_code == 200 and reply.content_type == "text/calendar; charset=utf-8"
    assert Calendar.from_ical(reply.data).events[0].start == datetime.fromisoformat(on(8))
    assert world.as_(world.seoul).get(path).status_code == 404


def test_the_end_of_a_case_calls_its_meeting_off(world: World, match: Match, workshop: Workshop) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    act(world, meeting, world.osaka, "accept", {"start": on(8)})

    world.as_(world.osaka).post(f"/matches/{match.id}/actions/cancel", {"reason": "The school moves."})
    workshop.work_off()

    row = world.now_is(_row(world, meeting))
    assert (row.status, row.sequence) == ("cancelled", 1)
    assert {mail.address for mail in workshop.deliveries("meeting_cancelled")} == {
        world.tainan.email,
        world.osaka.email,
    }


def test_a_reported_exchange_keeps_its_meeting(world: World, match: Match) -> None:
    meeting = propose(world, match, world.tainan, on(8)).json
    act(world, meeting, world.osaka, "accept", {"start": on(8)})
    report = {"summary": "Good", "held_on": "2026-05-01", "students": 20, "teachers": 2}

    assert world.as_(world.osaka).post(f"/matches/{match.id}/actions/report", report).status_code == 200

    assert world.now_is(_row(world, meeting)).status == "agreed"


def tick(world: World, now: datetime) -> None:
    run_due(lambda at: world.unit_of_work(at), now)


def test_times_that_pass_without_a_choice_lapse_once_and_the_proposer_is_told(
    world: World, match: Match, workshop: Workshop
) -> None:
    meeting = propose(world, match, world.tainan, on(2), on(3)).json

    tick(world, datetime.fromisoformat(on(3)) - timedelta(minutes=1))
    assert world.now_is(_row(world, meeting)).status == "proposed"
    for _ in range(2):
        tick(world, datetime.fromisoformat(on(3)))
    workshop.work_off()

    assert world.now_is(_row(world, meeting)).status == "lapsed"
    assert [mail.address for mail in workshop.deliveries("meeting_lapsed")] == [world.tainan.email]
    assert propose(world, match, world.osaka, on(9)).status_code == 201


def test_a_move_that_nobody_answers_leaves_the_meeting_where_it_was(world: World, match: Match) -> None:
    meeting = propose(world, match, world.tainan, on(20)).json
    act(world, meeting, world.osaka, "accept", {"start": on(20)})
    act(world, meeting, world.tainan, "propose", {"starts": [on(3)]})

    tick(world, datetime.fromisoformat(on(3)))

    row = world.now_is(_row(world, meeting))
    assert (row.status, row.agreed_start) == ("agreed", datetime.fromisoformat(on(20)))


def test_what_waits_for_a_choice_stands_in_the_inbox(world: World, match: Match) -> None:
    propose(world, match, world.tainan, on(8))

    def waits(user: Any) -> list[str]:
        return [item["subject"]["id"] for item in world.as_(user).get("/inbox?kind=match").json["items"]]

    assert waits(world.osaka) == [match.id] and waits(world.tainan) == []


def test_starts_to_propose_lie_in_both_days(world: World, match: Match) -> None:
    reply = world.as_(world.osaka).get(f"/matches/{match.id}/meetings/times?minutes=60").json

    assert reply["overlap"] and len(reply["items"]) == 12
    assert all(item["outside_minutes"] == [0, 0] for item in reply["items"])
    assert problem(world.as_(world.osaka).get(f"/matches/{match.id}/meetings/times?minutes=900"))[0] == 422
