"""The table of matches against the rules as agreed with the outside world, state by state, party by party."""

from itertools import product

import pytest

from iew.domain.matches import MATCH, OPEN, Party, Status, Via
from iew.errors import Invalid, InvalidTransition, NotAllowed

S, P = Status, Party
D, A = Via.DIRECT, Via.ASSISTED
BEFORE_AGREED = (S.REQUESTED, S.ROUTED, S.IN_PROGRESS)
EITHER_SCHOOL = (P.ASKING, P.PARTNER)

# (action, via, from, party) -> (to, the details it cannot do without); whatever is not listed is refused.
RULES: dict[tuple[str, Via, Status, Party], tuple[Status, set[str]]] = {
    ("route", A, S.REQUESTED, P.SYSTEM): (S.ROUTED, {"handler"}),
    ("route", A, S.REQUESTED, P.ADMIN): (S.ROUTED, {"handler"}),
    ("route", A, S.ROUTED, P.ADMIN): (S.ROUTED, {"handler"}),
    ("route", A, S.IN_PROGRESS, P.ADMIN): (S.ROUTED, {"handler"}),
    ("accept", A, S.ROUTED, P.HANDLER): (S.IN_PROGRESS, set()),
    ("accept", D, S.REQUESTED, P.INVITED): (S.AGREED, set()),
    ("accept", A, S.IN_PROGRESS, P.PROPOSED): (S.AGREED, set()),
    ("hand_back", A, S.ROUTED, P.HANDLER): (S.REQUESTED, {"reason"}),
    ("hand_back", A, S.IN_PROGRESS, P.HANDLER): (S.REQUESTED, {"reason"}),
    ("propose", A, S.IN_PROGRESS, P.HANDLER): (S.IN_PROGRESS, {"school_id"}),
    ("agree", A, S.IN_PROGRESS, P.HANDLER): (S.AGREED, {"school_id"}),
    ("decline", D, S.REQUESTED, P.INVITED): (S.DECLINED, {"reason_code"}),
    ("decline", A, S.IN_PROGRESS, P.PROPOSED): (S.IN_PROGRESS, {"reason_code"}),
    ("not_found", A, S.IN_PROGRESS, P.HANDLER): (S.NOT_FOUND, {"reason"}),
    ("not_found", A, S.REQUESTED, P.KEEPER): (S.NOT_FOUND, {"reason"}),
    ("no_reply", D, S.REQUESTED, P.SYSTEM): (S.NO_REPLY, set()),
    **{("cancel", via, s, P.ASKING): (S.CANCELLED, set()) for via in Via for s in BEFORE_AGREED},
    **{("cancel", via, S.AGREED, p): (S.CANCELLED, {"reason"}) for via in Via for p in EITHER_SCHOOL},
    **{("report", via, S.AGREED, p): (S.COMPLETED, {"summary", "held_on"}) for via in Via for p in EITHER_SCHOOL},
    **{("report", via, S.COMPLETED, p): (S.COMPLETED, {"summary", "held_on"}) for via in Via for p in EITHER_SCHOOL},
}  # fmt: skip
ACTIONS = ("route", "accept", "hand_back", "propose", "agree", "decline", "not_found", "no_reply", "cancel", "report")
EVERY_DETAIL = dict.fromkeys(("handler", "reason", "school_id", "reason_code", "summary", "held_on"), "x")


def test_the_table_knows_these_actions_and_no_other():
    assert MATCH.actions == ACTIONS


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("via", Via)
def test_each_action_leads_where_the_rules_say_and_is_refused_elsewhere(action, via):
    for status, party in product(Status, Party):
        rule = RULES.get((action, via, status, party))
        if rule is None:
            with pytest.raises((NotAllowed, InvalidTransition)):
                _take(action, via, status, party, EVERY_DETAIL)
        else:
            assert _take(action, via, status, party, EVERY_DETAIL) == rule[0], (action, via, status, party)


@pytest.mark.parametrize("rule", [rule for rule, outcome in RULES.items() if outcome[1]], ids="-".join)
def test_an_action_names_every_detail_it_lacks(rule):
    for name in RULES[rule][1]:
        with pytest.raises(Invalid) as fault:
            _take(*rule, {key: value for key, value in EVERY_DETAIL.items() if key != name})
        assert set(fault.value.errors) == {name}


@pytest.mark.parametrize("via", Via)
@pytest.mark.parametrize("party", Party)
def test_what_is_offered_is_exactly_what_is_allowed(via, party):
    for status in Status:
        offered = set(MATCH.available(status=status, kind=via, parties=frozenset({party})))
        assert offered == {a for (a, v, s, p) in RULES if (v, s, p) == (via, status, party)}


@pytest.mark.parametrize("status", [s for s in Status if s not in OPEN and s is not S.COMPLETED])
def test_an_end_is_an_end(status):
    for via in Via:
        assert MATCH.available(status=status, kind=via, parties=frozenset(Party)) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stranger_learns_no_state(action):
    for via, status in product(Via, Status):
        with pytest.raises(NotAllowed):
            _take(action, via, status, None, {})


@pytest.mark.parametrize("via", Via)
@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_no_state_lets_act_is_told_so_and_whoever_might_later_is_told_the_state(action, via):
    known = {p for (a, v, s, p) in RULES if (a, v) == (action, via)} or {p for (a, v, s, p) in RULES if a == action}
    for status, party in product(Status, Party):
        if (action, via, status, party) not in RULES:
            with pytest.raises(InvalidTransition if party in known else NotAllowed):
                _take(action, via, status, party, EVERY_DETAIL)


def _take(action: str, via: Via, status: Status, party: Party | None, details: dict[str, str]) -> Status:
    """What the unit of work asks of the table, in its order."""
    parties = frozenset({party} if party else ())
    MATCH.permit(action, kind=via, parties=parties)
    row = MATCH.row_for(action, status=status, kind=via, parties=parties, details=details)
    return Status(row.to or status)
