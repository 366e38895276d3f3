"""The operators' desk: what waits and what is stuck, people, units, and the record of who did what."""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Role
from iew.schemas.accounts import NewStaff
from iew.schemas.audit import AuditQuery, EventListView
from iew.schemas.forwards import OverlookedQuery
from iew.schemas.lists import ListQuery
from iew.services import accounts, addresses, audit, deliveries, forwards, inbox, people, units
from iew.services.accounts import NewUser
from iew.web.access import requires
from iew.web.area_posts import card_for
from iew.web.context import current_actor, current_language, house, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("admin", __name__)


@pages.get("/<lang>/admin")
@requires("operations.read")
def overview(lang: str) -> Reply:
    with unit_of_work() as uow:
        stuck = deliveries.jobs(uow, state="parked", limit=10)
        waiting = inbox.counts(uow, current_actor())
        return page("admin/overview.html", counts=deliveries.counts(uow), stuck=stuck.items, waiting=waiting)


@pages.get("/<lang>/admin/jobs")
@requires("operations.read")
def jobs(lang: str) -> Reply:
    query = asked_by(ListQuery)
    state = request.args.get("state") if request.args.get("state") in deliveries.STATES else None
    with unit_of_work() as uow:
        found = deliveries.jobs(uow, state=state, **query)
        return page("admin/jobs.html", items=found.items, next_cursor=found.next_cursor, total=found.total, state=state)


@pages.post("/<lang>/admin/jobs/<int:row_id>/<any(retry,drop):action>")
@requires("operations.write")
def settle_job(lang: str, row_id: int, action: str) -> Reply:
    with unit_of_work() as uow:
        verb = deliveries.retry if action == "retry" else deliveries.drop
        verb(uow, row_id, current_actor())
    tell(_("The job is tried again at once.") if action == "retry" else _("The job is given up."))
    return redirect(page_url("admin.jobs", state="parked"))


@pages.get("/<lang>/admin/users")
@requires("users.read")
def users(lang: str) -> Reply:
    return _users_page(Form.blank())


@pages.post("/<lang>/admin/users")
@requires("users.write")
def add_user(lang: str) -> Reply:
    """A confirmed account for staff of a centre or an office; its password is shown once."""
    form = Form.posted(NewStaff)
    made = None
    with form.attempt(), unit_of_work() as uow:
        said = form.data
        unit = units.named(uow, said["unit"])
        new = NewUser(said["email"], Role(unit.kind), said["name"], None, unit.code, said["language"])
        made = accounts.add_user(uow, new, None, hasher=house().hasher, actor=current_actor())
    return _users_page(form if form.refused else Form.blank(), made=made if not form.refused else None)


@pages.post("/<lang>/admin/users/<user_id>/mail-arrives")
@requires("users.write")
def accept_again(lang: str, user_id: str) -> Reply:
    with unit_of_work() as uow:
        user = people.find(uow, user_id, current_actor())
        addresses.accept_again(uow, user, current_actor())
        tell(_("Mails are sent to %(email)s again.", email=user.email))
    return redirect(page_url("admin.users", mail="refused"))


@pages.post("/<lang>/admin/users/<user_id>/disable")
@requires("users.write")
def disable_user(lang: str, user_id: str) -> Reply:
    with unit_of_work() as uow:
        user = accounts.disable(uow, people.find(uow, user_id, current_actor()).email, current_actor())
        tell(_("The account %(email)s is closed; its sessions and keys have ended.", email=user.email))
    return redirect(page_url("admin.users"))


@pages.get("/<lang>/admin/units")
@requires("users.read")
def list_units(lang: str) -> Reply:
    with unit_of_work() as uow:
        lines = units.overview(uow, current_language())
        return page("admin/units.html", units=lines)


@pages.get("/<lang>/admin/not-passed-on")
@requires("invitation.overlooked")
def not_passed_on(lang: str) -> Reply:
    """Public posts that no centre and no office has passed on, those that wait longest first."""
    query: dict[str, Any] = asked_by(OverlookedQuery)
    with unit_of_work() as uow:
        found = forwards.not_passed_on(uow, **query)
        lines = [(row, card_for(row.post, current_actor())) for row in found.items]
        choices = [(unit.code, f"{unit.code} · {unit.name(current_language())}") for unit in units.all_units(uow)]
        return page(
            "admin/not_passed_on.html", form=Form.blank(request.args.to_dict()), lines=lines, total=found.total,
            next_cursor=found.next_cursor, unit_choices=choices,
        )  # fmt: skip


@pages.get("/<lang>/admin/audit")
@requires("audit.read")
def record(lang: str) -> Reply:
    query: dict[str, Any] = asked_by(AuditQuery)
    with unit_of_work() as uow:
        filters = audit.filters_of(**{name: query[name] for name in ("subject", "actor", "since", "until")})
        found = audit.events(uow, current_actor(), filters, cursor=query["cursor"], limit=query["limit"])
        shown = EventListView().dump({"items": found.items, "next_cursor": found.next_cursor, "total": found.total})
        return page("admin/audit.html", form=Form.blank(request.args.to_dict()), **shown)


def _users_page(form: Form, *, made: Any = None) -> Reply:
    query, refused = asked_by(ListQuery), request.args.get("mail") == "refused"
    with unit_of_work() as uow:
        found = people.listed(uow, current_actor(), wanted=request.args.get("q"), refused=refused, **query)
        choices = [(unit.code, f"{unit.code} · {unit.name(current_language())}") for unit in units.all_units(uow)]
        return page(
            "admin/users.html", form=form, items=found.items, next_cursor=found.next_cursor, total=found.total,
            unit_choices=choices, made=made, refused=refused,
        )  # fmt: skip
