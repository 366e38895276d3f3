"""Searches that people keep: the list, keeping one, and stopping its mails by the link in them."""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.models import SavedSearch
from iew.schemas.lists import ListQuery
from iew.schemas.saved_searches import NAME_LENGTH, SavedSearchChange, SavedSearchInput, SearchParams
from iew.services import saved_searches
from iew.web.access import requires
from iew.web.conditional import seen_in_form
from iew.web.context import current_actor, current_user, house, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell
from iew.web.results import in_words

pages = Blueprint("saved_searches", __name__)


@pages.get("/<lang>/saved-searches")
@requires("saved_search.read")
def listed(lang: str) -> Reply:
    query = asked_by(ListQuery)
    with unit_of_work() as uow:
        found = saved_searches.listed(uow, current_actor(), **query)
        kept = [(search, in_words(search.params), _address_of(search)) for search in found.items]
        return page("saved_searches/listed.html", kept=kept, next_cursor=found.next_cursor, rhythms=_rhythms())


@pages.get("/<lang>/saved-searches/new")
@requires("saved_search.write")
def new(lang: str) -> Reply:
    """The search in the address, to be given a name and kept."""
    params = _params_asked()
    return _new_page(Form.blank({"name": _name_for(params), "params": params, "frequency": "daily"}), params)


@pages.post("/<lang>/saved-searches/new")
@requires("saved_search.write")
def keep(lang: str) -> Reply:
    form = Form.posted(SavedSearchInput)
    with form.attempt(), unit_of_work() as uow:
        saved_searches.keep(uow, form.data, current_actor())
    if form.refused:
        return _new_page(form, {})
    tell(_("The search is saved. A mail tells you when something new fits it."))
    return redirect(page_url("saved_searches.listed"))


@pages.post("/<lang>/saved-searches/<search_id>")
@requires("saved_search.write")
def change(lang: str, search_id: str) -> Reply:
    """Set how often a search tells, or pause it."""
    values = Form.posted(SavedSearchChange).data
    with unit_of_work() as uow:
        saved_searches.change(uow, search_id, values, current_actor(), seen_version=seen_in_form())
    tell(_("The search is changed."))
    return redirect(page_url("saved_searches.listed"))


@pages.post("/<lang>/saved-searches/<search_id>/delete")
@requires("saved_search.write")
def drop(lang: str, search_id: str) -> Reply:
    with unit_of_work() as uow:
        saved_searches.drop(uow, search_id, current_actor())
    tell(_("The search is deleted."))
    return redirect(page_url("saved_searches.listed"))


@pages.get("/stop-search/<key>")
@requires("mail_link.open")
def show_stop(key: str) -> Reply:
    """Whether mails come, and a button; opening the link changes nothing."""
    with unit_of_work() as uow:
        found = saved_searches.behind(uow, house().secret_key, key)
        return page("saved_searches/stop.html", key=key, found=found)


@pages.post("/stop-search/<key>")
@requires("mail.unsubscribe")
def stop(key: str) -> Reply:
    """Stop the mails, or take that back; a mail program sends no more than the wish to stop."""
    with unit_of_work() as uow:
        resume = request.form.get("resume") == "yes"
        found = saved_searches.pause(uow, house().secret_key, key, paused=not resume)
        return page("saved_searches/stop.html", key=key, found=found)


def _new_page(form: Form, params: dict[str, Any]) -> Reply:
    return page("saved_searches/new.html", form=form, lines=in_words(params), rhythms=_rhythms())


def _params_asked() -> dict[str, Any]:
    """The search in the address; a parameter that makes no sense is left out, as the page of the search does."""
    form = Form.blank()
    with form.attempt():
        return asked_by(SearchParams)
    return asked_by(SearchParams, without=form.faults)


def _name_for(params: dict[str, Any]) -> str:
    """What a search may be called at first: its words and choices."""
    return _(", ").join(words for _name, words in in_words(params))[:NAME_LENGTH] or _("All invitations")


def _address_of(search: SavedSearch) -> str:
    return page_url("search.results", **{name: value for name, value in search.params.items() if name != "lang"})


def _rhythms() -> list[tuple[str, str]]:
    """What can be chosen, in words; the hour is the reader's own choice, made on the page of the account."""
    hour = current_user().news_hour
    return [
        ("instant", _("at once")),
        ("daily", _("every day at %(hour)s:00", hour=hour)),
        ("weekly", _("on Mondays at %(hour)s:00", hour=hour)),
    ]
