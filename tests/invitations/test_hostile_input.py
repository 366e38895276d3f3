"""Hostile and malformed bodies: told at the field, never stored, never echoed, never a fault of ours.

The names H001 and so on are rows of the project's list of hostile input.
"""

import gzip
import json
import time
from typing import Any

import pytest

from tests.invitations.bodies import drafted
from tests.world import World, body_of_a_post, problem

ZALGO = "a" + "\u0301\u0302\u0303\u0304\u0305" * 20
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # A. text
    "H001 NUL in a title": ({"title": "a\u0000b"}, "title"),
    "H001 NUL in a description": ({"description": "a\u0000b"}, "description"),
    "H001 NUL in a topic": ({"topics": ["a\u0000b"]}, "topics-0"),
    "H001 NUL in a contact": ({"contact": {"name": "a\u0000b"}}, "contact.name"),
    "H002 lone surrogate": ({"title": "\ud800"}, "title"),
    "H002 lone surrogate in a translation": (
        {"translations": [{"language": "ja", "title": "x", "description": "\udfff"}]},
        "translations-0.description",
    ),
    **{
        f"H003 bidi control {ord(mark):x}": ({"title": f"abc{mark}def"}, "title")
        for mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    },
    "H003 bidi control in a person's name": ({"contact": {"name": "Ken\u202e"}}, "contact.name"),
    "H007 zalgo": ({"title": ZALGO}, "title"),
    **{
        f"H013 line break {ord(mark):x}": ({"title": f"one{mark}two"}, "title")
        for mark in "\n\r\x0b\x0c\u0085\u2028\u2029"
    },
    "H014 201 characters": ({"title": "x" * 201}, "title"),
    "H014 nothing but spaces": ({"title": " \u3000 "}, "title"),
    "H015 20,001 characters": ({"description": "x" * 20_001}, "description"),
    "H015 grows when folded": ({"title": "\ufdfa" * 200}, "title"),
    "H023 escape sequences": ({"title": "\x1b[2J fake"}, "title"),
    "H023 escape sequences in prose": ({"description": "\x1b[2J\r\nINFO fake"}, "description"),
    # B. shapes
    "H038 60 languages": ({"languages": ["en"] * 61}, "languages"),
    "H038 100,000 languages": ({"languages": ["en"] * 100_000}, "languages"),
    "H038 many periods": ({"periods": [{"start": "2027-04-01", "end": "2027-04-02"}] * 21}, "periods"),
    "H038 two translations of one language": (
        {"translations": [{"language": "ja", "title": "x"}, {"language": "ja", "title": "y"}]},
        "translations",
    ),
    "H039 text for a list": ({"levels": "primary"}, "levels"),
    "H039 list for a text": ({"title": ["x"]}, "title"),
    "H039 object for a text": ({"title": {"$gt": ""}}, "title"),
    "H039 object for a code": ({"channel": {"$ne": None}}, "channel"),
    "H039 object in a list of codes": ({"levels": [{"$gt": ""}]}, "levels-0"),
    "H039 text for an object": ({"group": "24"}, "group"),
    "H039 list for an object": ({"contact": []}, "contact"),
    "H039 text in a list of objects": ({"periods": ["2027-04-01"]}, "periods-0"),
    "H039 null for a list": ({"topics": None}, "topics"),
    "H039 null for a code": ({"homestay": None}, "homestay"),
    "H039 null title": ({"title": None}, "title"),
    "H041 underscore number": ({"group": {"students": "1_000"}}, "group.students"),
    "H041 full-width number": ({"group": {"students": "１２"}}, "group.students"),
    "H041 broken number": ({"group": {"students": 1.9}}, "group.students"),
    "H041 true for a number": ({"group": {"students": True}}, "group.students"),
    "H041 text in grades": ({"grades": ["10"]}, "grades-0"),
    "H041 float in grades": ({"grades": [10.0]}, "grades-0"),
    "unknown level": ({"levels": ["kindergarten"]}, "levels-0"),
    "unknown language": ({"languages": ["xx"]}, "languages-0"),
    "unknown exchange type": ({"exchange_types": ["war"]}, "exchange_types-0"),
    "unknown country": ({"target_countries": ["XX"]}, "target_countries-0"),
    "a territory that is no country": ({"target_countries": ["EU"]}, "target_countries-0"),
    "lower-case country": ({"target_countries": ["jp"]}, "target_countries-0"),
    "unknown county": ({"target_counties": ["ZZZ"]}, "target_counties"),
    "unknown county of a travel": ({"travel": {"destination_counties": ["ZZZ"]}}, "travel.destination_counties"),
    "unknown content language": ({"content_language": "xx"}, "content_language"),
    "no language at all": ({"content_language": "und"}, "content_language"),
    "unknown channel": ({"channel": "special"}, "channel"),
    "unknown homestay": ({"homestay": "maybe"}, "homestay"),
    "unknown visibility": ({"contact_visibility": "everyone"}, "contact_visibility"),
    "unknown field in a group": ({"group": {"students": 1, "age": 5}}, "group.age"),
    "unknown field in a contact": ({"contact": {"name": "A", "id": 1}}, "contact.id"),
    "unknown field in a period": ({"periods": [{"start": "2027-04-01", "end": "2027-04-02", "x": 1}]}, "periods-0.x"),
    "grade 0": ({"grades": [0]}, "grades-0"),
    "grade 14": ({"grades": [14]}, "grades-0"),
    "two addresses in one": ({"contact": {"email": "a@b.example, c@d.example"}}, "contact.email"),
    "an address with a line break": ({"contact": {"email": "a@b.example\nBcc: c@d.example"}}, "contact.email"),
    "no address": ({"contact": {"email": "nobody"}}, "contact.email"),
    # C. dates and counts
    **{
        f"H045 {day}": ({"expires_on": day}, "expires_on")
        for day in ("2026-02-30", "2026-1-1", "0000-01-01", "2026-01-01T00:00:00", "20260101", "2026-W01-1")
    },
    **{f"H047 {day}": ({"expires_on": day}, "expires_on") for day in ("1899-12-31", "9999-12-31")},
    "H047 a period in 9999": ({"periods": [{"start": "9999-12-31", "end": "9999-12-31"}]}, "periods-0.start"),
    "H053 year of the republic": ({"expires_on": "116-01-05"}, "expires_on"),
    "a number for a day": ({"expires_on": 20270101}, "expires_on"),
    "a period that runs backwards": ({"periods": [{"start": "2027-04-02", "end": "2027-04-01"}]}, "periods-0.end"),
    "a period without an end": ({"periods": [{"start": "2027-04-02"}]}, "periods-0.end"),
    **{
        f"H054 {count} students": ({"group": {"students": count}}, "group.students")
        for count in (-1, 2001, 1e9, 2147483648, 10**30)
    },
    "more boys and girls than students": ({"group": {"students": 5, "male": 3, "female": 3}}, "group.students"),
    "travel dates that run backwards": (
        {"travel": {"dates": [{"start": "2027-04-02", "end": "2027-04-01"}]}},
        "travel.dates-0.end",
    ),
    "an agent without a name": ({"travel": {"agent": {"contact": "x"}}}, "travel.agent.name"),
}


