"""Lists of possible partners: made the same twice, on both sides, and never with whom it makes no sense."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from iew.domain.actors import SYSTEM
from iew.duties import MOST_SUGGESTED, run_due
from iew.errors import Invalid, NotFound
from iew.models import Invitation, OutboxRow, School, Suggestion, SuggestionRun
from iew.outbox import JOBS_FOR, SUGGEST
from iew.services import catalog, suggestions
from iew.uow import UnitOfWork
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon
from search_index.writer import Writer
from tests.suggestions.conftest import Suggest, listed, stored
from tests.workshop import Workshop
from tests.world import World

LEAVES = ("InvitationWithdrawn", "InvitationTakenDown", "InvitationClosed", "InvitationExpired")
ENTERS = ("InvitationPublished", "InvitationImported", "InvitationRevised", "InvitationRenewed")


@pytest.fixture
def own(world: World) -> Invitation:
    return world.invitation(world.tainan)


@pytest.fixture
def other(world: World) -> Invitation:
    return world.invitation(world.osaka)


def test_a_pair_stands_in_both_lists_with_one_score(
    world: World, own: Invitation, other: Invitation, suggest: Suggest
) -> None:
    suggest(own)

    pairs = {(row[0], row[1]): row[2:] for row in stored(world)}
    assert set(pairs) == {(own.id, other.id), (other.id, own.id)}
    assert pairs[own.id, other.id] == pairs[other.id, own.id]
    assert pairs[own.id, other.id][1][0] == "shared_language"


def test_twice_is_once(world: World, own: Invitation, other: Invitation, suggest: Suggest) -> None:
    suggest(own)
    before = stored(world)

    suggest(own)
    suggest(other)

    assert stored(world) == before


def test_the_best_come_first_and_twenty_are_kept_on_either_side(
    world: World, own: Invitation, suggest: Suggest
) -> None:
    best = world.invitation(school=world.school("JP"), topics=["robotics", "tea"])
    with world.unit_of_work() as uow:
        uow.get(Invitation, own.id).topics = ["robotics", "tea"]
    for _ in range(suggestions.KEPT + 3):
        world.invitation(school=world.school("JP"))

    suggest(own)

    assert len(listed(world, own)) == suggestions.KEPT
    assert listed(world, own)[0] == best.id
    for more in range(suggestions.KEPT + 1):  # they fit `best` better than the first one does
        suggest(world.invitation(school=world.school("TW"), topics=["robotics", "tea"], title=f"Robots {more}"))
    with world.unit_of_work() as uow:
        longest = (
            select(func.count())
            .select_from(Suggestion)
            .group_by(Suggestion.invitation_id)
            .order_by(func.count().desc())
            .limit(1)
        )
        assert uow.session.scalar(longest) == suggestions.KEPT


def test_what_does_not_fit_any_more_leaves_both_lists(
    world: World, own: Invitation, other: Invitation, suggest: Suggest
) -> None:
    suggest(own)
    with world.unit_of_work() as uow:
        uow.get(Invitation, own.id).target_countries = ["KR"]

    suggest(own)

    assert stored(world) == []


def test_a_new_post_enters_the_list_of_an_old_one(world: World, own: Invitation, suggest: Suggest) -> None:
    suggest(own)
    assert listed(world, own) == []
    new = world.invitation(world.osaka)

    suggest(new)

    assert listed(world, own) == [new.id]


def test_a_topic_meets_its_name_in_another_language(world: World, lexicon: Lexicon) -> None:
    own = world.invitation(world.tainan, topics=["機器人"])
    world.invitation(world.osaka, topics=["robotics"])

    class Reading:
        def __init__(self) -> None:
            self.lexicon = lexicon

    with world.unit_of_work() as uow:
        reader: Any = Reading()
        suggestions.suggest(uow, own.id, [], concepts=lambda text: catalog.concepts_of(reader, text))

    assert [codes for *_, codes in stored(world) if "topic_shared" in codes]


def test_posts_without_topics_meet_by_what_their_texts_speak_of(world: World, lexicon: Lexicon) -> None:
    plain: dict[str, Any] = {"topics": [], "description": "我們想認識新朋友。", "content_language": "zh-Hant"}
    own = world.invitation(world.tainan, title="海龜和海洋的一天", **plain)
    other = world.invitation(world.osaka, title="A day with sea turtles", topics=[], description="Say hello.")
    world.invitation(world.seoul, title="Hello from us", topics=[], description="We once saw a sea turtle.")

    class Reading:
        def __init__(self) -> None:
            self.lexicon = lexicon

    with world.unit_of_work() as uow:
        reader: Any = Reading()
        themes = {post.id: catalog.themes_of(reader, post) for post in uow.session.scalars(select(Invitation))}
        suggestions.suggest(
            uow, own.id, [], concepts=lambda text: frozenset(), themes=lambda post: catalog.themes_of(reader, post)
        )

    assert themes[own.id] & themes[other.id]
    found = {(one, two) for one, two, _, codes in stored(world) if "theme_shared" in codes}
    assert found == {(own.id, other.id), (other.id, own.id)}
    (item, *_) = world.as_(world.tainan).get(f"/invitations/{own.id}/suggestions").json["items"]
    labels = {reason["code"]: reason["label"] for reason in item["reasons"]}
    assert "turtle" in labels["theme_shared"].lower() or "海龜" in labels["theme_shared"]
    assert "v:" not in labels["theme_shared"]


# whom it makes no sense to suggest


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("case", "apart"),
    [
        ({"status": "requested"}, True),
        ({"status": "agreed"}, True),
        ({"status": "completed"}, True),
        ({"status": "declined"}, True),
        ({"status": "cancelled"}, False),
        ({"status": "no_reply"}, False),
        ({"status": "in_progress", "via": "assisted", "handler": "JP-OSA"}, True),
        ({"status": "not_found", "via": "assisted", "handler": "JP-OSA"}, False),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else None,
)
def test_schools_that_met_or_said_no_are_not_suggested_to_each_other(
    world: World, own: Invitation, other: Invitation, suggest: Suggest, case: dict[str, str], apart: bool, when: str
) -> None:
    if when == "after":
        suggest(own)
    world.match(world.tainan, other, **case)  # type: ignore[arg-type]
    if when == "before":
        suggest(own)

    found = [listed(world, own), listed(world, other)]

    assert found == ([[], []] if apart else [[other.id], [own.id]])


def test_a_declined_proposal_keeps_apart_and_one_that_came_too_late_does_not(
    world: World, own: Invitation, suggest: Suggest
) -> None:
    declined, late = (world.invitation(school=world.school("JP")) for _ in range(2))
    with world.unit_of_work() as uow:
        schools = [uow.get(School, post.school_id) for post in (declined, late)]
    match = world.match(
        world.tainan, via="assisted", status="in_progress", handler="JP-OSA", wish={"country": "JP"},
        proposed=tuple(schools),
    )  # fmt: skip
    with world.unit_of_work() as uow:
        for proposal in uow.session.merge(match).proposals:
            proposal.status = "declined" if proposal.school_id == declined.school_id else "superseded"

    suggest(own)

    assert listed(world, own) == [late.id]


@pytest.mark.parametrize("by", ["own", "other"])
def test_a_no_of_either_school_holds_for_good_and_for_both(
    world: World, own: Invitation, other: Invitation, suggest: Suggest, by: str
) -> None:
    suggest(own)
    mine, theirs, user = (own, other, world.tainan) if by == "own" else (other, own, world.osaka)
    for _ in range(2):
        with world.unit_of_work() as uow:
            suggestions.dismiss(uow, mine.id, theirs.id, world.actor(user))
    assert stored(world) == []

    suggest(own)
    suggest(other)

    assert (listed(world, own), listed(world, other)) == ([], [])
    assert [event.action for event in world.events_of(mine)].count("dismiss_suggestion") == 1


def test_a_no_that_came_while_a_list_was_being_made_is_heard_when_it_is_read(
    world: World, own: Invitation, other: Invitation, suggest: Suggest
) -> None:
    with world.unit_of_work() as uow:
        suggestions.dismiss(uow, own.id, other.id, world.actor(world.tainan))
        row = {"score": 0.9, "reasons": [], "computed_at": uow.now}
        uow.session.add(Suggestion(invitation_id=own.id, other_id=other.id, **row))
        uow.session.add(Suggestion(invitation_id=other.id, other_id=own.id, **row))

    assert (listed(world, own), listed(world, other)) == ([], [])


def test_posts_of_the_own_side_are_not_suggested_and_not_turned_down(
    world: World, own: Invitation, suggest: Suggest
) -> None:
    neighbour = world.invitation(world.taipei)

    suggest(own, [neighbour])

    assert stored(world) == []
    with pytest.raises(Invalid) as refusal, world.unit_of_work() as uow:
        suggestions.dismiss(uow, own.id, neighbour.id, world.actor(world.tainan))
    assert refusal.value.code == "same_side"


def test_a_hidden_post_cannot_be_turned_down(world: World, own: Invitation) -> None:
    hidden = world.invitation(world.osaka, status="draft")
    with pytest.raises(NotFound), world.unit_of_work() as uow:
        suggestions.dismiss(uow, own.id, hidden.id, world.actor(world.tainan))


@pytest.mark.parametrize("gone", ["withdrawn", "past", "unapproved"])
def test_what_left_the_public_is_not_shown_even_before_the_job_comes_by(
    world: World, own: Invitation, other: Invitation, suggest: Suggest, gone: str
) -> None:
    suggest(own)
    with world.unit_of_work() as uow:
        changes: Any = {"withdrawn": {"status": "withdrawn"}, "past": {"expires_on": uow.today - timedelta(days=1)}}
        if gone == "unapproved":
            uow.session.execute(update(School).where(School.id == other.school_id).values({"status": "rejected"}))
        else:
            uow.session.execute(update(Invitation).where(Invitation.id == other.id).values(changes[gone]))
    assert stored(world)

    assert listed(world, own) == []
    assert listed(world, other) == []


# the job, and when it is owed


def test_every_fact_that_changes_what_is_public_owes_the_list() -> None:
    assert {fact for fact, jobs in JOBS_FOR.items() if SUGGEST in jobs} == {*LEAVES, *ENTERS}


def test_the_job_takes_a_post_that_left_the_public_out_of_all_lists(
    world: World, own: Invitation, other: Invitation, suggest: Suggest, workshop: Workshop
) -> None:
    suggest(own)
    with world.unit_of_work() as uow:
        uow.transition(uow.get(Invitation, other.id), "withdraw", world.actor(world.osaka))

    workshop.work_off(skip=("index_invitation",))

    assert stored(world) == []
    assert not [row for row in workshop.rows() if row.job == SUGGEST]


def test_the_job_waits_while_the_engine_is_away_and_the_old_list_stays(
    world: World, own: Invitation, other: Invitation, suggest: Suggest, workshop: Workshop, lexicon: Lexicon
) -> None:
    suggest(own)
    before = stored(world)
    workshop.index = Writer(Cluster("http://127.0.0.1:9"), lexicon)
    _renew(world, own)

    workshop.work_off(skip=("index_invitation",))

    (row,) = (row for row in workshop.rows() if row.job == SUGGEST)
    assert (row.attempts, row.parked_at) == (1, None)
    assert stored(world) == before


def test_the_job_asks_the_index_for_those_that_are_not_the_newest(
    world: World, own: Invitation, workshop: Workshop, fresh_cluster: Cluster, lexicon: Lexicon,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(suggestions, "NEWEST", 0)
    other = world.invitation(world.osaka)
    far = world.invitation(school=world.school("KR"), exchange_types=["homestay"])
    neighbour = world.invitation(world.taipei)
    workshop.index = Writer(fresh_cluster, lexicon)
    workshop.index.ensure(now=datetime.now(UTC))
    with world.unit_of_work() as uow:
        catalog.index_invitations(uow, workshop.index, [own.id, other.id, far.id, neighbour.id])
    workshop.index._refresh(fresh_cluster.names.alias)
    _renew(world, own)

    workshop.work_off(skip=("index_invitation",))

    assert [row.last_error for row in workshop.rows(everything=True) if row.job == SUGGEST] == [None]
    assert {(row[0], row[1]) for row in stored(world)} == {(own.id, other.id), (other.id, own.id)}


def _renew(world: World, post: Invitation) -> None:
    with world.unit_of_work() as uow:
        uow.transition(uow.get(Invitation, post.id), "renew", world.actor(world.tainan))


def _owed(world: World) -> list[str]:
    return [subject_id for job, subject_id in world.jobs() if job == SUGGEST]


def _tick(world: World, now: datetime) -> None:
    run_due(lambda moment: UnitOfWork(world.session_factory, now=moment), now)


MORNING = datetime(2027, 1, 10, 22, 0, tzinfo=UTC)
"""Six o'clock in Taipei."""


