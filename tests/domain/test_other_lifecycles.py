"""The tables of posts, revisions, schools and questions against the agreed rules."""

from itertools import product
from typing import Any

import pytest

from iew.domain.invitations import INVITATION, REVISION
from iew.domain.invitations import Party as Reader
from iew.domain.invitations import RevisionStatus as R
from iew.domain.invitations import Status as I
from iew.domain.lifecycle import Lifecycle
from iew.domain.questions import QUESTION
from iew.domain.questions import Party as Talker
from iew.domain.questions import Status as Q
from iew.domain.schools import SCHOOL
from iew.domain.schools import Party as Approver
from iew.domain.schools import Status as C
from iew.errors import Invalid, InvalidTransition, NotAllowed
from iew.outbox import JOBS_FOR

Rules = dict[tuple[str, Any, Any], tuple[Any, set[str]]]

OWNER, ADMIN, SYSTEM = Reader.OWNER, Reader.ADMIN, Reader.SYSTEM
POSTS: Rules = {
    ("submit", I.DRAFT, OWNER): (I.SUBMITTED, set()),
    ("submit", I.RETURNED, OWNER): (I.SUBMITTED, set()),
    ("publish", I.SUBMITTED, ADMIN): (I.PUBLISHED, set()),
    ("return", I.SUBMITTED, ADMIN): (I.RETURNED, {"reason"}),
    ("reject", I.SUBMITTED, ADMIN): (I.REJECTED, {"reason"}),
    **{("withdraw", s, OWNER): (I.WITHDRAWN, set()) for s in (I.SUBMITTED, I.RETURNED, I.PUBLISHED)},
    **{("withdraw", s, ADMIN): (I.WITHDRAWN, {"reason"}) for s in (I.SUBMITTED, I.RETURNED, I.PUBLISHED)},
    ("close", I.PUBLISHED, OWNER): (I.CLOSED, set()),
    ("close", I.RETURNED, SYSTEM): (I.CLOSED, set()),
    ("renew", I.PUBLISHED, OWNER): (I.PUBLISHED, set()),
    ("renew", I.EXPIRED, OWNER): (I.PUBLISHED, set()),
    ("expire", I.PUBLISHED, SYSTEM): (I.EXPIRED, set()),
    **{("import", s, SYSTEM): (I.PUBLISHED, set()) for s in (I.DRAFT, I.SUBMITTED, I.RETURNED, I.EXPIRED)},
}
REVISIONS: Rules = {
    ("submit", R.DRAFT, OWNER): (R.SUBMITTED, set()),
    ("submit", R.RETURNED, OWNER): (R.SUBMITTED, set()),
    **{("recall", R.SUBMITTED, p): (R.DRAFT, set()) for p in (OWNER, SYSTEM)},
    ("publish", R.SUBMITTED, ADMIN): (R.PUBLISHED, set()),
    ("return", R.SUBMITTED, ADMIN): (R.RETURNED, {"reason"}),
    ("reject", R.SUBMITTED, ADMIN): (R.REJECTED, {"reason"}),
    **{("drop", s, p): (R.DROPPED, set()) for s in (R.DRAFT, R.SUBMITTED, R.RETURNED) for p in (OWNER, ADMIN, SYSTEM)},
}
SCHOOLS: Rules = {
    **{("approve", C.PENDING, p): (C.APPROVED, set()) for p in (Approver.APPROVER, Approver.ADMIN)},
    **{("ask", C.PENDING, p): (C.ASKED, {"reason"}) for p in (Approver.APPROVER, Approver.ADMIN)},
    **{("reject", C.PENDING, p): (C.REJECTED, {"reason"}) for p in (Approver.APPROVER, Approver.ADMIN)},
    ("answer", C.ASKED, Approver.OWNER): (C.PENDING, set()),
}
QUESTIONS: Rules = {
    **{("ask", s, Talker.ASKER): (Q.OPEN, {"text"}) for s in (Q.OPEN, Q.ANSWERED)},
    **{("answer", s, Talker.ADMIN): (Q.ANSWERED, {"text"}) for s in (Q.OPEN, Q.ANSWERED)},
    **{("close", s, p): (Q.CLOSED, set()) for s in (Q.OPEN, Q.ANSWERED) for p in Talker},
}
TABLES = [
    pytest.param(INVITATION, I, Reader, POSTS, id="invitation"),
    pytest.param(REVISION, R, Reader, REVISIONS, id="revision"),
    pytest.param(SCHOOL, C, Approver, SCHOOLS, id="school"),
    pytest.param(QUESTION, Q, Talker, QUESTIONS, id="question"),
]


@pytest.mark.parametrize(("table", "states", "parties", "rules"), TABLES)
def test_each_action_leads_where_the_rules_say_and_is_refused_elsewhere(table, states, parties, rules):
    for action, status, party in product(table.actions, states, parties):
        rule = rules.get((action, status, party))
        if rule is None:
            with pytest.raises((NotAllowed, InvalidTransition)):
                _take(table, action, status, party, reason="x", text="x")
            continue
        assert _take(table, action, status, party, reason="x", text="x") == rule[0]
        if rule[1]:
            with pytest.raises(Invalid) as fault:
                _take(table, action, status, party)
            assert set(fault.value.errors) == rule[1]


@pytest.mark.parametrize(("table", "states", "parties", "rules"), TABLES)
def test_the_table_has_no_action_that_the_rules_do_not_name(table, states, parties, rules):
    assert set(table.actions) == {action for action, _, _ in rules}


@pytest.mark.parametrize(("table", "states", "parties", "rules"), TABLES)
def test_what_is_offered_is_exactly_what_is_allowed(table, states, parties, rules):
    for status, party in product(states, parties):
        offered = set(table.available(status=status, kind=None, parties=frozenset({party})))
        assert offered == {a for (a, s, p) in rules if (s, p) == (status, party)}


@pytest.mark.parametrize(("table", "states", "parties", "rules"), TABLES)
def test_every_fact_of_a_table_has_a_line_that_says_which_jobs_it_owes(table, states, parties, rules):
    assert table.facts <= set(JOBS_FOR)


def _take(table: Lifecycle, action: str, status: Any, party: Any, **details: str) -> Any:
    parties = frozenset({party})
    table.permit(action, kind=None, parties=parties)
    row = table.row_for(action, status=status, kind=None, parties=parties, details=details)
    return row.to or status