def _is_told_at(errors: dict[str, Any], field: str) -> bool:
    """The fault stands at the field, whichever way its path is written."""
    plain = field.replace("-", ".").split(".")
    return any(name.replace("-", ".").replace("[", ".").replace("]", "").split(".") == plain for name in errors)


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_value_is_told_at_its_field_and_nothing_is_written(world: World, name: str) -> None:
    change, field = REFUSED[name]
    post = drafted(world, world.osaka)
    before = world.snapshot()

    for reply in (
        world.as_(world.osaka).post("/invitations", json=body_of_a_post() | change),
        world.as_(world.osaka).patch(f"/invitations/{post['id']}", change, version=1),
    ):
        assert problem(reply) == (422, "invalid")
        assert _is_told_at(reply.json["errors"], field), reply.json["errors"]
        assert all(isinstance(text, str) and text for texts in reply.json["errors"].values() for text in texts)
        assert len(reply.data) < 64_000
        assert "Traceback" not in reply.text
        assert "\x1b" not in reply.text
    assert world.snapshot() == before


def test_a_year_of_the_republic_gets_a_hint(world: World) -> None:
    reply = world.as_(world.osaka).post("/invitations", json=body_of_a_post(expires_on="116-01-05"))

    assert "2027" in reply.json["errors"]["expires_on"][0]


