"""Signing up, in and out, forgotten passwords, and one's own account."""

from flask import Blueprint, redirect, request, session
from werkzeug.wrappers import Response as Reply

from iew.errors import N_, NotSignedIn
from iew.i18n import say
from iew.schemas import accounts as schemas
from iew.schemas.schools import Colleague, SignUp
from iew.schemas.tokens import NewToken
from iew.services import accounts, links, schools
from iew.services.links import Purpose
from iew.web import session as browser
from iew.web.access import requires
from iew.web.carrying import carried_on, safe_path
from iew.web.context import (
    current_actor,
    current_language,
    current_user,
    house,
    identity,
    unit_of_work,
)
from iew.web.forms import Form
from iew.web.own_account import account_of
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell
from iew.web.signing_up import approver_of, finer_places, place_asked

pages = Blueprint("accounts", __name__)


# signing up


@pages.get("/<lang>/sign-up")
@requires("page.read")
def sign_up(lang: str) -> Reply:
    """First the place, in one or two steps; then the form, which says who will check it."""
    place = place_asked()
    with unit_of_work() as uow:
        finer = finer_places(uow, place)
        if place.country is None or finer is not None:
            return page(
                "accounts/sign_up_place.html", form=Form.blank({"country": place.country}), place=place, finer=finer
            )
        values = {"school": vars(place), "user": {"language": current_language()}}
        return page("accounts/sign_up.html", form=Form.blank(values), place=place, approver=approver_of(uow, place))


@pages.post("/<lang>/sign-up")
@requires("school.sign_up")
def register(lang: str) -> Reply:
    form = Form.posted(SignUp)
    with form.attempt(), unit_of_work() as uow:
        hashed = accounts.hash_password(house().hasher, form.data["user"]["password"])
        schools.sign_up(uow, form.data["school"], form.data["user"], password_hash=hashed)
    if not form.refused:
        return redirect(page_url("accounts.signed_up"))
    with unit_of_work() as uow:
        place = place_asked()
        return page("accounts/sign_up.html", form=form, place=place, approver=approver_of(uow, place))


@pages.get("/<lang>/sign-up/done")
@requires("page.read")
def signed_up(lang: str) -> Reply:
    return page("accounts/signed_up.html")


@pages.get("/<lang>/confirm/<token>")
@requires("mail_link.open")
def confirm(lang: str, token: str) -> Reply:
    """A page with a button: mail scanners open links, so opening confirms nothing."""
    with unit_of_work() as uow:
        links.find(uow, house().secret_key, Purpose.CONFIRM_ADDRESS, token)
    return page("accounts/confirm.html", token=token)


@pages.post("/<lang>/confirm/<token>")
@requires("mail_link.use")
def confirm_address(lang: str, token: str) -> Reply:
    with unit_of_work() as uow:
        accounts.confirm_address(uow, links.find(uow, house().secret_key, Purpose.CONFIRM_ADDRESS, token))
    return page("accounts/confirmed.html")


# in and out


@pages.get("/<lang>/sign-in")
@requires("page.read")
def sign_in(lang: str) -> Reply:
    """The form; who is signed in already goes on."""
    if current_actor().signed_in:
        return redirect(safe_path(request.args.get("next")) or page_url("home.start"))
    return page("accounts/sign_in.html", form=Form.blank())


@pages.post("/<lang>/sign-in")
@requires("session.open")
def open_session(lang: str) -> Reply:
    """Sign in, then go where the person wanted to go, or back to the form that was on its way."""
    form, opened = Form.posted(schemas.SignIn), None
    with form.attempt(NotSignedIn):
        opened = browser.sign_in(form.data["email"], form.data["password"])
    if opened is None:
        return page("accounts/sign_in.html", form=form)
    return _on_the_way(opened.user.language)


