"""The proof of an exchange: the sheet that its schools print, and the public page on which anybody checks it."""

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as Reply

from iew.errors import NotFound
from iew.schemas.proofs import ProofQuery
from iew.services import proofs
from iew.web.access import requires
from iew.web.context import current_actor, house, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.proving import check_address
from iew.web.rendering import page, page_url

pages = Blueprint("proofs", __name__)


@pages.get("/<lang>/matches/<match_id>/proof")
@requires("match.read")
def show(lang: str, match_id: str) -> Reply:
    with unit_of_work() as uow:
        proof = proofs.of_match(uow, match_id, current_actor(), house().secret_key)
    return page("proofs/show.html", proof=proof, address=check_address(proof), match_id=match_id)


@pages.get("/<lang>/proof")
@requires("proof.read")
def ask(lang: str) -> Reply:
    """Type number and code from a sheet."""
    asked = asked_by(ProofQuery)
    if asked["number"] and asked["code"]:
        return redirect(page_url("proofs.check", number=asked["number"], code=asked["code"]))
    return page("proofs/ask.html", form=Form.blank(asked))


@pages.get("/<lang>/proof/<number>/<code>")
@requires("proof.read")
def check(lang: str, number: str, code: str) -> Reply:
    try:
        with unit_of_work() as uow:
            proof = proofs.check(uow, number, code, house().secret_key)
    except NotFound:
        return page("proofs/ask.html", status=404, form=Form.blank({"number": number, "code": code}), unknown=True)
    return page("proofs/checked.html", proof=proof)