KEPT: dict[str, dict[str, Any]] = {
    "H009 a family": {"title": "👨‍👩‍👧‍👦 welcome"},
    "H010 rare characters": {"title": "𠮷𠀋𡘙" * 3},
    "H011 compatibility characters": {"title": "ﾛﾎﾞｯﾄ ＡＢＣ 塚"},
    "H014 200 characters": {"title": "x" * 200},
    "H015 20,000 characters": {"description": "漢" * 20_000},
    "H017 templates": {"title": "{{7*7}} {% include 'x' %} ${7*7}", "description": "{{ config }} %(name)s {0}"},
    "H018 markup": {"description": "<script>alert(1)</script> ![x](https://evil.example/x.png) <base href=//x>"},
    "H021 an Irish name": {"contact": {"name": "O'Brien", "role": None, "email": "o@b.example", "phone": None}},
    "H021 Null": {"contact": {"name": "Null", "role": None, "email": "n@b.example", "phone": None}},
    "H021 one letter": {"contact": {"name": "陳", "role": None, "email": "c@b.example", "phone": None}},
    "H021 a long Thai name": {"contact": {"name": "กขคงจ" * 16, "role": None, "email": "t@b.example", "phone": None}},
    "H022 a formula": {"title": '=HYPERLINK("http://x?"&A1)'},
    "doubles are folded": {"levels": ["primary"], "topics": ["tea"]},
    "marks of a real language": {"title": "Tiếng Việt: Hẹn gặp lại, ḗ́"},
}


@pytest.mark.parametrize("name", KEPT)
def test_unusual_but_honest_text_reads_back_exactly(world: World, name: str) -> None:
    post = drafted(world, world.osaka, **KEPT[name])

    read = world.as_(world.osaka).get(f"/invitations/{post['id']}").json

    assert {field: read[field] for field in KEPT[name]} == KEPT[name]


def test_doubles_in_lists_are_folded(world: World) -> None:
    period = {"start": "2027-04-01", "end": "2027-04-02"}
    post = drafted(
        world,
        world.osaka,
        languages=["en", "ja", "en"],
        topics=["tea", "tea"],
        grades=[10, 10, 11],
        periods=[period, period],
        target_countries=["TW", "TW"],
    )

    assert (post["languages"], post["topics"], post["grades"]) == (["en", "ja"], ["tea"], [10, 11])
    assert (post["periods"], post["target_countries"]) == ([period], ["TW"])


@pytest.mark.parametrize(
    ("tag", "kept"), [("zh-TW", "zh-Hant"), ("zh-CN", "zh-Hans"), ("pt", "pt"), ("vi", "vi"), ("fil", "fil")]
)
def test_a_text_may_be_in_any_known_language(world: World, tag: str, kept: str) -> None:
    assert drafted(world, world.osaka, content_language=tag)["content_language"] == kept


def test_direction_controls_are_taken_out_of_prose(world: World) -> None:
    assert drafted(world, world.osaka, description="abc\u202edef\r\nghi")["description"] == "abcdef\nghi"


