"""A form means what the JSON of the API means, and comes back as it was typed."""

from typing import Any

import pytest
from flask import Flask
from marshmallow import fields
from werkzeug.datastructures import MultiDict

from iew.errors import Conflict, Invalid, NotFound, TooManyRequests
from iew.schemas.base import Address, Code, CodeList, Day, Input, Line, Prose, Whole, YesNo
from iew.schemas.invitations import InvitationChange, Several
from iew.web.forms import Form, structured
from tests.world import World


class Inner(Input):
    name = Line(required=True, shortest=1)
    size = Whole(load_default=None, allow_none=True)


class Everything(Input):
    line = Line(required=True, shortest=1)
    maybe = Line(load_default=None, allow_none=True)
    prose = Prose(load_default=None, allow_none=True)
    code = Code(("a", "b"), load_default=None, allow_none=True)
    codes = CodeList(("a", "b", "c"), load_default=list)
    day = Day(load_default=None, allow_none=True)
    mail = Address(load_default=None, allow_none=True)
    whole = Whole(load_default=None, allow_none=True)
    agreed = YesNo(load_default=False)
    words = Several(Line(longest=20), most=5, load_default=list)
    grades = Several(Whole(least=1, most=13), most=13, load_default=list)
    one = fields.Nested(Inner, load_default=None, allow_none=True)
    many = fields.List(fields.Nested(Inner), load_default=list)


def meaning(*typed: tuple[str, str]) -> Any:
    return structured(Everything(), MultiDict(typed))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ([("line", " a ")], {"line": " a "}),
        ([("code", "")], {"code": None}),
        ([("whole", "24")], {"whole": 24}),
        ([("whole", "２４")], {"whole": 24}),
        ([("whole", "many")], {"whole": "many"}),
        ([("whole", "-1")], {"whole": "-1"}),
        ([("whole", "")], {"whole": None}),
        ([("day", " 2027-04-01 ")], {"day": "2027-04-01"}),
        ([("agreed", ""), ("agreed", "yes")], {"agreed": True}),
        ([("agreed", "")], {"agreed": False}),
        ([("codes", ""), ("codes", "a"), ("codes", "c")], {"codes": ["a", "c"]}),
        ([("codes", "")], {"codes": []}),
        ([("words", "robots, 音樂、 sport；art")], {"words": ["robots", "音樂", "sport", "art"]}),
        ([("grades", ""), ("grades", "10"), ("grades", "11")], {"grades": [10, 11]}),
        ([("one.name", ""), ("one.size", "")], {"one": None}),
        ([("one.name", "x"), ("one.size", "")], {"one": {"name": "x", "size": None}}),
        ([("many-0.name", "x"), ("many-1.name", "y")], {"many": [{"name": "x"}, {"name": "y"}]}),
        ([("stranger", "x"), ("csrf_token", "y")], {}),
        ([], {}),
    ],
)
def test_the_shape_of_a_form_becomes_the_shape_of_json(typed: list[tuple[str, str]], meant: dict[str, Any]) -> None:
    assert meaning(*typed) == meant


def posted(world: World, schema: type[Input], typed: dict[str, Any], lang: str = "en") -> Any:
    """A form of a request, in its request."""
    return world.app.test_request_context(f"/{lang}/", method="POST", data=typed)


def test_empty_rows_are_closed_up_so_that_faults_stand_at_the_right_row(world: World) -> None:
    typed = {
        "periods-0.start": "",
        "periods-0.end": "",
        "periods-1.start": "2027-05-01",
        "periods-1.end": "2027-04-01",
        "periods-2.start": "",
        "periods-2.end": "",
    }
    with posted(world, InvitationChange, typed):
        form = Form.posted(InvitationChange)
        with form.attempt():
            _ = form.data

        assert form.faults == {"periods-0.end": ["The end comes before the start."]}
        assert form.value("periods-0.start") == "2027-05-01"
        assert list(form.rows("periods", least=3)) == [0, 1, 2]


def test_a_list_whose_rows_were_all_emptied_is_empty(world: World) -> None:
    with posted(world, InvitationChange, {"periods": "", "periods-0.start": "", "periods-0.end": ""}):
        assert Form.posted(InvitationChange).data == {"periods": []}


def test_faults_are_said_in_the_language_of_the_page(world: World) -> None:
    with posted(world, Everything, {"line": "", "whole": "9999"}, lang="ja"):
        form = Form.posted(Everything)
        with form.attempt():
            _ = form.data

        assert form.faults_at("line") == ["必須項目です。"]
        assert form.faults_at("whole") == ["0から2000までの数にしてください。"]
        assert form.status == 422


def test_the_summary_follows_the_order_of_the_page_and_names_its_fields(world: World) -> None:
    with posted(world, Everything, {"line": "", "day": "x", "many-0.name": "x", "many-0.size": "y"}):
        form = Form.posted(Everything, name="big")
        with form.attempt():
            _ = form.data
        for path, label in (("day", "Day"), ("many", "Many"), ("line", "Line")):
            form.called(path, label)

        assert [(anchor, label) for anchor, label, _ in form.summary()] == [
            ("f-big-day", "Day"),
            ("f-big-many", "Many"),
            ("f-big-line", "Line"),
        ]
        assert form.faults_within("many") == ["This must be a whole number."]


@pytest.mark.parametrize(("refusal", "status"), [(Invalid(), 422), (Conflict(), 412), (TooManyRequests(30), 429)])
def test_a_refusal_is_kept_by_the_form(world: World, refusal: Exception, status: int) -> None:
    with posted(world, Everything, {}):
        form = Form.posted(Everything)
        with form.attempt():
            raise refusal

        assert form.refused and form.problem and form.status == status


@pytest.mark.parametrize("fault", [NotFound(), ZeroDivisionError()])
def test_what_is_not_the_forms_goes_on(world: World, fault: Exception) -> None:
    with posted(world, Everything, {}), pytest.raises(type(fault)):
        form = Form.posted(Everything)
        with form.attempt():
            raise fault


def test_a_thing_fills_its_form_and_the_form_means_the_thing(world: World) -> None:
    thing = {
        "title": "Robots",
        "description": "two\nlines",
        "levels": ["primary", "junior_high"],
        "grades": [5, 6],
        "topics": ["robots", "music"],
        "periods": [{"start": "2027-04-01", "end": "2027-07-31"}],
        "group": {"students": 24, "male": None, "female": None, "teachers": 2},
        "expires_on": "2027-12-31",
        "contact": {"name": "Mika", "role": None, "email": "mika@school.example", "phone": None},
    }
    typed = Form.blank(thing).typed

    with posted(world, InvitationChange, typed):
        again = Form.posted(InvitationChange).data

    as_json = {
        **again,
        "periods": [{name: day.isoformat() for name, day in period.items()} for period in again["periods"]],
        "expires_on": again["expires_on"].isoformat(),
    }
    assert as_json == thing


def test_the_application_knows_the_macros(world: World) -> None:
    app: Flask = world.app

    assert {"form_key", "csrf_token", "choices", "here_in"} <= set(app.jinja_env.globals)