def test_every_morning_each_public_list_is_owed_once(world: World, own: Invitation, suggest: Suggest) -> None:
    world.invitation(world.osaka, status="draft")
    _tick(world, MORNING - timedelta(minutes=1))
    assert _owed(world) == [own.id]  # nobody ever made it
    _done(world, MORNING - timedelta(minutes=1))

    _tick(world, MORNING)
    _tick(world, MORNING + timedelta(minutes=1))
    assert _owed(world) == [own.id, own.id]
    _done(world, MORNING)

    _tick(world, MORNING + timedelta(hours=23))
    assert _owed(world) == [own.id, own.id]
    _tick(world, MORNING + timedelta(hours=24))
    assert _owed(world) == [own.id] * 3


def _done(world: World, now: datetime) -> None:
    """As the worker would do all that is owed."""
    with world.unit_of_work(now) as uow:
        for row in uow.session.scalars(select(OutboxRow).where(OutboxRow.job == SUGGEST)).all():
            suggestions.suggest(uow, row.subject_id, [], concepts=lambda text: frozenset())
            row.done_at = now


def test_a_job_that_waits_already_is_not_owed_twice(world: World, own: Invitation) -> None:
    with world.unit_of_work() as uow:
        uow.owe(SUGGEST, subject_type="invitation", subject_id=own.id)
    _tick(world, MORNING)
    assert _owed(world) == [own.id]


def test_a_flood_of_posts_is_owed_in_parts(
    world: World, own: Invitation, other: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_SUGGESTED > 1
    monkeypatch.setattr("iew.duties.MOST_SUGGESTED", 1)
    _tick(world, MORNING)
    assert len(_owed(world)) == 1
    _tick(world, MORNING + timedelta(minutes=1))
    assert sorted(_owed(world)) == sorted([own.id, other.id])


def test_a_post_that_is_gone_has_no_list_to_be_made(world: World, suggest: Suggest) -> None:
    draft = world.invitation(world.tainan, status="draft")
    suggest(draft)
    with world.unit_of_work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(SuggestionRun)) == 0
        uow.record(None, uow.get(Invitation, draft.id), SYSTEM, action="look")
