"""The verbs of a pairing: making one, pinning and banning pairs, proposing anew, accepting.

A proposal is always the optimum of what is known: each verb that changes a pin or a ban proposes again in the same
transaction, and accepting looks once more whether every pair may still be made.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import joinedload

from iew import i18n
from iew.db import new_id
from iew.domain.actors import Actor
from iew.domain.assignment import best_pairs
from iew.domain.fit_tables import scores_of
from iew.domain.matches import Direction, HandlerKind, ProposalStatus, Via
from iew.domain.matches import Status as MatchStatus
from iew.domain.pairings import MOST_POSTS, Absence, Hold, Status
from iew.domain.plans import Plan, due_at
from iew.domain.routing import Place as Ground
from iew.domain.routing import Territory, Unit, route
from iew.domain.schools import Side
from iew.errors import N_, Invalid, NotAllowed, StateConflict, Text
from iew.models import (
    Invitation,
    Match,
    Pairing,
    PairingHold,
    PairingPair,
    PairingPost,
    PairingScores,
    Proposal,
    School,
    Table,
    find_pairing,
    open_to_all,
    table_of,
    territory_of,
)
from iew.models import Unit as UnitRow
from iew.models.pairings import Place
from iew.models.partners import Concepts, Themes, as_post, facts_of, kept_apart, no_themes, turned_down
from iew.uow import UnitOfWork

SIDES: Final = (Side.DOMESTIC, Side.OVERSEAS)
_WITH_SCHOOL: Final = joinedload(Invitation.school)
_WHY_NOT: Final[Mapping[Absence, str]] = {
    Absence.GONE: N_("One of the two invitations is not public any more, so they cannot come together."),
    Absence.APART: N_("These two schools have a case already, or one of them said no to the other."),
    Absence.RULED_OUT: N_("These two cannot be one exchange: their types, dates, levels or wishes exclude each other."),
}


# making


def make(
    uow: UnitOfWork, values: Mapping[str, Any], actor: Actor, *, concepts: Concepts, themes: Themes = no_themes
) -> Pairing:
    """Bring posts of both sides together, compare each with each, and propose the best pairs.

    values: `name`, `domestic` and `overseas` (ids of public posts), `max_per_school`, `unit` (code of who handles the
    cases; the administrator's choice alone). Raises NotAllowed, Invalid.
    """
    pairing = Pairing(
        name=values["name"],
        unit_code=_unit_for(uow, values.get("unit"), actor),
        made_by=actor.user_id,
        max_per_school=values["max_per_school"],
        solved_at=uow.now,
    )
    posts = chosen(uow, values)
    uow.start(
        pairing, Status.PROPOSED, actor, action="make_pairing", fact="PairingMade", name=pairing.name,
        domestic=len(posts[Side.DOMESTIC]), overseas=len(posts[Side.OVERSEAS]),
    )  # fmt: skip
    for side in SIDES:
        for position, post in enumerate(posts[side]):
            uow.session.add(
                PairingPost(
                    pairing_id=pairing.id, invitation_id=post.id, side=side.value, position=position,
                    school_id=post.school_id, facts={}, gone=False,
                )
            )  # fmt: skip
    _compare(uow, pairing, concepts, themes)
    _propose(uow, pairing)
    return pairing


def _unit_for(uow: UnitOfWork, code: str | None, actor: Actor) -> str | None:
    """Whose a new pairing is. Raises NotAllowed, Invalid."""
    if actor.is_unit and actor.unit_code is not None:
        if code not in (None, actor.unit_code):
            raise Invalid.field("unit", N_("A centre or office handles the cases of its own pairings."))
        return actor.unit_code
    if not actor.is_admin:
        raise NotAllowed
    unit = uow.session.get(UnitRow, code) if code else None
    if code and (unit is None or not unit.enabled):
        raise Invalid.field("unit", N_("There is no open unit with this code."))
    return code


def chosen(uow: UnitOfWork, values: Mapping[str, Any]) -> dict[Side, list[Invitation]]:
    """The posts that `domestic` and `overseas` name, each once, in that order. Raises Invalid with a fault at each."""
    posts: dict[Side, list[Invitation]] = {}
    faults: dict[str, list[Text]] = {}
    for side in SIDES:
        ids = list(dict.fromkeys(values[side.value]))
        known = _public(uow, ids[: MOST_POSTS + 1])
        posts[side] = [known[each] for each in ids if each in known]
        if fault := _fault_of(side, ids, known):
            faults[side.value] = [fault]
    if faults:
        strange = any(fault.msgid in _OTHER_SIDE.values() for texts in faults.values() for fault in texts)
        raise Invalid(faults, code="same_side" if strange else None)
    return posts


_OTHER_SIDE: Final = {
    Side.DOMESTIC: N_("%(number)s is a post of a school abroad; it belongs to the other side."),
    Side.OVERSEAS: N_("%(number)s is a post of a school in Taiwan; it belongs to the other side."),
}


def _fault_of(side: Side, ids: Sequence[str], known: Mapping[str, Invitation]) -> Text | None:
    if not ids:
        return Text(N_("No public post was found. Choose others, or search more widely."))
    if len(ids) > MOST_POSTS:
        return Text(
            N_("A pairing takes at most %(most)s posts of each side. Choose more narrowly."), {"most": MOST_POSTS}
        )
    unknown = next((each for each in ids if each not in known), None)
    if unknown is not None:
        return Text(N_("There is no public post %(id)s."), {"id": unknown})
    other = next((post for post in known.values() if post.side is not side), None)
    return Text(_OTHER_SIDE[side], {"number": other.number}) if other else None


def _public(uow: UnitOfWork, ids: Sequence[str]) -> dict[str, Invitation]:
    statement = select(Invitation).where(Invitation.id.in_(ids), open_to_all(uow.today)).options(_WITH_SCHOOL)
    return {post.id: post for post in uow.session.scalars(statement)}


def ids_named(uow: UnitOfWork, names: Iterable[str]) -> list[str]:
    """The ids behind case numbers such as `IEW-2027-001234`; what is no number stays as it is."""
    words = list(names)
    serials = {
        int(number): word
        for word in words
        if (number := word.upper().rpartition("-")[2]).isdecimal() and len(number) <= 9
    }
    found = select(Invitation).where(Invitation.serial.in_(serials))
    by_number = {post.number: post.id for post in uow.session.scalars(found)} if serials else {}
    return [by_number.get(word.upper(), word) for word in words]


# comparing and proposing


def _compare(uow: UnitOfWork, pairing: Pairing, concepts: Concepts, themes: Themes) -> None:
    """Look at all posts anew, score each pair, and find out who must stay apart."""
    uow.session.flush()
    uow.session.expire(pairing, ["posts"])
    found = select(Invitation).where(Invitation.id.in_([each.invitation_id for each in pairing.posts]))
    posts = {post.id: post for post in uow.session.scalars(found.options(_WITH_SCHOOL))}
    for each in pairing.posts:
        compared = as_post(posts[each.invitation_id], uow.today, concepts, themes)
        each.facts, each.gone = facts_of(compared), not compared.public
    sides = {side: [each for each in pairing.posts if each.side == side] for side in SIDES}
    domestic, overseas = ([each.compared for each in sides[side]] for side in SIDES)
    scores = scores_of(domestic, overseas)
    kept = uow.session.get(PairingScores, pairing.id) or PairingScores(pairing_id=pairing.id)
    kept.take(scores, _apart(uow, sides))
    uow.session.add(kept)
    uow.session.flush()


def _apart(uow: UnitOfWork, sides: Mapping[Side, Sequence[PairingPost]]) -> NDArray[np.bool_]:
    """Which pairs are kept apart, as a table of bits."""
    rows, columns = sides[Side.DOMESTIC], sides[Side.OVERSEAS]
    schools = kept_apart(uow.session, {each.school_id for each in rows})
    posts = turned_down(uow.session, [each.invitation_id for each in rows])
    return np.array(
        [
            [
                (here.school_id, there.school_id) in schools or (here.invitation_id, there.invitation_id) in posts
                for there in columns
            ]
            for here in rows
        ],
        dtype=bool,
    ).reshape(len(rows), len(columns))


def _propose(uow: UnitOfWork, pairing: Pairing) -> None:
    """The pairs with the greatest sum of scores, under the pins, the bans and the places of each school."""
    uow.session.flush()
    uow.session.expire(pairing, ["holds", "posts"])
    table = table_of(uow.session, pairing)
    weights = table.weights(pairing.holds)
    pins = {table.place_of(hold) for hold in pairing.holds if hold.kind == Hold.PIN}
    pins = {place for place in pins if weights[place] >= 0}
    places = best_pairs(weights, table.schools, pairing.max_per_school, pins)
    uow.session.execute(delete(PairingPair).where(PairingPair.pairing_id == pairing.id))
    if places:
        uow.session.execute(insert(PairingPair), [_pair_at(pairing, table, place, place in pins) for place in places])
    pairing.total = sum(int(table.scores[place]) for place in places)
    pairing.solved_at = uow.now
    uow.session.flush()
    uow.session.expire(pairing, ["pairs"])


def _pair_at(pairing: Pairing, table: Table, place: Place, pinned: bool) -> dict[str, Any]:
    return {
        "pairing_id": pairing.id,
        "domestic_id": table.rows[place[0]].invitation_id,
        "overseas_id": table.columns[place[1]].invitation_id,
        "score": int(table.scores[place]),
        "pinned": pinned,
    }


def solve(
    uow: UnitOfWork,
    pairing_id: str,
    actor: Actor,
    *,
    concepts: Concepts,
    themes: Themes = no_themes,
    seen_version: int | None = None,
) -> Pairing:
    """Compare the posts as they are now, and propose anew. Raises NotFound, InvalidTransition, Conflict."""
    pairing = find_pairing(uow.session, pairing_id, actor)
    uow.transition(pairing, "solve", actor, seen_version=seen_version)
    _compare(uow, pairing, concepts, themes)
    _propose(uow, pairing)
    return pairing


# pins and bans


def pin(
    uow: UnitOfWork, pairing_id: str, pair: Mapping[str, str | None], actor: Actor, *, seen_version: int | None = None
) -> Pairing:
    """Let two posts come together whatever else would be better; takes the place of a ban.

    pair: ids of posts as `domestic` and `overseas`. Raises NotFound, InvalidTransition, Conflict, Invalid (not in this
    pairing, excluded by a rule, no place left beside other pins).
    """
    pairing = find_pairing(uow.session, pairing_id, actor)
    uow.transition(pairing, "pin", actor, seen_version=seen_version, **pair)
    table = table_of(uow.session, pairing)
    place = _place_of(table, pair)
    absence = table.absence_of(place)
    if absence is not None:
        raise Invalid.field("overseas", _WHY_NOT[absence])
    _check_room(table, pairing, place)
    _hold(uow, pairing, pair, Hold.PIN, actor)
    _propose(uow, pairing)
    return pairing


def forbid(
    uow: UnitOfWork, pairing_id: str, pair: Mapping[str, str | None], actor: Actor, *, seen_version: int | None = None
) -> Pairing:
    """Keep two posts from coming together; takes the place of a pin. Raises as `pin`, but nothing excludes a ban."""
    pairing = find_pairing(uow.session, pairing_id, actor)
    uow.transition(pairing, "forbid", actor, seen_version=seen_version, **pair)
    _place_of(table_of(uow.session, pairing), pair)
    _hold(uow, pairing, pair, Hold.BAN, actor)
    _propose(uow, pairing)
    return pairing


def release(
    uow: UnitOfWork, pairing_id: str, pair: Mapping[str, str | None], actor: Actor, *, seen_version: int | None = None
) -> Pairing:
    """Undo the pin or the ban of a pair; of all pairs where none is named.

    Raises NotFound, InvalidTransition, Conflict, Invalid (half a pair), StateConflict (`not_held`).
    """
    pairing = find_pairing(uow.session, pairing_id, actor)
    named = {side: post_id for side, post_id in pair.items() if post_id}
    uow.transition(pairing, "release", actor, seen_version=seen_version, **named)
    if len(named) == 1:
        raise Invalid.field("overseas" if "domestic" in named else "domestic", N_("This is needed."))
    undone = delete(PairingHold).where(PairingHold.pairing_id == pairing.id)
    if named:
        _place_of(table_of(uow.session, pairing), named)
        undone = undone.where(*(getattr(PairingHold, f"{side}_id") == post_id for side, post_id in named.items()))
    if not uow.session.scalars(undone.returning(PairingHold.kind)).all():
        raise StateConflict(N_("There is no pin and no ban here to take back."), code="not_held")
    _propose(uow, pairing)
    return pairing


def _place_of(table: Table, pair: Mapping[str, str | None]) -> Place:
    """Raises Invalid for a post that is not on that side of the pairing."""
    places = (table.row_of.get(pair["domestic"] or ""), table.column_of.get(pair["overseas"] or ""))
    if places[0] is None or places[1] is None:
        missing = [side.value for side, place in zip(SIDES, places, strict=True) if place is None]
        raise Invalid({name: [Text(N_("This post is not on this side of the pairing."))] for name in missing})
    return places[0], places[1]


def _check_room(table: Table, pairing: Pairing, place: Place) -> None:
    """Raise Invalid where the other pins leave no room for one more."""
    others = [table.place_of(hold) for hold in pairing.holds if hold.kind == Hold.PIN]
    here, there = table.schools.of_rows, table.schools.of_columns
    schools = [(here[row], there[column]) for row, column in others if (row, column) != place]
    if (here[place[0]], there[place[1]]) in schools:
        raise Invalid.field("overseas", N_("These two schools are pinned together by another pair of posts."))
    for number, side, own in ((0, Side.DOMESTIC, here[place[0]]), (1, Side.OVERSEAS, there[place[1]])):
        if sum(pair[number] == own for pair in schools) >= pairing.max_per_school:
            raise Invalid.field(
                side.value,
                N_("This school is pinned to as many partners as it may have (%(most)s). Release one first."),
                most=pairing.max_per_school,
            )


def _hold(uow: UnitOfWork, pairing: Pairing, pair: Mapping[str, str | None], kind: Hold, actor: Actor) -> None:
    key = {"pairing_id": pairing.id, "domestic_id": pair["domestic"], "overseas_id": pair["overseas"]}
    hold = uow.session.get(PairingHold, key) or PairingHold(**key)
    hold.kind, hold.by_user, hold.at = kind.value, actor.user_id, uow.now
    uow.session.add(hold)


# accepting


def accept(uow: UnitOfWork, pairing_id: str, actor: Actor, *, seen_version: int | None = None) -> Pairing:
    """Make a case of each pair, in progress with the unit of the pairing, the partner proposed; all of them or none.

    The asking school of a case of a centre is the one abroad, of an office the one in Taiwan, as when they ask
    themselves. Raises NotFound, InvalidTransition, Conflict, StateConflict (`no_pairs`; `pairs_changed` where a pair
    cannot be made any more).
    """
    pairing = find_pairing(uow.session, pairing_id, actor)
    uow.hold("pairings.accept")  # two pairings accepted at once would both find the same schools free
    uow.transition(pairing, "accept", actor, seen_version=seen_version)
    pairs = list(pairing.pairs)
    if not pairs:
        raise StateConflict(N_("There is no pair to accept. Take back bans, or choose other posts."), code="no_pairs")
    posts = _posts_of(uow, pairs)
    _check_still_possible(uow, pairs, posts)
    territory = territory_of(uow.session)
    matches = [_case(uow, pairing, pair, posts, territory) for pair in pairs]
    uow.start_all(
        matches, MatchStatus.IN_PROGRESS, actor, action="pair", fact="MatchPaired",
        pairing_id=pairing.id, pairing=pairing.name,
    )  # fmt: skip
    _ask_partners(uow, matches, actor)
    for pair, match in zip(pairs, matches, strict=True):
        pair.match_id = match.id
    pairing.accepted_at = uow.now
    uow.session.flush()
    return pairing


def _posts_of(uow: UnitOfWork, pairs: Sequence[PairingPair]) -> dict[str, Invitation]:
    ids = {each for pair in pairs for each in (pair.domestic_id, pair.overseas_id)}
    found = (
        select(Invitation).where(Invitation.id.in_(ids)).options(_WITH_SCHOOL).with_for_update(read=True, of=Invitation)
    )
    return {post.id: post for post in uow.session.scalars(found.order_by(Invitation.id))}


def _check_still_possible(uow: UnitOfWork, pairs: Sequence[PairingPair], posts: Mapping[str, Invitation]) -> None:
    """Raise StateConflict where a post has left the public, or two schools have come together or apart since."""
    schools = kept_apart(uow.session, {posts[pair.domestic_id].school_id for pair in pairs})
    dismissed = turned_down(uow.session, [pair.domestic_id for pair in pairs])
    lost = [
        pair
        for pair in pairs
        if not all(posts[each].is_open_to_all(uow.today) for each in (pair.domestic_id, pair.overseas_id))
        or (posts[pair.domestic_id].school_id, posts[pair.overseas_id].school_id) in schools
        or (pair.domestic_id, pair.overseas_id) in dismissed
    ]
    if lost:
        first = posts[lost[0].domestic_id], posts[lost[0].overseas_id]
        said = N_("%(count)s pairs cannot be made any more, such as %(one)s with %(other)s. Propose anew, then accept.")
        values = {"count": len(lost), "one": first[0].number, "other": first[1].number}
        raise StateConflict(Text(said, values), code="pairs_changed")


def _case(
    uow: UnitOfWork, pairing: Pairing, pair: PairingPair, posts: Mapping[str, Invitation], territory: Territory
) -> Match:
    here, there = posts[pair.domestic_id], posts[pair.overseas_id]
    unit = _handler_of(uow, pairing, here.school, there.school, territory)
    outbound = unit.kind is HandlerKind.OFFICE
    asking, asked = (here, there) if outbound else (there, here)
    return Match(
        id=new_id(),
        via=Via.ASSISTED.value,
        direction=(Direction.OUTBOUND if outbound else Direction.INBOUND).value,
        asking_school_id=asking.school_id,
        invitation_id=asked.id,
        posting_school_id=asked.school_id,
        from_invitation_id=asking.id,
        message=_message(uow, pairing, unit, asked.school),
        handler_kind=unit.kind.value,
        handler_code=unit.code,
        since=uow.now,
        due_at=due_at(
            MatchStatus.IN_PROGRESS, via=Via.ASSISTED, handler=unit.kind.value, plan=Plan(), now=uow.now,
            limits=uow.limits, zone=uow.zone,
        ),
    )  # fmt: skip


def _handler_of(uow: UnitOfWork, pairing: Pairing, here: School, there: School, territory: Territory) -> Unit:
    """The unit of the pairing; else the one a request of the school abroad would go to, else of the one in Taiwan."""
    own = uow.session.get(UnitRow, pairing.unit_code) if pairing.unit_code else None
    if own is not None:
        return Unit(HandlerKind(own.kind), own.code)
    centre = route(Side.OVERSEAS, _ground(here), territory).handler
    return centre if centre.kind is not HandlerKind.ADMIN else route(Side.DOMESTIC, _ground(there), territory).handler


def _ground(school: School) -> Ground:
    return Ground(school.country, school.subdivision, school.county, school.level, school.ownership)


def _message(uow: UnitOfWork, pairing: Pairing, unit: Unit, asked: School) -> str:
    """What stands in the case as its request, in the language in which the asked school most likely reads."""
    language = _LANGUAGE_OF.get(asked.country, "en")
    row = uow.session.get(UnitRow, unit.code) if unit.code else None
    who = row.name(language) if row else i18n.say(N_("the IEW administrator"), language)
    said = N_(
        "%(unit)s has compared the invitations of both schools in the pairing “%(name)s” and proposes an exchange."
    )
    return i18n.say(Text(said, {"unit": who, "name": pairing.name}), language)


_LANGUAGE_OF: Final = {"TW": "zh-Hant", "JP": "ja", "KR": "ko"}


def _ask_partners(uow: UnitOfWork, matches: Sequence[Match], actor: Actor) -> None:
    """Propose to the asked school of each case; it answers for itself."""
    uow.session.add_all(
        Proposal(
            id=new_id(), match_id=match.id, school_id=match.posting_school_id, status=ProposalStatus.OPEN.value,
            proposed_at=uow.now,
        )
        for match in matches
    )  # fmt: skip
    asked = {match.id: {"school_id": match.posting_school_id} for match in matches}
    uow.record_all("SchoolProposed", matches, actor, action="propose", each=asked)
