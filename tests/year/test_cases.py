"""No case gets lost: whatever people do and let lie, every case has a lawful state, an owner, a date and a history.

`IEW_TEST_CASES` asks for more cases than the hundred or so of every test run, `IEW_TEST_SEED` for another walk.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import select, text

from iew.db import SessionFactory
from iew.models import EmailDelivery, Event, Match
from tests.workshop import Workshop
from tests.world import World
from tests.year.rules import ADMIN, ENDS, OPEN, STEPS, Told
from tests.year.walks import Cast, Walk

CASES = int(os.environ.get("IEW_TEST_CASES", "80"))
CASES_WITH_MAIL = max(30, CASES // 5)
SEED = int(os.environ.get("IEW_TEST_SEED", "20261124"))
OF_THE_INDEX = ("suggest_partners", "reconcile_index")
"""Jobs that a tick owes beside, and that no case is about."""
MOVES = ("route", "accept", "hand_back", "propose", "agree", "decline", "not_found", "no_reply", "cancel", "report")


@pytest.fixture
def cast(committed_session_factory: SessionFactory) -> Cast:
    return Cast(World(committed_session_factory))


@pytest.fixture
def walked(cast: Cast) -> Iterator[Walk]:
    """A walk of hundreds of cases, compared with the rules at every step."""
    walk = Walk(cast, SEED)
    walk.go(CASES)
    yield walk


def told_of(events: list[Event], names: dict[str, str]) -> list[Told]:
    """Rows of history as the rules write them, without their mails."""
    return [
        Told(
            event.action, event.before, event.after or "",
            names.get(event.actor_body or "") or (ADMIN if event.actor_role == "iew_admin" else None),
        )
        for event in events
    ]  # fmt: skip


def history(walk: Walk) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {match_id: [] for match_id in walk.cases}
    with walk.uow() as uow:
        for event in uow.session.scalars(select(Event).where(Event.subject_type == "match").order_by(Event.id)):
            found[event.subject_id].append(event)
    return found


@pytest.mark.timeout(1200)
def test_random_people_reach_no_unlawful_state_and_leave_no_case_without_an_owner(walked: Walk) -> None:
    assert walked.done > CASES and walked.refused > CASES // 2
    if CASES >= 150:  # fewer may miss one
        stories = {line.action for case in walked.cases.values() for line in case.story}
        assert stories == {"ask", *MOVES, "propose", "supersede", "remind", "overdue", "report_due"}
        assert {case.status for case in walked.cases.values()} >= ENDS

    with walked.uow() as uow:
        rows = list(uow.session.scalars(select(Match)))
        ownerless = [row.id for row in rows if row.status in OPEN and not _owner(row)]
        dateless = [row.id for row in rows if (row.due_at is None) != (row.status not in OPEN)]
        unended = [row.id for row in rows if (row.ended_at is None) != (row.status in OPEN)]
        assert len(rows) == len(walked.cases)
        assert (ownerless, dateless, unended) == ([], [], [])
        left = (
            "select 1 from proposals p join matches m on m.id = p.match_id where p.status = 'open' and m.due_at is null"
        )
        assert uow.session.execute(text(left)).first() is None

    names = walked.cast.names
    for match_id, events in history(walked).items():
        expected = [Told(line.action, line.before, line.after, line.by) for line in walked.cases[match_id].story]
        assert told_of(events, names) == expected, f"seed {SEED}: history of {match_id}"
        _assert_one_row_a_change(events)
    _assert_every_row_owes_one_job(walked)


def _owner(match: Match) -> str | None:
    """Whose turn it is: the invited school, the unit, the administrator, or the two schools that owe a report."""
    if match.status == "agreed":
        return match.partner_school_id and match.asking_school_id
    if match.via == "direct":
        return match.posting_school_id
    return match.handler_kind if match.handler_kind == "admin" else match.handler_code


def _assert_one_row_a_change(events: list[Event]) -> None:
    """Each row begins where the one before it ended, in a step that the promise knows."""
    assert events[0].before is None
    for earlier, later in pairwise(events):
        assert later.before == earlier.after
        assert later.before == later.after or (later.before, later.after) in STEPS
    with_a_version = [event for event in events if event.action in MOVES]
    assert events[0].after == "requested" and len(with_a_version) <= len(events) - 1


def _assert_every_row_owes_one_job(walk: Walk) -> None:
    owed = """
        select e.action, count(o.id) as jobs, m.version = 1 + (
                 select count(*) from events v where v.subject_type = 'match' and v.subject_id = m.id
                    and v.action = any(:moves)) as counted
          from events e join matches m on m.id = e.subject_id left join outbox o on o.event_id = e.id
         where e.subject_type = 'match' group by e.id, m.id"""
    with walk.uow() as uow:
        rows = uow.session.execute(text(owed), {"moves": list(MOVES)}).all()
    assert {(row.jobs, row.counted) for row in rows} == {(1, True)}


@pytest.mark.timeout(1200)
def test_each_event_has_exactly_its_mails(cast: Cast, committed_session_factory: SessionFactory) -> None:
    workshop = Workshop(committed_session_factory)

    def do_what_is_owed(now: datetime) -> None:
        workshop.now = now
        workshop.work_off(skip=OF_THE_INDEX)

    walk = Walk(cast, SEED + 1, after_step=do_what_is_owed)
    walk.go(CASES_WITH_MAIL)

    with walk.uow() as uow:
        sent: dict[int, Counter[str]] = {}
        for event_id, address in uow.session.execute(select(EmailDelivery.event_id, EmailDelivery.address)):
            sent.setdefault(event_id or 0, Counter())[address] += 1
    for match_id, events in history(walk).items():
        for event, line in zip(events, walk.cases[match_id].story, strict=True):
            must = Counter(address for body in line.mails for address in cast.addresses[body])
            assert sent.pop(event.id, Counter()) == must, f"seed {walk.seed}: {line} of {walk.cases[match_id]}"
    assert sent == {}
    assert len(workshop.postbox.sent) == len({str(mail["Message-ID"]) for _, mail in workshop.postbox.sent})
    assert {row.job for row in workshop.rows()} <= set(OF_THE_INDEX)