RAW: dict[str, tuple[bytes, dict[str, str], int]] = {
    "H025 truncated": (b'{"title":', {}, 400),
    "H026 empty": (b"", {}, 400),
    "H027 deep": (b"[" * 100_000, {}, 400),
    "H027 deep inside": (b'{"title": ' + b"[" * 30 + b"]" * 30 + b"}", {}, 400),
    "H029 one key twice": (b'{"title": "a", "title": "b", "content_language": "en"}', {}, 400),
    "H030 NaN": (b'{"title": "a", "content_language": "en", "group": {"students": NaN}}', {}, 400),
    "H030 infinity": (b'{"title": "a", "content_language": "en", "group": {"students": 1e400}}', {}, 400),
    "H030 minus zero": (b'{"title": "a", "content_language": "en", "group": {"students": -0}}', {}, 400),
    "H031 5,000 digits": (b'{"title": "a", "content_language": "en", "grades": [' + b"9" * 5000 + b"]}", {}, 400),
    "H034 UTF-16": ('{"title": "a", "content_language": "en"}'.encode("utf-16"), {}, 400),
    "H034 byte order mark": (b'\xef\xbb\xbf{"title": "a", "content_language": "en"}', {}, 400),
    "H034 latin-1": (b'{"title": "a"}', {"Content-Type": "application/json; charset=latin-1"}, 400),
    "H035 invalid UTF-8": (b'{"title": "\xff"}', {}, 400),
    "a list": (b"[]", {}, 400),
    "H037 20 MB": (b'{"title": "' + b"x" * 20_000_000 + b'"}', {}, 413),
    "H037 compressed": (gzip.compress(b'{"title": "a"}'), {"Content-Encoding": "gzip"}, 415),
    "X6 a form": (b"title=a", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "X6 plain text": (b'{"title": "a", "content_language": "en"}', {"Content-Type": "text/plain"}, 415),
    "H038 10,000 keys": (json.dumps({f"key{n}": n for n in range(10_000)}).encode(), {}, 422),
    "a name of 200,000 letters": (json.dumps({"x" * 200_000: 1}).encode(), {}, 422),
}


@pytest.mark.parametrize("name", RAW)
def test_a_malformed_body_is_refused_before_it_is_looked_into(world: World, name: str) -> None:
    body, headers, status = RAW[name]
    client = world.as_(world.osaka)
    before = world.snapshot()
    started = time.monotonic()

    reply = client.call("POST", "/invitations", data=body, headers={"Content-Type": "application/json"} | headers)

    assert problem(reply)[0] == status
    assert time.monotonic() - started < 2
    assert len(reply.data) < 64_000
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("value", "answer"),
    [("", (428, "version_missing")), ("*", (428, "version_missing")), ('"0"', (400, "bad_if_match")),
     ("1", (400, "bad_if_match")), ('W/"1"', (400, "bad_if_match")), ('"9"', (412, "changed_meanwhile"))],
)  # fmt: skip
def test_a_version_is_a_number_in_quotes(world: World, value: str, answer: tuple[int, str]) -> None:
    """H111."""
    post = drafted(world, world.osaka)
    headers = {"If-Match": value} if value else {}

    reply = world.as_(world.osaka).patch(f"/invitations/{post['id']}", {"title": "New"}, headers=headers)

    assert problem(reply) == answer
    assert world.as_(world.osaka).get(f"/invitations/{post['id']}").json["title"] != "New"


@pytest.mark.parametrize("key", ["k" * 300, "a\u00e9"])
def test_a_key_of_repetition_is_short_and_plain(world: World, key: str) -> None:
    """H043."""
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    reply = world.as_(world.osaka).post("/invitations", json=body_of_a_post(), headers=headers)

    assert problem(reply) == (400, "bad_idempotency_key")


ACTION_BODIES: dict[str, dict[str, Any]] = {
    "a number for a reason": {"reason": 7},
    "control characters": {"reason": "a\u0000b"},
    "too long": {"reason": "x" * 2001},
    "remarks as an object": {"reason": "x", "remarks": {"field": "title"}},
    "a remark without a text": {"reason": "x", "remarks": [{"field": "title"}]},
    "a remark with an empty text": {"reason": "x", "remarks": [{"field": "title", "text": " "}]},
    "51 remarks": {"reason": "x", "remarks": [{"field": "title", "text": str(n)} for n in range(51)]},
    "an unknown field": {"reason": "x", "status": "published"},
}


@pytest.mark.parametrize("name", ACTION_BODIES)
def test_a_decision_takes_no_nonsense(world: World, name: str) -> None:
    post = world.invitation(world.osaka, status="submitted")
    world.as_(world.admin)
    before = world.snapshot()

    reply = world.as_(world.admin).post(f"/invitations/{post.id}/actions/return", json=ACTION_BODIES[name])

    assert problem(reply) == (422, "invalid")
    assert world.snapshot() == before


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
def test_what_the_address_does_not_know_is_405(world: World, method: str) -> None:
    """X7."""
    post = world.invitation(world.osaka, status="submitted")
    path = f"/invitations/{post.id}/actions/publish"

    assert world.as_(world.admin).call(method, path).status_code == 405
    override = world.as_(world.admin).call("GET", path, headers={"X-HTTP-Method-Override": "POST"})
    assert override.status_code == 405
    assert world.now_is(post).status == "submitted"
