"""Rows as they stand in import files."""

from typing import Any

from tests.world import body_of_a_post


def school_row(ref: str = "s-1", /, **changes: Any) -> dict[str, Any]:
    return {
        "ref": ref,
        "name": "臺南市立曦光高級中學",
        "name_en": "Xiguang Senior High School",
        "country": "TW",
        "region": None,
        "county": "TNN",
        "level": "senior_high_general",
        "ownership": "public",
        "composition": "coed",
        "affiliations": ["bilingual"],
    } | changes


def post_row(ref: str = "p-1", /, **changes: Any) -> dict[str, Any]:
    body = body_of_a_post()
    del body["contact"]
    return {"ref": ref, "school": school_row()} | body | changes
