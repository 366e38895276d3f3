"""The page of online meetings, from naming times to the calendar."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from iew.domain.matches import Status
from iew.models import Match, Meeting, User
from iew.services import links, meetings
from iew.services.links import Purpose
from tests.pages.browser import Browser
from tests.web.houses import SECRET
from tests.world import World


@pytest.fixture
def match(world: World) -> Match:
    return world.match(status=Status.AGREED)


def soon(days: int = 8) -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)


def proposed(world: World, match: Match, by: User, *starts: datetime) -> Meeting:
    values = {"starts": list(starts), "local_starts": [], "minutes": 40, "link": None}
    with world.unit_of_work() as uow:
        return meetings.propose(uow, match.id, values, world.actor(by))


def test_from_naming_times_to_the_calendar(world: World, match: Match) -> None:
    tainan, osaka = Browser(world.app).sign_in(world.tainan), Browser(world.app).sign_in(world.osaka)
    page = tainan.open(f"matches/{match.id}")
    assert f"/en/matches/{match.id}/meetings" in page.links()

    form = tainan.open(f"matches/{match.id}/meetings").form_to("/meetings")
    offered = form.options["starts"]
    assert len(offered) == 12
    done = tainan.send(form, starts=offered[:2], minutes="30", link="https://meet.example/room")
    assert tainan.follow(done).status == 200

    page = osaka.open(f"matches/{match.id}/meetings")
    assert "Xiguang Senior High School proposes these times" in page.words
    assert "Taipei" in page.words or "Taiwan" in page.words
    assert "Japan" in page.words
    chosen = page.form_to("/accept")
    assert chosen.options["start"] == offered[:2]
    page = osaka.follow(osaka.send(chosen, start=offered[1]))
    assert "That is agreed." in page.words
    link = next(link for link in page.links() if link.endswith("meeting.ics"))
    assert b"BEGIN:VEVENT" in osaka.client.get(link).data


def test_a_refused_form_comes_back_as_it_was(world: World, match: Match) -> None:
    browser = Browser(world.app).sign_in(world.tainan)
    form = browser.open(f"matches/{match.id}/meetings").form_to("/meetings")

    page = browser.send(form, local_starts=["2020-01-01T09:00"], minutes="25", link="https://meet.example/room")

    assert page.status == 422
    again = page.form_to("/meetings")
    assert again.fields.getlist("local_starts") == ["", "2020-01-01T09:00", ""]
    assert (again.fields["minutes"], again.fields["link"]) == ("25", "https://meet.example/room")
    assert "One of these times has passed." in page.words


def test_no_shared_hours_are_said_and_the_nearest_shown(world: World) -> None:
    american = world.user(school=world.school("US", subdivision="US-NY"))
    match = world.match(american, status=Status.AGREED)

    page = Browser(world.app).sign_in(american).open(f"matches/{match.id}/meetings")

    assert "The school days do not overlap" in page.words
    assert page.form_to("/meetings").options["starts"]


def test_a_unit_reads_and_names_nothing(world: World) -> None:
    match = world.match(via="assisted", status=Status.AGREED, handler="JP-OSA")
    proposed(world, match, world.tainan, soon())

    page = Browser(world.app).sign_in(world.office_osaka).open(f"matches/{match.id}/meetings")

    assert page.status == 200 and "has proposed times" in page.words
    assert [form for form in page.forms if "/meetings" in form.action] == []


def test_a_time_is_chosen_from_the_mail_without_signing_in(world: World, match: Match, browser: Browser) -> None:
    meeting = proposed(world, match, world.tainan, soon(), soon(9))
    with world.unit_of_work() as uow:
        link = links.issue(
            uow, Purpose.ACT, address=world.osaka.email, user_id=world.osaka.id, subject_type="meeting",
            subject_id=meeting.id,
        )  # fmt: skip
        path = f"act/{links.signed(SECRET, link)}"
    before = world.now_is(meeting).version

    page = browser.open(path)
    form = page.form_to(path.rpartition("/")[2])
    assert world.now_is(meeting).version == before and "agreed" not in world.now_is(meeting).status
    refused = browser.send(form, start=soon(7).isoformat())
    assert refused.status == 422 and "Choose one of the times" in refused.words
    done = browser.send(refused.form_to(path.rpartition("/")[2]), start=soon(9).isoformat())

    assert "That is agreed" in done.words
    assert world.now_is(meeting).agreed_start == soon(9)
    assert browser.open(path).status == 410


def test_every_time_stands_on_both_clocks(world: World, match: Match) -> None:
    proposed(world, match, world.tainan, soon().replace(hour=1))

    page = Browser(world.app, "ja").sign_in(world.osaka).open(f"matches/{match.id}/meetings")

    assert re.search(r"10:00 \(UTC\+09:00\)", page.words) and re.search(r"9:00 \(UTC\+08:00\)", page.words)
