"""Pairings as pages and API share them: which posts somebody means, and a board in words."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from flask import Response as Reply

from iew.domain.fit import Reason
from iew.domain.pairings import MOST_POSTS, Absence
from iew.domain.schools import Side
from iew.errors import N_, Invalid
from iew.models import Invitation, PairingPost, Unit
from iew.schemas.search import SearchQuery
from iew.schemas.suggestions import READ_BY_A_SCHOOL
from iew.services import boards, catalog, pairings, units
from iew.services.boards import Board, Line, Scored
from iew.uow import UnitOfWork
from iew.web.context import current_actor, current_language, house, unit_of_work
from iew.web.forms import Form
from iew.web.rendering import page, said
from iew.web.searching import wanted_of
from iew.web.suggesting import reason_in_words
from iew.web.texts import card_of

_READ_BY_A_UNIT: Final = READ_BY_A_SCHOOL | {
    "shared_language": N_("Shared language: %(what)s"),
    "group_size": N_("Groups of similar size (abroad: %(what)s students)"),
    "wished_country": N_("The school in Taiwan named the country: %(what)s"),
    "wishes_country": N_("The school abroad named the country: %(what)s"),
    "wishes_county": N_("The school abroad named the county: %(what)s"),
}
_ABSENCES: Final = {
    Absence.GONE: N_("not public any more"),
    Absence.APART: N_("they have a case already, or one said no"),
    Absence.RULED_OUT: N_("excluded by a rule"),
}
PAIRS_SHOWN: Final = 50
CANDIDATES_SHOWN: Final = 20
_FACETS_OF_FORM: Final = ("country", "county", "level", "type", "language")


Words = Callable[[Reason], dict[str, str]]


def posts_meant(uow: UnitOfWork, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the ids of the posts in the place of a search. Raises Invalid, Unavailable."""
    return {**values, **{side.value: _ids(uow, side, values[side.value]) for side in Side}}


def _ids(uow: UnitOfWork, side: Side, meant: Any) -> list[str]:
    if isinstance(meant, list):
        return meant
    sides = meant.get("side", [])
    if sides and side.value not in sides:
        raise Invalid.field(
            f"{side.value}.side", N_("Both schools are on the same side; search for the other."), code="same_side"
        )
    most = int(meant.get("limit", MOST_POSTS + 1))  # one too many shows that there are too many
    query = SearchQuery().load({**_as_in_an_address(meant), "side": [side.value], "limit": "100"})
    return catalog.ids_meeting(uow, house().searcher, wanted_of({**query, "limit": most}))


def _as_in_an_address(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, list) else str(value) for name, value in params.items()}


