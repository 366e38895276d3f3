"""What a centre or an office chooses for itself and sees of its area: how often its digest comes, what the next one
would hold, which posts look for partners there."""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.schemas.lists import ListQuery
from iew.schemas.units import DigestChoice
from iew.services import digests, forwards, readings, units
from iew.web.access import requires
from iew.web.area_posts import lines_for, preview_of
from iew.web.context import current_actor, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("unit", __name__)


@pages.get("/<lang>/unit")
@requires("unit.read")
def show(lang: str) -> Reply:
    return _page_of(None)


@pages.post("/<lang>/unit")
@requires("unit.change")
def choose(lang: str) -> Reply:
    form = Form.posted(DigestChoice)
    with form.attempt(), unit_of_work() as uow:
        units.choose_digest(uow, form.data["frequency"], current_actor())
    if form.refused:
        return _page_of(form)
    tell(_("Your choice is saved."))
    return redirect(page_url("unit.show"))


@pages.get("/<lang>/unit/digest")
@requires("unit.read")
def next_digest(lang: str) -> Reply:
    """What would come next; looking at it changes nothing."""
    with unit_of_work() as uow:
        own = units.own_unit(uow, current_actor())
        return page("unit/digest.html", unit=own, **preview_of(uow, digests.preview(uow, own)))


@pages.get("/<lang>/unit/posts")
@requires("unit.read")
def posts(lang: str) -> Reply:
    """The posts that look for partners in the area: those nobody here has opened, those kept back, or all."""
    query, asked = asked_by(ListQuery), request.args.get("show", "")
    show = asked if asked in forwards.SHOWN else "all"
    with unit_of_work() as uow:
        found = forwards.posts_for(uow, current_actor(), show=show, **query)
        values: dict[str, Any] = {"show": show, "counts": forwards.counts_for(uow, current_actor())}
        lines = lines_for(uow, found.items)
        return page("unit/posts.html", lines=lines, next_cursor=found.next_cursor, **values)


@pages.post("/<lang>/unit/posts/seen")
@requires("unit.change")
def mark_seen(lang: str) -> Reply:
    """The unit has seen the whole list."""
    with unit_of_work() as uow:
        readings.note_seen(uow, forwards.unopened_for(uow, current_actor()), current_actor())
    tell(_("All of them count as seen now."))
    return redirect(page_url("unit.posts"))


def _page_of(form: Form | None) -> Reply:
    with unit_of_work() as uow:
        own = units.own_unit(uow, current_actor())
        return page(
            "unit/show.html",
            form=form or Form.blank({"frequency": own.digest_frequency}),
            unit=own,
            choices_made=units.choices_of(uow, own),
            counts=forwards.counts_for(uow, current_actor()),
        )