def _on_the_way(language: str) -> Reply:
    """After a sign-in: the form that was on its way, else the page that was asked for, else the start page."""
    if (going := carried_on()) is not None:
        goal, form = going
        return page("accounts/carry_on.html", carried_to=goal, carried=form)
    return redirect(safe_path(request.form.get("next")) or f"/{language}/")


@pages.post("/<lang>/sign-out")
@requires("session.close")
def sign_out(lang: str) -> Reply:
    if current_actor().signed_in:
        browser.sign_out()
    tell(_("You are signed out."))
    return redirect(page_url("home.start"))


# forgotten passwords


@pages.get("/<lang>/forgotten")
@requires("page.read")
def forgotten(lang: str) -> Reply:
    return page("accounts/forgotten.html", form=Form.blank())


@pages.post("/<lang>/forgotten")
@requires("password.ask_reset")
def ask_reset(lang: str) -> Reply:
    """The same answer whether or not there is such an account."""
    form = Form.posted(schemas.AskReset)
    with form.attempt(), unit_of_work() as uow:
        accounts.ask_reset(uow, form.data["email"])
    return page("accounts/forgotten.html" if form.refused else "accounts/link_sent.html", form=form)


@pages.get("/<lang>/reset/<token>")
@requires("mail_link.open")
def new_password(lang: str, token: str) -> Reply:
    with unit_of_work() as uow:
        links.find(uow, house().secret_key, Purpose.RESET_PASSWORD, token)
    return page("accounts/new_password.html", form=Form.blank(), token=token)


@pages.post("/<lang>/reset/<token>")
@requires("mail_link.use")
def set_password(lang: str, token: str) -> Reply:
    form = Form.posted(schemas.ChoosePassword)
    with form.attempt(), unit_of_work() as uow:
        link = links.find(uow, house().secret_key, Purpose.RESET_PASSWORD, token)
        accounts.reset_password(uow, link, form.data["password"], hasher=house().hasher)
    if form.refused:
        return page("accounts/new_password.html", form=form, token=token)
    session.clear()
    tell(_("Your new password is set. Please sign in with it."))
    return redirect(page_url("accounts.sign_in"))


# one's own account


@pages.get("/<lang>/account")
@requires("me.read")
def account(lang: str) -> Reply:
    with unit_of_work() as uow:
        return page("accounts/account.html", **account_of(uow))


@pages.post("/<lang>/account")
@requires("me.change")
def change_account(lang: str) -> Reply:
    form = Form.posted(schemas.MeChange)
    with form.attempt(), unit_of_work() as uow:
        accounts.change_me(uow, current_actor(), form.data, seen_version=form.version)
    if form.refused:
        with unit_of_work() as uow:
            return page("accounts/account.html", **account_of(uow, form=form))
    language = form.data.get("language", lang)
    tell(say(N_("Saved."), language))
    return redirect(f"/{language}/account")


@pages.post("/<lang>/account/news")
@requires("me.change")
def choose_news(lang: str) -> Reply:
    """When the one mail a day comes, and whether it tells of schools that could fit."""
    form = Form.posted(schemas.NewsChoice, name="news")
    with form.attempt(), unit_of_work() as uow:
        accounts.change_me(uow, current_actor(), form.data, seen_version=form.version)
    if form.refused:
        with unit_of_work() as uow:
            return page("accounts/account.html", status=form.status, **account_of(uow, news_form=form))
    tell(_("Your choice is saved."))
    return redirect(page_url("accounts.account"))


@pages.post("/<lang>/account/address")
@requires("me.change_address")
def ask_new_address(lang: str) -> Reply:
    """Send a link to another address; the answer is the same whether or not somebody has it already."""
    form = Form.posted(schemas.NewAddress, name="address")
    with form.attempt(), unit_of_work() as uow:
        email, password = form.data["email"], form.data["password"]
        accounts.ask_new_address(uow, current_actor(), email, password, hasher=house().hasher)
    if form.refused:
        with unit_of_work() as uow:
            return page("accounts/account.html", status=form.status, **account_of(uow, address_form=form))
    tell(_("A mail with a link is on its way to the new address. Until you use the link nothing changes."))
    return redirect(page_url("accounts.account"))


