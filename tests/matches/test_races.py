"""Two people at the same moment, with real commits: one wins, the other is told so, and nothing happens twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from iew.models import Event, Match, Proposal
from iew.services import matches
from tests.houses import school_of
from tests.world import World


@pytest.fixture
def world(committed_session_factory):
    return World(committed_session_factory)


def at_once(world, *steps):
    """Run each step in a transaction and a thread of its own, all starting together; their outcomes, in order."""
    start = Barrier(len(steps))

    def run(step):
        start.wait()
        try:
            with world.unit_of_work() as uow:
                return step(uow)
        except Exception as fault:
            return getattr(fault, "code", fault)

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def request(world, post, user):
    actor = world.actor(user)
    body = {"via": "direct", "message": "Hello", "invitation_id": post.id, "from_invitation_id": None, "wish": None}
    return lambda uow: matches.ask(uow, body, actor).status


def facts(world, match):
    with world.unit_of_work() as uow:
        return [event.fact for event in uow.history_of("match", match.id) if event.fact]


def test_a_school_that_asks_twice_at_once_has_one_case(world):
    post = world.invitation(world.osaka)
    colleague = world.user(school=school_of(world, world.tainan))

    outcomes = at_once(world, *(request(world, post, user) for user in (world.tainan, colleague, world.tainan)))

    assert sorted(outcomes) == ["already_open", "already_open", "requested"]
    with world.unit_of_work() as uow:
        assert uow.session.query(Match).count() == 1
        assert uow.session.query(Event).filter_by(fact="MatchRequested").count() == 1


def test_of_two_proposed_schools_the_first_wins(world):
    match = world.match(
        world.tainan, via="assisted", status="in_progress", handler="JP-OSA",
        proposed=(school_of(world, world.osaka), school_of(world, world.seoul)),
    )  # fmt: skip
    actors = [world.actor(user) for user in (world.osaka, world.seoul)]

    outcomes = at_once(
        world, *(lambda uow, actor=actor: matches.accept(uow, match.id, actor).status for actor in actors)
    )

    assert sorted(outcomes) == ["agreed", "invalid_transition"]
    assert facts(world, match) == ["MatchAgreed", "ProposalSuperseded"]
    with world.unit_of_work() as uow:
        states = {row.school_id: row.status for row in uow.session.query(Proposal)}
        partner = uow.get(Match, match.id).partner_school_id
    assert states[partner] == "accepted"
    assert sorted(states.values()) == ["accepted", "superseded"]


def test_accepting_and_cancelling_at_once_leaves_one_outcome(world):
    match = world.match()
    asker, invited = world.actor(world.tainan), world.actor(world.osaka)

    outcomes = at_once(
        world,
        lambda uow: matches.accept(uow, match.id, invited).status,
        lambda uow: matches.cancel(uow, match.id, asker).status,
    )

    # once agreed, calling it off takes a reason that was not given
    assert outcomes in (["agreed", "invalid"], ["invalid_transition", "cancelled"])
    assert len(facts(world, match)) == 1


def test_a_double_click_is_one_agreement(world):
    match = world.match()
    invited = world.actor(world.osaka)

    outcomes = at_once(world, *[lambda uow: matches.accept(uow, match.id, invited).status] * 3)

    assert sorted(outcomes) == ["agreed", "invalid_transition", "invalid_transition"]
    assert facts(world, match) == ["MatchAgreed"]
    assert world.jobs() == [("notify_match_agreed", match.id)]


def test_a_unit_that_loses_the_case_meanwhile_takes_nothing_up(world):
    match = world.match(world.tainan, via="assisted", status="routed", handler="JP-OSA")
    unit, admin = world.actor(world.office_osaka), world.actor(world.admin)
    handler = {"kind": "office", "code": "KR-SEL"}

    outcomes = at_once(
        world,
        lambda uow: matches.accept(uow, match.id, unit).status,
        lambda uow: matches.route_by_hand(uow, match.id, handler, admin).status,
    )

    assert outcomes in (["in_progress", "routed"], ["not_found", "routed"])
    row = world.now_is(match)
    assert (row.status, row.handler_code) == ("routed", "KR-SEL")


def test_two_schools_that_report_at_once_both_count(world):
    match = world.match(status="agreed")
    actors = [world.actor(user) for user in (world.tainan, world.osaka)]
    told = {"summary": "Well", "held_on": match.created_at.date(), "students": 1, "teachers": 1}

    outcomes = at_once(
        world,
        *(lambda uow, actor=actor: matches.report(uow, match.id, actor, **told).status for actor in actors),
    )

    assert outcomes == ["completed", "completed"]
    assert sorted(facts(world, match)) == ["MatchReported", "ReportAdded"]


def test_the_same_school_proposed_twice_at_once_is_asked_once(world):
    match = world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA")
    unit = world.actor(world.office_osaka)
    school_id = world.seoul.school_id

    outcomes = at_once(world, *[lambda uow: matches.propose(uow, match.id, school_id, unit).status] * 2)

    assert sorted(outcomes) == ["in_progress", "invalid"]
    assert facts(world, match) == ["SchoolProposed"]


def test_the_deadline_and_the_answer_meet_and_one_stands(world):
    match = world.match()
    invited = world.actor(world.osaka)

    outcomes = at_once(
        world,
        lambda uow: matches.no_reply(uow, match.id).status,
        lambda uow: matches.accept(uow, match.id, invited).status,
    )

    assert outcomes in (["no_reply", "invalid_transition"], ["invalid_transition", "agreed"])
    assert len(facts(world, match)) == 1
