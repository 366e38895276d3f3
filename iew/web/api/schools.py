"""Schools: open sign-up, the approval of their unit, their own entry, their colleagues."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from iew.db import Page
from iew.schemas.schools import (
    Colleague,
    SchoolChange,
    SchoolDecision,
    SchoolListQuery,
    SchoolListView,
    SchoolView,
    SeenSchool,
    SignUp,
    SignUpView,
)
from iew.services import accounts, schools
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, house, unit_of_work

P = ParamSpec("P")
api = Blueprint("schools", __name__, url_prefix="/api/v1", description="Schools and their approval")


def about(act: str | None = None) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Ask whether the asker may do `act` (None: the action in the address) before looking at what was sent."""

    def guard(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            with unit_of_work() as uow:
                schools.permit(uow, str(kwargs["school_id"]), current_actor(), act or str(kwargs["action"]))
            return view(*args, **kwargs)

        return guarded

    return guard


@api.post("/schools")
@requires("school.sign_up")
@api.arguments(SignUp)
@api.response(201, SignUpView)
def sign_up(body: dict[str, Any]) -> dict[str, str]:
    """Sign a school up with its first user. The reply is the same for an address that has an account already."""
    password_hash = accounts.hash_password(house().hasher, body["user"]["password"])
    with unit_of_work() as uow:
        schools.sign_up(uow, body["school"], body["user"], password_hash=password_hash)
    return {"status": "pending"}


@api.get("/schools")
@requires("school.list")
@api.arguments(SchoolListQuery, location="query")
@api.response(200, SchoolListView)
def list_schools(query: dict[str, Any]) -> Page[SeenSchool]:
    """The schools a unit works with: those it approves, and the approved ones of its ground; the administrator: all."""
    actor = current_actor()
    with unit_of_work() as uow:
        page = schools.schools_for(uow, actor, **query)
    return Page([SeenSchool(school, actor) for school in page.items], page.next_cursor, page.total)


@api.get("/schools/<school_id>")
@requires("school.read")
@api.response(200, SchoolView)
def show_school(school_id: str) -> SeenSchool:
    """One school. Approved ones are public."""
    with unit_of_work() as uow:
        return SeenSchool(schools.find_school(uow, school_id, current_actor()), current_actor())


@api.patch("/schools/<school_id>")
@requires("school.change")
@about("change")
@api.arguments(SchoolChange)
@api.response(200, SchoolView)
def change_school(body: dict[str, Any], school_id: str) -> SeenSchool:
    """Correct a school's entry. A school that was asked something waits for approval again."""
    actor = current_actor()
    with unit_of_work() as uow:
        school = schools.change(uow, school_id, body, actor, seen_version=if_match(required=True))
        return SeenSchool(school, actor)


@api.post("/schools/<school_id>/actions/<any(approve,ask,reject):action>")
@requires("school.act")
@about()
@api.arguments(SchoolDecision)
@api.response(200, SchoolView)
def decide(body: dict[str, Any], school_id: str, action: str) -> SeenSchool:
    """Approve a school, ask it something, or reject it; by the unit of its place or the administrator."""
    actor = current_actor()
    with unit_of_work() as uow:
        school = schools.decide(uow, school_id, action, actor, seen_version=if_match(), reason=body["reason"])
        return SeenSchool(school, actor)


@api.post("/schools/<school_id>/colleagues")
@requires("school.invite_colleague")
@api.arguments(Colleague)
@api.response(201, SignUpView)
def invite_colleague(body: dict[str, Any], school_id: str) -> dict[str, str]:
    """Invite a colleague of one's own school; the mail leads to a page to choose a password."""
    with unit_of_work() as uow:
        accounts.invite_colleague(uow, school_id, body, current_actor())
    return {"status": "invited"}
