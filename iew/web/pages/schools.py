"""Schools as their unit and the administrator see them, and a school's own entry."""

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as Reply

from iew.errors import N_
from iew.schemas.schools import SchoolChange, SchoolDecision, SchoolListQuery, SchoolListView, SchoolView, SeenSchool
from iew.services import addresses, schools
from iew.web.access import requires
from iew.web.context import current_actor, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("schools", __name__)

_DECIDED = {
    "approve": N_("The school is approved and told by mail."),
    "ask": N_("Your question is on its way to the school."),
    "reject": N_("The school is rejected and told why."),
}


@pages.get("/<lang>/schools")
@requires("school.list")
def listed(lang: str) -> Reply:
    """Those that wait for approval first, unless a status is asked for."""
    query = asked_by(SchoolListQuery)
    with unit_of_work() as uow:
        found = schools.schools_for(uow, current_actor(), **query)
        items = [SeenSchool(school, current_actor()) for school in found.items]
        shown = SchoolListView().dump({"items": items, "next_cursor": found.next_cursor, "total": found.total})
        return page("schools/listed.html", chosen=query["status"], **shown)


@pages.get("/<lang>/schools/<school_id>")
@requires("school.read")
def show(lang: str, school_id: str) -> Reply:
    return _page_of(school_id, None)


@pages.post("/<lang>/schools/<school_id>/<any(approve,ask,reject):action>")
@requires("school.act")
def decide(lang: str, school_id: str, action: str) -> Reply:
    form = Form.posted(SchoolDecision)
    with form.attempt(), unit_of_work() as uow:
        schools.decide(
            uow, school_id, action, current_actor(), seen_version=form.version, reason=form.data.get("reason")
        )
    if form.refused:
        return _page_of(school_id, form, tried=action)
    tell(_(_DECIDED[action]))
    return redirect(page_url("schools.show", school_id=school_id))


@pages.get("/<lang>/schools/<school_id>/edit")
@requires("school.change")
def edit(lang: str, school_id: str) -> Reply:
    with unit_of_work() as uow:
        shown = SchoolView().dump(SeenSchool(schools.find_school(uow, school_id, current_actor()), current_actor()))
        return page("schools/edit.html", form=Form.blank(shown, version=shown["version"]), school=shown)


@pages.post("/<lang>/schools/<school_id>/edit")
@requires("school.change")
def save(lang: str, school_id: str) -> Reply:
    form = Form.posted(SchoolChange)
    with form.attempt(), unit_of_work() as uow:
        schools.change(uow, school_id, form.data, current_actor(), seen_version=form.version)
    if form.refused:
        with unit_of_work() as uow:
            seen = SeenSchool(schools.find_school(uow, school_id, current_actor()), current_actor())
            return page("schools/edit.html", form=form, school=SchoolView().dump(seen))
    tell(_("The entry is saved."))
    return redirect(page_url("schools.show", school_id=school_id))


def _page_of(school_id: str, form: Form | None, *, tried: str | None = None) -> Reply:
    actor = current_actor()
    with unit_of_work() as uow:
        shown = SchoolView().dump(SeenSchool(schools.find_school(uow, school_id, actor), actor))
        form = form or Form.blank()
        form.version = shown["version"]
        own = actor.school_id == shown["id"]
        reach = addresses.reach_of(uow, school_id) if addresses.may_know_reach(uow, school_id, actor) else None
        return page("schools/show.html", form=form, school=shown, own=own, tried=tried, reach=reach)
