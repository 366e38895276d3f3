"""Figures as CSV and as a workbook hold what the JSON says, and open again."""

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook

from iew.web.spreadsheets import CSV, XLSX, file_of
from tests.statistics.crowd import Crowd
from tests.statistics.test_figures import ask
from tests.world import World

NAMES = ["persons", "suppressed", "persons_at_least", "answered", "answer_days_median", "answer_days_p90"]


def rows_of(world: World, kind: str, query: str) -> tuple[list[str], list[list[Any]]]:
    reply = world.as_(None).get(f"/statistics?{query}", headers={"Accept": kind})
    assert reply.status_code == 200
    assert reply.content_type.startswith(kind)
    assert "Accept" in reply.vary
    assert "attachment" in reply.headers["Content-Disposition"]
    if kind == CSV:
        head, *rows = csv.reader(io.StringIO(reply.text))
        return head, list(rows)
    head, *rows = load_workbook(io.BytesIO(reply.data)).active.iter_rows(values_only=True)
    return list(head), [list(row) for row in rows]


@pytest.mark.parametrize("kind", [CSV, XLSX])
def test_a_file_has_the_same_cells(crowd: Crowd, kind: str) -> None:
    head, rows = rows_of(crowd.world, kind, "measure=matches&group_by=county,status")
    assert head == ["county", "status", "count", *NAMES]
    wanted = [[item[name] for name in head] for item in ask(crowd.world.as_(None), "matches", "county,status")["items"]]
    if kind == CSV:
        wanted = [
            ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in row] for row in wanted
        ]
    assert rows == wanted != []


def test_json_is_what_comes_without_a_wish(crowd: Crowd) -> None:
    for accept in ("*/*", "application/json", "text/html"):
        reply = crowd.world.as_(None).get("/statistics?measure=searches", headers={"Accept": accept})
        assert reply.is_json and "Accept" in reply.vary


@pytest.mark.parametrize("kind", [CSV, XLSX])
def test_no_cell_becomes_a_formula(kind: str) -> None:
    body = file_of(kind, "x", ["=1+1"], [["@SUM(A1)", 5, None, -3]]).data
    if kind == CSV:
        assert list(csv.reader(io.StringIO(body.decode()))) == [["'=1+1"], ["'@SUM(A1)", "5", "", "-3"]]
    else:
        cells = [[cell.value for cell in row] for row in load_workbook(io.BytesIO(body)).active.iter_rows()]
        assert cells == [["'=1+1", None, None, None], ["'@SUM(A1)", 5, None, -3]]


def test_a_file_for_people_begins_with_the_mark_that_a_spreadsheet_needs() -> None:
    assert file_of(CSV, "x", ["臺南"], [], for_people=True).data.startswith(b"\xef\xbb\xbf")


def test_the_description_of_the_api_names_every_form(world: World) -> None:
    described = world.as_(None).get("/openapi.json").json["paths"]["/api/v1/statistics"]["get"]["responses"]["200"]
    assert set(described["content"]) == {"application/json", CSV, XLSX}
    assert described["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/StatisticsView"}
