"""What comes in: JSON in UTF-8 of a sane shape, or a problem document that says what is wrong."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.accounts.bodies import sign_up_body
from tests.world import World, problem


def send(world: World, data: bytes, content_type: str | None = "application/json", **headers: str) -> TestResponse:
    return world.app.test_client().post(
        "/api/v1/schools",
        data=data,
        content_type=content_type,
        headers={k.replace("_", "-"): v for k, v in headers.items()},
    )


NESTED = b'{"a":' + b"[" * 30 + b"]" * 30 + b"}"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":', "invalid_json"),
        (b"", "invalid_json"),
        (b" ", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"null", "invalid_json"),
        (b'"text"', "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a": 1,}', "invalid_json"),
        (b'{"a": 1} {"b": 2}', "invalid_json"),
        (NESTED, "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b'{"school": {"name": "a", "name": "b"}}', "duplicate_key"),
        (b'{"a": NaN}', "invalid_number"),
        (b'{"a": -Infinity}', "invalid_number"),
        (b'{"a": 1e400}', "invalid_number"),
        (b'{"a": -0}', "invalid_number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_number"),
        (b'\xef\xbb\xbf{"a": 1}', "utf8_expected"),
        ('{"a": 1}'.encode("utf-16"), "utf8_expected"),
        ('{"a": 1}'.encode("utf-16-le"), "utf8_expected"),
        (b'{"a": "\xff"}', "utf8_expected"),
        (b'{"a": "\xed\xa0\x80"}', "utf8_expected"),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else value,
)
def test_a_body_that_is_no_sane_json_object_is_a_bad_request(world: World, data: bytes, code: str) -> None:
    before = world.snapshot()

    reply = send(world, data)

    assert problem(reply) == (400, code)
    assert world.snapshot() == before


def test_brackets_inside_of_texts_are_no_depth(world: World) -> None:
    body = sign_up_body(about='"[' * 50)

    assert world.as_(None).post("/schools", body).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", None],
)
def test_another_content_type_is_not_taken(world: World, content_type: str | None) -> None:
    reply = send(world, json.dumps(sign_up_body()).encode(), content_type)

    assert problem(reply) == (415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_not_taken(world: World, encoding: str) -> None:
    reply = send(world, b"\x1f\x8b" + b"0" * 100, Content_Encoding=encoding)

    assert problem(reply) == (415, "unsupported_media_type")


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "big5"])
def test_another_charset_is_not_taken(world: World, charset: str) -> None:
    reply = send(world, b"{}", f"application/json; charset={charset}")

    assert problem(reply) == (400, "utf8_expected")


def test_utf8_may_be_named(world: World) -> None:
    reply = send(world, json.dumps(sign_up_body()).encode(), "application/json; charset=UTF-8")

    assert reply.status_code == 201


def test_a_large_body_is_refused_before_it_is_read(world: World) -> None:
    reply = send(world, b'{"a": "' + b"x" * 1_100_000 + b'"}')

    assert problem(reply) == (413, "too_large")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "x"}, "id"),
        ({"school": {"status": "approved"}}, "school.status"),
        ({"school": {"version": 7}}, "school.version"),
        ({"school": {"ref": "mine"}}, "school.ref"),
        ({"school": {"verified_by": "me"}}, "school.verified_by"),
        ({"user": {"role": "iew_admin"}}, "user.role"),
        ({"school": {"name": 5}}, "school.name"),
        ({"school": {"name": None}}, "school.name"),
        ({"school": {"name": "a\u0000b"}}, "school.name"),
        ({"school": {"name": "\ud800"}}, "school.name"),
        ({"school": {"name": "a\u202eb"}}, "school.name"),
        ({"school": {"name": "a\u2028b"}}, "school.name"),
        ({"school": {"name": "x" * 201}}, "school.name"),
        ({"school": {"name": "  "}}, "school.name"),
        ({"school": {"country": "XX"}}, "school.country"),
        ({"school": {"country": {"$gt": ""}}}, "school.country"),
        ({"school": {"affiliations": "boarding"}}, "school.affiliations"),
        ({"school": {"affiliations": ["boarding", "unheard of"]}}, "school.affiliations.1"),
        ({"user": {"email": "no address"}}, "user.email"),
        ({"user": {"email": "a@b.example, c@d.example"}}, "user.email"),
        ({"user": {"email": "a@b.example\n"}}, "user.email"),
        ({"user": {"password": "short"}}, "user.password"),
        ({"user": {"language": "tlh"}}, "user.language"),
    ],
)
def test_bad_input_is_told_by_field_and_writes_nothing(world: World, change: dict[str, Any], field: str) -> None:
    body = sign_up_body()
    for part, values in change.items():
        body[part] = body[part] | values if isinstance(values, dict) and part in body else values
    before = world.snapshot()

    reply = world.as_(None).post("/schools", body)

    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == [field]
    assert all(isinstance(text, str) and text for text in reply.json["errors"][field])
    assert world.snapshot() == before


def test_ten_thousand_keys_are_refused(world: World) -> None:
    reply = world.as_(None).post("/schools", {f"key{number}": number for number in range(10_000)})

    assert problem(reply) == (422, "invalid")


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/audit?unheard=1", 422, "invalid"),
        ("/me?include=contact", 422, "invalid"),
        ("/me/data?fields=*", 422, "invalid"),
        ("/audit?limit=0", 422, "invalid"),
        ("/audit?limit=101", 422, "invalid"),
        ("/audit?limit=1e1", 422, "invalid"),
        ("/audit?limit=１２", 422, "invalid"),
        ("/audit?limit=%2B5", 422, "invalid"),
        ("/audit?limit=5&limit=6", 400, "repeated_parameter"),
        ("/audit?cursor=abc", 400, "bad_cursor"),
        ("/audit?cursor=W10", 400, "bad_cursor"),
        ("/audit?from=2026-02-30", 422, "invalid"),
        ("/audit?from=2026-02-03T10:00:00", 422, "invalid"),
        ("/audit?actor=a%00b", 422, "invalid"),
    ],
)
def test_a_parameter_is_never_ignored(world: World, address: str, status: int, code: str) -> None:
    assert problem(world.as_(world.admin).get(address)) == (status, code)


@pytest.mark.parametrize(
    "part", ["0", "-1", "%00", "a%00b", "x" * 4000, "..%2f..%2fetc", "%ff", "%F0%9F%98%80", "' or 1=1"]
)
def test_an_address_that_no_object_has_is_not_found(world: World, part: str) -> None:
    assert problem(world.as_(None).get(f"/schools/{part}")) == (404, "not_found")
