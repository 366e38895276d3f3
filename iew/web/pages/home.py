"""The start page, the pages that explain, and the small files at the root that browsers ask for."""

from flask import Blueprint, Response, redirect, request, send_from_directory
from werkzeug.wrappers import Response as Reply

from iew import i18n
from iew.web.access import requires
from iew.web.rendering import LANGUAGE_COOKIE, STATIC, page

pages = Blueprint("home", __name__)

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
