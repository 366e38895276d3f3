"""Pairings: many schools of both sides, and the best choice of who goes with whom."""

from collections.abc import Mapping
from typing import Any

from iew.db import Page
from iew.schemas.base import NothingElse
from iew.schemas.lists import ListQuery
from iew.schemas.pairings import (
    PairingInput,
    PairingListView,
    PairingView,
    PairInput,
    ScoreListView,
    ScoresQuery,
)
from iew.services import boards, pairings
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, unit_of_work
from iew.web.pairing import concepts, line_shown, pair_shown, posts_meant, shown, themes, words

Values = Mapping[str, Any]

api = Blueprint("pairings", __name__, url_prefix="/api/v1", description="Many schools of both sides brought together")


@api.get("/pairings")
@requires("pairing.read")
@api.arguments(ListQuery, location="query")
@api.response(200, PairingListView)
def listed(query: Values) -> Page[dict[str, Any]]:
    """The pairings of your unit, the latest first; the administrator sees all."""
    with unit_of_work() as uow:
        found = boards.listed(uow, current_actor(), **query)
        return Page([line_shown(line) for line in found.items], found.next_cursor, found.total)


@api.post("/pairings")
@requires("pairing.write")
@api.arguments(PairingInput)
@api.response(201, PairingView)
def make(values: Values) -> dict[str, Any]:
    """Bring up to 500 public posts of each side together; the reply has the scores and the pairs proposed."""
    with unit_of_work() as uow:
        pairing = pairings.make(uow, posts_meant(uow, values), current_actor(), concepts=concepts(), themes=themes)
        return shown(boards.board_of(uow, pairing, current_actor()))


@api.get("/pairings/<pairing_id>")
@requires("pairing.read")
@api.response(200, PairingView)
def look(pairing_id: str) -> dict[str, Any]:
    """One pairing: its posts, the scores with their reasons, pins and bans, and the pairs proposed."""
    with unit_of_work() as uow:
        return shown(boards.look(uow, pairing_id, current_actor()))


@api.get("/pairings/<pairing_id>/scores")
@requires("pairing.read")
@api.arguments(ScoresQuery, location="query")
@api.response(200, ScoreListView)
def scores(query: Values, pairing_id: str) -> Page[dict[str, Any]]:
    """Every pair that no rule and no case stands against, best first; of one post where it is named."""
    with unit_of_work() as uow:
        found, say = boards.scores_of(uow, pairing_id, current_actor(), **query), words()
        return Page([pair_shown(pair, say) for pair in found.items], found.next_cursor, found.total)


@api.post("/pairings/<pairing_id>/actions/solve")
@requires("pairing.write")
@api.arguments(NothingElse)
@api.response(200, PairingView)
def solve(_: Values, pairing_id: str) -> dict[str, Any]:
    """Compare the posts as they are now, and propose the best pairs anew."""
    with unit_of_work() as uow:
        seen = if_match()
        pairing = pairings.solve(
            uow, pairing_id, current_actor(), concepts=concepts(), themes=themes, seen_version=seen
        )
        return shown(boards.board_of(uow, pairing, current_actor()))


@api.post("/pairings/<pairing_id>/actions/pin")
@requires("pairing.write")
@api.arguments(PairInput)
@api.response(200, PairingView)
def pin(values: Values, pairing_id: str) -> dict[str, Any]:
    """Let two posts come together whatever their score, in the place of a ban; the rest is proposed around them."""
    with unit_of_work() as uow:
        pairing = pairings.pin(uow, pairing_id, values, current_actor(), seen_version=if_match())
        return shown(boards.board_of(uow, pairing, current_actor()))


@api.post("/pairings/<pairing_id>/actions/forbid")
@requires("pairing.write")
@api.arguments(PairInput)
@api.response(200, PairingView)
def forbid(values: Values, pairing_id: str) -> dict[str, Any]:
    """Keep two posts from coming together, in the place of a pin; the rest is proposed anew."""
    with unit_of_work() as uow:
        pairing = pairings.forbid(uow, pairing_id, values, current_actor(), seen_version=if_match())
        return shown(boards.board_of(uow, pairing, current_actor()))


@api.post("/pairings/<pairing_id>/actions/release")
@requires("pairing.write")
@api.arguments(PairInput)
@api.response(200, PairingView)
def release(values: Values, pairing_id: str) -> dict[str, Any]:
    """Take back the pin or the ban of two posts, or every pin and ban where no post is named, and propose anew."""
    with unit_of_work() as uow:
        pairing = pairings.release(uow, pairing_id, values, current_actor(), seen_version=if_match())
        return shown(boards.board_of(uow, pairing, current_actor()))


@api.post("/pairings/<pairing_id>/actions/accept")
@requires("pairing.write")
@api.arguments(NothingElse)
@api.response(200, PairingView)
def accept(_: Values, pairing_id: str) -> dict[str, Any]:
    """Make a case of each pair, all or none: assisted, in progress with the unit, the partner proposed."""
    with unit_of_work() as uow:
        pairing = pairings.accept(uow, pairing_id, current_actor(), seen_version=if_match())
        return shown(boards.board_of(uow, pairing, current_actor()))
