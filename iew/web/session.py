"""The cookie of a browser that is signed in: it carries a key, and nothing that could be read or trusted.

The key changes when somebody signs in or out, so a key that was planted before is worth nothing after.
"""

from flask import g, request, session

from iew.errors import N_, NotSignedIn
from iew.models import SignInSession
from iew.services import accounts
from iew.web import csrf
from iew.web.context import current_actor, house, identity, lasting_unit_of_work, unit_of_work
from iew.web.identity import SESSION_KEY

REFUSED = N_("The mail address or the password is not right. After several tries the account rests for a while.")
UNKNOWN = N_("There is no account here for the mail address of your single sign-on. Sign your school up first.")


def sign_in(email: str, password: str) -> SignInSession:
    """Sign a browser in. Raises NotSignedIn, the same for an unknown address, a wrong password and a closed account."""
    with lasting_unit_of_work() as uow:
        opened = accounts.sign_in(
            uow,
            email,
            password,
            hasher=house().hasher,
            user_agent=request.user_agent.string,
            address=request.remote_addr,
        )
    if opened is None:
        raise NotSignedIn(REFUSED)
    _end_present_one()
    sign_in, key = opened
    _begin_anew(key)
    return sign_in


def sign_in_vouched(email: str, by: str) -> SignInSession:
    """Sign a browser in for whom the provider `by` vouches. Raises NotSignedIn where there is no such account."""
    with unit_of_work() as uow:
        opened = accounts.sign_in_vouched(
            uow, email, by=by, user_agent=request.user_agent.string, address=request.remote_addr
        )
    if opened is None:
        raise NotSignedIn(UNKNOWN)
    _end_present_one()
    sign_in, key = opened
    _begin_anew(key)
    return sign_in


def sign_out() -> None:
    """Sign this browser out. Raises NotSignedIn where it is not signed in."""
    if not _end_present_one():
        raise NotSignedIn
    _begin_anew(None)


def _end_present_one() -> bool:
    known = identity()
    if known is None or known.session_id is None:
        return False
    with unit_of_work() as uow:
        accounts.end_session(uow, known.session_id, current_actor())
    return True


def _begin_anew(key: str | None) -> None:
    session.clear()
    if key is not None:
        session[SESSION_KEY] = key
    g.pop("identity", None)
    g.pop("csrf_token", None)
    csrf.new_token()
