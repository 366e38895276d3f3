"""Signing in with the account of a ministry or a county, by OpenID Connect.

The provider only vouches for a mail address; the account, its role and its school stay ours. Whoever has no account
here is not given one.
"""

from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app
from joserfc.errors import JoseError
from requests.exceptions import RequestException
from werkzeug.wrappers import Response

from iew.errors import N_, NotFound, NotSignedIn, Unavailable
from iew.web.context import EXTENSION, house
from iew.web.house import House

_EXTENSION: Final = "iew_single_sign_on"
_NAME: Final = "provider"
SECONDS: Final = 5
FAILED: Final = N_("The single sign-on did not succeed. Try again, or sign in with your password.")


def register(app: Flask) -> None:
    """Get to know the provider, where there is one; it is first asked when somebody wants to sign in."""
    the_house: House = app.extensions[EXTENSION]
    app.jinja_env.globals["single_sign_on"] = lambda: house().provider is not None
    if the_house.provider is None:
        return
    oauth = OAuth(app)
    oauth.register(
        _NAME,
        client_id=the_house.provider.client_id,
        client_secret=the_house.provider.client_secret,
        server_metadata_url=f"{the_house.provider.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": SECONDS},
    )
    app.extensions[_EXTENSION] = oauth


def begin(return_to: str) -> Response:
    """Send the browser to the provider. return_to: the absolute address it comes back to.

    Raises NotFound where no provider is set, Unavailable where it does not answer.
    """
    try:
        sent: Response = _client().authorize_redirect(return_to)
    except (RequestException, OAuthError, RuntimeError, ValueError) as fault:
        raise Unavailable from fault
    return sent


def finish() -> str:
    """The mail address that the provider vouches for, now that the browser has come back.

    Raises NotFound where no provider is set, NotSignedIn where it did not vouch, Unavailable where it does not answer.
    """
    client = _client()
    try:
        token: dict[str, Any] = client.authorize_access_token()
        claims = dict(token.get("userinfo") or {})
        if "email" not in claims:
            claims |= dict(client.userinfo(token=token))
    except RequestException as fault:
        raise Unavailable from fault
    except (OAuthError, JoseError, ValueError, KeyError) as fault:
        raise NotSignedIn(FAILED) from fault
    email = claims.get("email")
    if not isinstance(email, str) or not email or claims.get("email_verified") is False:
        raise NotSignedIn(FAILED)
    return email.strip().lower()


def _client() -> Any:
    oauth = current_app.extensions.get(_EXTENSION)
    if oauth is None or house().provider is None:
        raise NotFound
    return getattr(oauth, _NAME)
