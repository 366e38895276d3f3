"""Every code with its label."""

from typing import Any

from flask import Response, jsonify

from iew.i18n import Labels
from iew.schemas.units import LanguageQuery, VocabulariesView
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_language, house

api = Blueprint("vocabularies", __name__, url_prefix="/api/v1", description="Codes and their labels")


@api.get("/vocabularies")
@requires("vocabulary.read")
@api.arguments(LanguageQuery, location="query")
@api.response(200, VocabulariesView)
def list_vocabularies(query: dict[str, Any]) -> Response:
    """Every vocabulary, each a list of its codes with their labels in `lang`."""
    lang = query["lang"] or current_language()
    reply = jsonify(_all(house().labels, lang))
    reply.headers["Content-Language"] = lang
    return reply


def _all(labels: Labels, lang: str) -> dict[str, list[dict[str, str]]]:
    known = {
        name: [{"code": code, "label": labels.label(name, code, lang)} for code in labels.codes(name)]
        for name in labels.vocabularies
    }
    known["country"] = [{"code": code, "label": label} for code, label in labels.countries(lang).items()]
    return known
