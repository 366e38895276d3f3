"""What the rules about possible partners need to know of posts and schools, read in a few statements.

Suggestions ask it of one school, pairings of hundreds; both must leave out the same pairs.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, or_, select, union_all
from sqlalchemy.orm import Session

from iew.domain.fit import Post, Topic
from iew.domain.matches import BEFORE_AGREED, OPEN, ProposalStatus, Status
from iew.domain.plans import periods_of
from iew.models.invitations import Invitation
from iew.models.matches import Match, Proposal
from iew.models.suggestions import SuggestionDismissal

Concepts = Callable[[str], frozenset[str]]
"""What a topic speaks of, in any language."""
Themes = Callable[[Invitation], frozenset[str]]
"""What title and description of a post speak of, in any language."""


def no_themes(post: Invitation) -> frozenset[str]:
    """Leave the texts aside."""
    return frozenset()


def as_post(post: Invitation, today: date, concepts: Concepts, themes: Themes = no_themes) -> Post:
    """What counts of a post when it is compared with others."""
    travel, school = post.travel or {}, post.school
    return Post(
        id=post.id,
        country=school.country,
        level=school.level,
        public=post.is_open_to_all(today),
        county=school.county,
        exchange_types=frozenset(post.exchange_types),
        languages=frozenset(post.languages),
        levels=frozenset(post.levels),
        grades=frozenset(post.grades),
        countries=frozenset(post.target_countries),
        counties=frozenset([*post.target_counties, *(travel.get("destination_counties") or ())]),
        topics=tuple(Topic(text, concepts(text) | {text.casefold().strip()}) for text in post.topics),
        themes=themes(post),
        periods=tuple(period for period in periods_of(post.planned_periods) if period[1] >= today),
        students=(post.group or {}).get("students"),
        homestay=post.homestay,
    )


def facts_of(post: Post) -> dict[str, Any]:
    """A post to be compared as JSON, to be kept; `post_of` reads it."""
    sets = {name: sorted(getattr(post, name)) for name in _SETS}
    return {
        "country": post.country,
        "level": post.level,
        "county": post.county,
        "topics": [{"text": topic.text, "keys": sorted(topic.keys)} for topic in post.topics],
        "periods": [[start.isoformat(), end.isoformat()] for start, end in post.periods],
        "students": post.students,
        "homestay": post.homestay,
        **sets,
    }


def post_of(invitation_id: str, facts: Mapping[str, Any], *, public: bool) -> Post:
    """The post that `facts_of` kept."""
    sets: dict[str, Any] = {name: frozenset(facts[name]) for name in _SETS}
    return Post(
        id=invitation_id,
        country=facts["country"],
        level=facts["level"],
        public=public,
        county=facts["county"],
        topics=tuple(Topic(topic["text"], frozenset(topic["keys"])) for topic in facts["topics"]),
        periods=tuple((date.fromisoformat(start), date.fromisoformat(end)) for start, end in facts["periods"]),
        students=facts["students"],
        homestay=facts["homestay"],
        **sets,
    )


_SETS: Final = ("exchange_types", "languages", "levels", "grades", "countries", "counties", "themes")


def kept_apart(session: Session, school_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs of schools, both ways round, that have an open or completed case, or where one of the two said no.

    school_ids: one of each pair is among these.
    """
    named = list(school_ids)
    if not named:
        return set()
    pairs = _pairs_in_cases().subquery()
    found = select(pairs.c.one, pairs.c.other).where(
        or_(pairs.c.one.in_(named), pairs.c.other.in_(named)), pairs.c.other.is_not(None)
    )
    both = {(one, other) for one, other in session.execute(found)}
    return both | {(other, one) for one, other in both}


def _pairs_in_cases() -> Select[tuple[str, str]]:
    together, asked = OPEN | {Status.COMPLETED}, BEFORE_AGREED | {Status.DECLINED}
    asking = Match.asking_school_id.label("one")
    partners = select(asking, Match.partner_school_id.label("other")).where(_is(together))
    posting = select(asking, Match.posting_school_id.label("other")).where(_is(asked))
    proposed = (
        select(asking, Proposal.school_id.label("other"))
        .join(Proposal, Proposal.match_id == Match.id)
        .where(
            or_(
                Proposal.status == ProposalStatus.DECLINED.value,
                and_(Proposal.status == ProposalStatus.OPEN.value, _is(OPEN)),
            )
        )
    )
    pairs = union_all(partners, posting, proposed).subquery()
    return select(pairs.c.one, pairs.c.other)


def _is(statuses: Iterable[str]) -> ColumnElement[bool]:
    return Match.status.in_(sorted(statuses))


def turned_down(session: Session, invitation_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs of posts, both ways round, that do not suit one of their schools.

    invitation_ids: one of each pair is among these.
    """
    named = list(invitation_ids)
    no = SuggestionDismissal
    found = select(no.invitation_id, no.other_id).where(or_(no.invitation_id.in_(named), no.other_id.in_(named)))
    both = {(one, other) for one, other in session.execute(found)} if named else set()
    return both | {(other, one) for one, other in both}
