"""The way to the provider of single sign-on and back."""

from flask import Blueprint, redirect, request, session, url_for
from werkzeug.wrappers import Response

from iew.web import session as browser
from iew.web import single_sign_on
from iew.web.access import requires
from iew.web.carrying import safe_path
from iew.web.context import house

pages = Blueprint("single_sign_on", __name__)


@pages.get("/<lang>/sign-in/single")
@requires("session.open_vouched")
def begin(lang: str) -> Response:
    """Go to the provider; remember where the person wanted to go."""
    reply = single_sign_on.begin(house().base_url + url_for("single_sign_on.finish", lang=lang))
    session["next"] = safe_path(request.args.get("next"))
    return reply


@pages.get("/<lang>/sign-in/single/done")
@requires("session.open_vouched")
def finish(lang: str) -> Response:
    """Come back from the provider, and go on."""
    email, goal = single_sign_on.finish(), safe_path(session.get("next"))
    provider = house().provider
    opened = browser.sign_in_vouched(email, provider.issuer if provider else "")
    return redirect(goal or f"/{opened.user.language}/")