@pages.get("/<lang>/new-address/<token>")
@requires("mail_link.open")
def new_address(lang: str, token: str) -> Reply:
    """A page with a button; opening changes nothing."""
    with unit_of_work() as uow:
        link = links.find(uow, house().secret_key, Purpose.CHANGE_ADDRESS, token)
        return page("accounts/new_address.html", form=Form.blank(), token=token, address=link.address)


@pages.post("/<lang>/new-address/<token>")
@requires("mail_link.use")
def change_address(lang: str, token: str) -> Reply:
    form = Form.blank()
    with form.attempt(), unit_of_work() as uow:
        accounts.change_address(uow, links.find(uow, house().secret_key, Purpose.CHANGE_ADDRESS, token))
    if form.refused:
        return page("accounts/new_address.html", form=form, token=token, address=None)
    tell(_("From now on you sign in with this address, and our mails go there."))
    return redirect(page_url("accounts.account" if current_actor().signed_in else "accounts.sign_in"))


@pages.post("/<lang>/account/password")
@requires("me.change")
def change_password(lang: str) -> Reply:
    form, known = Form.posted(schemas.ChangePassword, name="password"), identity()
    with form.attempt(), unit_of_work() as uow:
        session_id = known.session_id if known else None
        old, new = form.data["old_password"], form.data["password"]
        accounts.change_password(uow, current_actor(), old, new, hasher=house().hasher, session_id=session_id)
    if form.refused:
        with unit_of_work() as uow:
            return page("accounts/account.html", status=form.status, **account_of(uow, password_form=form))
    tell(_("Your new password is set. You are signed out everywhere else."))
    return redirect(page_url("accounts.account"))


@pages.post("/<lang>/account/sessions/<session_id>/end")
@requires("me.change")
def end_session(lang: str, session_id: str) -> Reply:
    with unit_of_work() as uow:
        accounts.end_session(uow, session_id, current_actor())
    tell(_("That browser is signed out."))
    return redirect(page_url("accounts.account"))


@pages.post("/<lang>/account/confirm")
@requires("me.change")
def ask_confirmation(lang: str) -> Reply:
    with unit_of_work() as uow:
        accounts.ask_confirmation(uow, current_actor())
    tell(_("A new mail with a link is on its way."))
    return redirect(page_url("accounts.account"))


@pages.post("/<lang>/account/colleagues")
@requires("school.invite_colleague")
def invite_colleague(lang: str) -> Reply:
    form, actor = Form.posted(Colleague, name="colleague"), current_actor()
    with form.attempt(), unit_of_work() as uow:
        accounts.invite_colleague(uow, actor.school_id or "", form.data, actor)
    if form.refused:
        with unit_of_work() as uow:
            return page("accounts/account.html", status=form.status, **account_of(uow, colleague_form=form))
    tell(_("Your colleague gets a mail with a link."))
    return redirect(page_url("accounts.account"))


@pages.post("/<lang>/account/tokens")
@requires("me.change")
def make_token(lang: str) -> Reply:
    """A new key, shown this once; so it is a page and no redirect."""
    form, key = Form.posted(NewToken, name="token"), None
    with form.attempt(), unit_of_work() as uow:
        key = accounts.create_token(uow, current_user().email, name=form.data["name"], days=form.data["days"])
    with unit_of_work() as uow:
        return page("accounts/account.html", status=form.status, **account_of(uow, token_form=form, new_token=key))


@pages.post("/<lang>/account/tokens/<token_id>/end")
@requires("me.change")
def end_token(lang: str, token_id: str) -> Reply:
    with unit_of_work() as uow:
        accounts.end_token(uow, token_id, current_actor())
    tell(_("That key opens nothing any more."))
    return redirect(page_url("accounts.account"))
