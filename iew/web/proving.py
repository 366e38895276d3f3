"""Where anybody checks the sheet of a proof."""

from typing import Any

from iew.services.proofs import Proof
from iew.web.context import house
from iew.web.rendering import page_url


def check_address(proof: Proof) -> str:
    """The whole address of the public page, in the language that is being read."""
    return house().base_url + page_url("proofs.check", number=proof.number, code=proof.code)


def proof_and_address(proof: Proof) -> dict[str, Any]:
    """Both, as the view schema takes them."""
    return {"proof": proof, "check_url": check_address(proof)}
