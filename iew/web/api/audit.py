"""The record of who did what, for administrators."""

from typing import Any

from iew.db import Page
from iew.models import Event
from iew.schemas.audit import AuditQuery, EventListView
from iew.services import audit
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, unit_of_work

api = Blueprint("audit", __name__, url_prefix="/api/v1", description="Who did what; nobody can change it")


@api.get("/audit")
@requires("audit.read")
@api.arguments(AuditQuery, location="query")
@api.response(200, EventListView)
def list_events(query: dict[str, Any]) -> Page[Event]:
    """What happened, latest first: to schools, posts and cases for the IEW administrator; sign-ins, refusals and the
    machine for the system administrator."""
    with unit_of_work() as uow:
        filters = audit.filters_of(**{name: query[name] for name in ("subject", "actor", "since", "until")})
        return audit.events(uow, current_actor(), filters, cursor=query["cursor"], limit=query["limit"])
