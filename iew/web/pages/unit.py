"""What a centre or an office chooses for itself: how often its digest comes, and what the next one would hold."""

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as Reply

from iew.schemas.units import DigestChoice
from iew.services import units
from iew.web.access import requires
from iew.web.context import current_actor, unit_of_work
from iew.web.forms import Form
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("unit", __name__)


@pages.get("/<lang>/unit")
@requires("unit.read")
def show(lang: str) -> Reply:
    with unit_of_work() as uow:
        own = units.own_unit(uow, current_actor())
        return page("unit/show.html", form=Form.blank({"frequency": own.digest_frequency}), unit=own)


@pages.post("/<lang>/unit")
@requires("unit.change")
def choose(lang: str) -> Reply:
    form = Form.posted(DigestChoice)
    with form.attempt(), unit_of_work() as uow:
        units.choose_digest(uow, form.data["frequency"], current_actor())
    if form.refused:
        with unit_of_work() as uow:
            return page("unit/show.html", form=form, unit=units.own_unit(uow, current_actor()))
    tell(_("Your choice is saved."))
    return redirect(page_url("unit.show"))
