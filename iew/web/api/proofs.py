"""The proof of an exchange: for its schools, and for anybody who was handed a sheet."""

from typing import Any

from iew.schemas.proofs import ProofView
from iew.services import proofs
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, house, unit_of_work
from iew.web.proving import proof_and_address

api = Blueprint("proofs", __name__, url_prefix="/api/v1", description="Proofs of exchanges that took place")


@api.get("/matches/<match_id>/proof")
@requires("match.read")
@api.response(200, ProofView)
def show(match_id: str) -> dict[str, Any]:
    """What the printed sheet says, for whoever has part in the exchange; there as soon as a result was reported."""
    with unit_of_work() as uow:
        return proof_and_address(proofs.of_match(uow, match_id, current_actor(), house().secret_key))


@api.get("/proofs/<number>/<code>")
@requires("proof.read")
@api.response(200, ProofView)
def check(number: str, code: str) -> dict[str, Any]:
    """What a sheet with this case number and check code stands for; 404 for any other pair. Open to everyone."""
    with unit_of_work() as uow:
        return proof_and_address(proofs.check(uow, number, code, house().secret_key))
