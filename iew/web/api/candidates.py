"""The search within a case, by its unit: what the wish says is filled in, and each parameter can be changed."""

from collections.abc import Mapping
from typing import Any

from flask import request

from iew.schemas.candidates import CandidatesQuery, CandidatesView
from iew.services import candidates
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, unit_of_work
from iew.web.searching import found_by

api = Blueprint("candidates", __name__, url_prefix="/api/v1", description="Schools that a unit could propose")


@api.get("/matches/<match_id>/candidates")
@requires("match.read")
@api.arguments(CandidatesQuery, location="query")
@api.response(200, CandidatesView)
def search(query: Mapping[str, Any], match_id: str) -> Mapping[str, Any]:
    """Public posts of the other side that meet what the case looks for.

    A parameter that you name takes the place of the wish's, an empty one lifts it; `asked_by` shows what was searched
    by. Each post says under `proposal` how its school stands in this case. For the unit that has the case, and the
    administrator.
    """
    with unit_of_work() as uow:
        wished = candidates.search_params(uow, match_id, current_actor(), instead=frozenset(request.args))
        params = {**query, **wished}
        return {**found_by(uow, params), "asked_by": params, "standing": candidates.standing(uow, match_id)}