def choice_of(uow: UnitOfWork, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a page's form means, as `posts_meant` takes it: the posts it lists by number or id, else its search."""
    return {**data, **{side.value: _side_of(uow, data[side.value]) for side in Side}}


def _side_of(uow: UnitOfWork, form: Mapping[str, Any]) -> Any:
    listed = re.findall(r"[A-Za-z0-9-]+", form.get("posts") or "")
    if listed:
        return pairings.ids_named(uow, listed)
    facets = {
        name: found if isinstance(found, list) else [found] for name in _FACETS_OF_FORM if (found := form.get(name))
    }
    return {**facets, **({"q": form["q"]} if form.get("q", "").strip() else {})}


def concepts() -> Callable[[str], frozenset[str]]:
    """What a topic speaks of; each text is looked at once."""
    return cache(lambda text: catalog.concepts_of(house().searcher, text))


def themes(post: Invitation) -> frozenset[str]:
    """What the texts of a post speak of."""
    return catalog.themes_of(house().searcher, post)


# pages


def new_page(form: Form, *, preview: bool = False) -> Reply:
    """The form of a new pairing; preview: with what its choice would bring together, or what is wrong with it."""
    found: dict[str, list[dict[str, Any]]] = {}
    if preview:
        with form.attempt(), unit_of_work() as uow:
            posts = pairings.chosen(uow, posts_meant(uow, choice_of(uow, form.data)))
            found = {side.value: [_card(post) for post in posts[side]] for side in Side}
    with unit_of_work() as uow:
        kinds = [*units.directory(uow, "ierc"), *units.directory(uow, "office")] if current_actor().is_admin else []
        open_units = [(unit.code, unit.name(current_language())) for unit in kinds]
        return page("pairings/new.html", form=form, found=found, units=open_units, most=MOST_POSTS)


def board_page(pairing_id: str, view: Mapping[str, Any], *, form: Form | None = None) -> Reply:
    """The board. view: `post`, whose possible partners are shown; `after`, how many pairs come before the first one."""
    with unit_of_work() as uow:
        board = boards.look(uow, pairing_id, current_actor())
        start, say = view.get("after", 0), words()
        values = {
            "pairing": board.pairing,
            "unit": unit_shown(board.unit),
            "can": board.available_actions,
            "pairs": [_pair_card(pair, say) for pair in board.pairs[start : start + PAIRS_SHOWN]],
            "start": start,
            "count": len(board.pairs),
            "more": start + PAIRS_SHOWN if len(board.pairs) > start + PAIRS_SHOWN else None,
            "held": [_pair_card(pair, say) for pair in (*board.pins, *board.bans)],
            "alone": {side.value: [_post_card(post) for post in board.alone(side)] for side in Side},
            "counts": {"domestic": len(board.domestic), "overseas": len(board.overseas), "possible": board.possible},
            "chosen": _candidates(board, view["post"], say) if view.get("post") else None,
        }
        return page("pairings/show.html", form=form, view=view, shown_each=PAIRS_SHOWN, **values)


def _candidates(board: Board, invitation_id: str, say: Words) -> dict[str, Any]:
    """A post and the best of those it could come together with. Raises NotFound."""
    post = board.post(invitation_id)
    here = invitation_id if post.side == Side.DOMESTIC else None
    places = board.places_with(here, None if here else invitation_id)
    shown = [_pair_card(board.scored(place), say) for place in places[:CANDIDATES_SHOWN]]
    return {"post": _post_card(post), "other": "overseas" if here else "domestic", "pairs": shown, "total": len(places)}


def _pair_card(pair: Scored, say: Words) -> dict[str, Any]:
    return {
        **pair_shown(pair, say),
        "here": _post_card(pair.domestic),
        "there": _post_card(pair.overseas),
        "match_status": pair.match_status,
        "absence": said(_ABSENCES[pair.absence]) if pair.absence else "",
    }


def _post_card(post: PairingPost) -> dict[str, Any]:
    return {**_card(post.invitation), "gone": post.gone}


def _card(invitation: Invitation) -> dict[str, Any]:
    shown = {**invitation.body, "id": invitation.id, "number": invitation.number, "school": invitation.school}
    return card_of(shown, current_language())


# in words


def shown(board: Board) -> dict[str, Any]:
    """A board in the form of `PairingView`."""
    pairing, say = board.pairing, words()
    return {
        **{name: getattr(pairing, name) for name in _OF_A_PAIRING},
        "ref": None,
        "unit": unit_shown(board.unit),
        "available_actions": board.available_actions,
        "domestic": [post_shown(post) for post in board.domestic],
        "overseas": [post_shown(post) for post in board.overseas],
        "pairs": [pair_shown(pair, say) for pair in board.pairs],
        "pins": [_ids_of(pair) for pair in board.pins],
        "bans": [_ids_of(pair) for pair in board.bans],
        "unpaired": {side.value: [post.invitation_id for post in board.alone(side)] for side in Side},
        "scores": [pair_shown(pair, say) for pair in board.scores],
        "scores_total": board.scores_total,
        "scores_complete": board.scores_complete,
    }


_OF_A_PAIRING: Final = (
    "id", "version", "status", "name", "max_per_school", "total_score", "solved_at", "accepted_at", "created_at",
    "updated_at",
)  # fmt: skip


def line_shown(line: Line) -> dict[str, Any]:
    """A line in the form of `PairingLineView`."""
    return {
        **{name: getattr(line.pairing, name) for name in _OF_A_PAIRING},
        "ref": None,
        "unit": unit_shown(line.unit),
        "domestic": line.domestic,
        "overseas": line.overseas,
        "pairs": line.pairs,
        "available_actions": line.pairing.available_actions(current_actor()),
    }


def unit_shown(unit: Unit | None) -> dict[str, str] | None:
    return {"kind": unit.kind, "code": unit.code, "name": unit.name(current_language())} if unit else None


def post_shown(post: PairingPost) -> dict[str, Any]:
    """A post in the form of `PostOfPairingView`."""
    invitation = post.invitation
    names = ("id", "number", "title", "content_language", "exchange_types", "languages", "school")
    return {**{name: getattr(invitation, name) for name in names}, "gone": post.gone}


def words() -> Words:
    """Says a reason as a unit would, each once; one board repeats few reasons thousands of times."""
    return cache(lambda reason: reason_in_words({"code": reason.code, "values": reason.values}, _READ_BY_A_UNIT))


def pair_shown(pair: Scored, say: Words) -> dict[str, Any]:
    """A pair in the form of `PairView` and `ScoreView`."""
    return {
        **_ids_of(pair),
        "score": pair.score,
        "reasons": [say(reason) for reason in pair.reasons],
        "held": pair.held,
        "pinned": pair.pinned,
        "paired": pair.paired,
        "match_id": pair.match_id,
    }


def _ids_of(pair: Scored) -> dict[str, str]:
    return {"domestic": pair.domestic.invitation_id, "overseas": pair.overseas.invitation_id}
