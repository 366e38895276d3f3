"""Possible partners in words, and posts like the one that is being read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from iew.domain.actors import Actor
from iew.errors import N_, Unavailable
from iew.models import Invitation, Match, Suggestion
from iew.schemas.invitations import InvitationView, Seen
from iew.schemas.suggestions import READ_BY_A_SCHOOL, VOCABULARY_OF
from iew.services import candidates, catalog, suggestions
from iew.uow import UnitOfWork
from iew.web.context import current_actor, current_language, house
from iew.web.rendering import gettext as _
from iew.web.rendering import label, number, period
from iew.web.texts import card_of

SHOWN: Final = 5
ALIKE: Final = 3
REASONS_SHOWN: Final = 5
_SAYINGS: Final[Mapping[str, Callable[[Sequence[Any]], str]]] = {
    "topic_shared": lambda topics: _(", ").join(map(str, topics)),
    "theme_shared": lambda codes: _(", ").join(_theme(code) for code in codes),
    "dates_meet": lambda days: period({"start": days[0], "end": days[1]}),
    "group_size": lambda sizes: number(sizes[0]),
}


FITS: Final = {
    "exchange_types": N_("type of exchange"),
    "languages": N_("language"),
    "levels": N_("level"),
    "periods": N_("dates"),
}


def reason_in_words(reason: Mapping[str, Any], sentences: Mapping[str, str] = READ_BY_A_SCHOOL) -> dict[str, str]:
    """A reason with its sentence in the reader's language. sentences: by code, as those who read it would say it."""
    code, values = reason["code"], reason["values"]
    if code in _SAYINGS:
        what = _SAYINGS[code](values)
    else:
        what = _(", ").join(label(value, VOCABULARY_OF[code]) for value in values)
    return {"code": code, "label": _(sentences[code], what=what)}


def _theme(code: str) -> str:
    return catalog.concept_label(house().searcher, code, current_language())


def suggested(row: Suggestion) -> dict[str, Any]:
    """A possible partner in the form of the view of the API."""
    return {
        "invitation": Seen(row.other, current_actor()),
        "score": row.score,
        "reasons": [reason_in_words(reason) for reason in row.reasons],
    }


def cards(rows: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Possible partners as pages show them: the card, the strongest reasons, and the own post they are for."""
    return [
        {
            "post": _card(row.other),
            "for_post": _card(row.invitation),
            "reasons": [reason_in_words(reason)["label"] for reason in row.reasons[:REASONS_SHOWN]],
        }
        for row in rows
    ]


def cards_for(uow: UnitOfWork, invitation_id: str) -> list[dict[str, Any]]:
    """The best possible partners of one's own post. Raises NotFound, NotAllowed."""
    return cards(suggestions.list_of(uow, invitation_id, current_actor(), limit=SHOWN))


def cards_for_school(uow: UnitOfWork) -> list[dict[str, Any]]:
    """The best possible partners over all posts of the reader's school."""
    return cards(suggestions.list_of_school(uow, current_actor(), limit=SHOWN))


def second_choices(uow: UnitOfWork, match: Match, actor: Actor) -> list[dict[str, Any]]:
    """The next best schools after a case that came to nothing, as cards with what speaks for them."""
    return [
        {
            "post": card_of(InvitationView().dump(Seen(found.invitation, actor)), current_language()),
            "reasons": [_(FITS[fit]) for fit in found.fits if fit in FITS],
        }
        for found in candidates.second_choices(uow, match)
    ]


def cards_alike(uow: UnitOfWork, post: Invitation) -> list[dict[str, Any]]:
    """Public posts like this one; none where it is not public itself, or while the search engine is away."""
    if not post.is_open_to_all(uow.today):
        return []
    try:
        return [_card(other) for other in catalog.more_like(uow, house().searcher, post, limit=ALIKE)]
    except Unavailable:
        return []


def _card(post: Invitation) -> dict[str, Any]:
    return card_of(InvitationView().dump(Seen(post, current_actor())), current_language())
