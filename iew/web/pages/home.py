"""The start page, the pages that explain, and the small files at the root that browsers ask for."""

from flask import Blueprint, Response, redirect, request, send_from_directory
from werkzeug.wrappers import Response as Reply

from iew import i18n
from iew.errors import Unavailable
from iew.schemas.invitations import InvitationView, Seen
from iew.services import invitations
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, unit_of_work
from iew.web.guide import FACETS, Guide, guide_of
from iew.web.rendering import LANGUAGE_COOKIE, STATIC, page
from iew.web.searching import figures, params_asked, search_by
from iew.web.texts import card_of

pages = Blueprint("home", __name__)

NEWEST = 6
"""Posts on the start page."""
_ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /*/act/
Disallow: /*/sign-in
Disallow: /*/account
"""


@pages.get("/")
@requires("page.read")
def root() -> Reply:
    """To the start page in the language chosen before, else in one the browser prefers."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    preferred = i18n.negotiate([tag for tag, _ in request.accept_languages])
    return redirect(f"/{chosen if chosen in i18n.LANGUAGES else preferred}/")


@pages.get("/<lang>/")
@requires("search.read")
def start(lang: str) -> Response:
    """The guided way in, the free search, the newest posts, and figures that are counted now."""
    with unit_of_work() as uow:
        public = invitations.list_public(uow, limit=NEWEST)
        newest = [card_of(InvitationView().dump(Seen(post, current_actor())), lang) for post in public.items]
        return page("home/start.html", guide=_guide(uow), newest=newest, open_now=public.total, figures=figures(uow))


def _guide(uow: UnitOfWork) -> Guide:
    """The step of the guided way; without the engine there is none, and the page stands all the same."""
    answers = {name: codes for name, codes in params_asked().items() if name in FACETS}
    try:
        reply = search_by(uow, answers, limit=1)
    except Unavailable:
        return Guide(available=False)
    return guide_of(reply)


@pages.get("/<lang>/how")
@requires("page.read")
def how(lang: str) -> Response:
    return page("home/how.html")


@pages.get("/<lang>/about")
@requires("page.read")
def about(lang: str) -> Response:
    return page("home/about.html")


@pages.get("/<lang>/privacy")
@requires("page.read")
def privacy(lang: str) -> Response:
    return page("home/privacy.html")


@pages.get("/<lang>/accessibility")
@requires("page.read")
def accessibility(lang: str) -> Response:
    return page("home/accessibility.html")


@pages.get("/robots.txt")
@requires("page.read")
def robots() -> Response:
    return Response(_ROBOTS, mimetype="text/plain")


@pages.get("/favicon.ico")
@requires("page.read")
def favicon() -> Response:
    """For browsers that ask without having read the page."""
    return send_from_directory(STATIC, "favicon.svg", mimetype="image/svg+xml")
