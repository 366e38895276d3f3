"""What everybody may read: the directory, the codes, the description of the API, whether the house is well."""

from pathlib import Path

import pytest
from openapi_spec_validator import validate
from sqlalchemy.exc import OperationalError

from iew.db import SessionFactory
from iew.domain import vocabularies
from iew.errors import Unavailable
from iew.models import EmailDelivery, Unit
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World, problem

DATA = Path(__file__).parents[2] / "config" / "reference"


class TestDirectory:
    @pytest.mark.parametrize(("path", "file", "kind"), [("/offices", "offices", "office"), ("/iercs", "iercs", "ierc")])
    def test_all_enabled_units_are_listed(self, world: World, path: str, file: str, kind: str) -> None:
        import csv

        with (DATA / f"{file}.csv").open(encoding="utf-8") as rows:
            codes = sorted(row["code"] for row in csv.DictReader(rows) if row.get("enabled", "yes") == "yes")

        reply = world.as_(None).get(path)

        assert [row["code"] for row in reply.json["items"]] == codes
        assert (reply.json["total"], reply.json["next_cursor"]) == (len(codes), None)
        assert {row["kind"] for row in reply.json["items"]} == {kind}

    def test_names_are_in_the_language_asked_for(self, world: World) -> None:
        in_chinese = world.as_(None).get("/iercs?lang=zh-Hant").json["items"]
        in_english = world.as_(None).get("/iercs", headers={"Accept-Language": "en"}).json["items"]

        assert next(row for row in in_chinese if row["code"] == "TPE")["place"] == "臺北市"
        assert next(row for row in in_english if row["code"] == "TPE")["place"] == "Taipei City"

    def test_an_office_tells_what_it_covers(self, world: World) -> None:
        offices = {row["code"]: row for row in world.as_(None).get("/offices").json["items"]}

        assert {"country": "US", "subdivision": "US-CA", "status": "confirmed"} in offices["US-LAX"]["coverage"]

    def test_a_disabled_office_is_left_out(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.get(Unit, "US-LAX").enabled = False

        assert "US-LAX" not in {row["code"] for row in world.as_(None).get("/offices").json["items"]}

    def test_it_comes_in_pieces_where_asked(self, world: World) -> None:
        first = world.as_(None).get("/iercs?limit=2").json
        second = world.as_(None).get(f"/iercs?limit=2&cursor={first['next_cursor']}").json

        codes = [row["code"] for row in first["items"] + second["items"]]
        assert codes == sorted(set(codes)) and len(codes) == 4


class TestVocabularies:
    @pytest.mark.parametrize("lang", ["zh-Hant", "en", "ja", "ko"])
    def test_every_code_has_a_label_in_every_language(self, world: World, lang: str) -> None:
        reply = world.as_(None).get(f"/vocabularies?lang={lang}")

        assert reply.headers["Content-Language"] == lang
        for name, terms in reply.json.items():
            assert terms, name
            assert all(term["label"] and term["code"] for term in terms), name

    @pytest.mark.parametrize(
        ("name", "codes"),
        [
            ("channel", vocabularies.CHANNELS),
            ("exchange_type", vocabularies.EXCHANGE_TYPES),
            ("level", vocabularies.LEVELS),
            ("ownership", vocabularies.OWNERSHIPS),
            ("language", vocabularies.LANGUAGES),
        ],
    )
    def test_the_codes_are_those_of_the_rules(self, world: World, name: str, codes: tuple[str, ...]) -> None:
        reply = world.as_(None).get("/vocabularies?lang=en").json

        assert [term["code"] for term in reply[name]] == list(codes)

    def test_countries_and_counties_are_among_them(self, world: World) -> None:
        reply = world.as_(None).get("/vocabularies?lang=ja").json

        assert {"code": "TW", "label": "台湾"} in reply["country"]
        assert {"code": "TPE", "label": "台北市"} in reply["county"]
        assert len(reply["country"]) > 240

    def test_another_language_is_refused(self, world: World) -> None:
        assert problem(world.as_(None).get("/vocabularies?lang=fr")) == (422, "invalid")


class TestDescription:
    def test_it_is_valid(self, world: World) -> None:
        document = world.as_(None).get("/api/v1/openapi.json").json

        validate(document)
        assert document["openapi"] == "3.1.0"
        assert "/api/v1/schools/{school_id}" in document["paths"]

    def test_changes_tell_their_headers(self, world: World) -> None:
        paths = world.as_(None).get("/api/v1/openapi.json").json["paths"]

        patch = {p["name"] for p in paths["/api/v1/schools/{school_id}"]["patch"]["parameters"]}
        post = {p["name"] for p in paths["/api/v1/schools"]["post"]["parameters"]}
        assert "If-Match" in patch and "Idempotency-Key" in post

    def test_every_operation_has_a_name_of_its_own(self, world: World) -> None:
        paths = world.as_(None).get("/api/v1/openapi.json").json["paths"]

        names = [
            operation["operationId"]
            for methods in paths.values()
            for operation in methods.values()
            if isinstance(operation, dict) and "operationId" in operation
        ]
        assert len(names) == len(set(names)) > 10


class TestHealth:
    def test_alive_asks_no_other_part(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        from iew.web.house import House

        def away(*_: object, **__: object) -> None:
            raise OperationalError("select 1", {}, Exception("gone"))

        monkeypatch.setattr(House, "unit_of_work", lambda self, now=None: _Away())
        reply = world.app.test_client().get("/healthz", headers={"Authorization": "Bearer x", "Cookie": "iew=x"})

        assert (reply.status_code, reply.json) == (200, {"status": "ok"})

    def test_ready_when_every_part_answers(self, world: World) -> None:
        reply = world.app.test_client().get("/readyz")

        assert (reply.status_code, reply.json["status"]) == (200, "ok")
        assert reply.json["parts"] == {"database": "ok", "redis": "ok", "search": "ok"}

    @pytest.mark.parametrize("part", ["redis", "search"])
    def test_not_ready_names_the_part_that_is_away(
        self, session_factory: SessionFactory, parts: Parts, part: str
    ) -> None:
        def away() -> None:
            raise Unavailable

        changes = {"redis": {"redis_url": "redis://127.0.0.1:1/0"}, "search": {"probe_search": away}}[part]
        world = world_with_web(session_factory, parts, **changes)

        reply = world.app.test_client().get("/readyz")

        assert (reply.status_code, reply.json["parts"][part]) == (503, "down")
        assert [name for name, state in reply.json["parts"].items() if state == "down"] == [part]

    def test_figures_for_this_machine(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.plan_mail(
                EmailDelivery(dedup_key="k", kind="x", address="a@b.example", language="en", subject="s", text="t")
            )
        world.as_(None).get("/offices")

        reply = world.app.test_client().get("/metrics")

        assert reply.status_code == 200
        assert reply.content_type.startswith("text/plain")
        assert 'iew_mails{status="queued"} 1' in reply.text
        assert "iew_outbox_waiting 1" in reply.text
        assert 'route="/api/v1/offices"' in reply.text

    @pytest.mark.parametrize(
        ("headers", "address", "status"),
        [
            ({}, "192.0.2.7", 404),
            ({"Authorization": "Bearer wrong"}, "192.0.2.7", 404),
            ({"Authorization": "Bearer the figures please"}, "192.0.2.7", 200),
            ({"X-Forwarded-For": "192.0.2.7"}, "127.0.0.1", 404),
            ({"X-Forwarded-For": "127.0.0.1"}, "192.0.2.7", 404),
        ],
    )
    def test_from_elsewhere_only_with_the_token(
        self, session_factory: SessionFactory, parts: Parts, headers: dict[str, str], address: str, status: int
    ) -> None:
        world = world_with_web(session_factory, parts, metrics_token="the figures please")

        reply = world.app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})

        assert reply.status_code == status

    @pytest.mark.parametrize("token", ["", "None", "wrong"])
    def test_without_a_token_set_nobody_elsewhere_reads_them(self, world: World, token: str) -> None:
        reply = world.app.test_client().get(
            "/metrics", headers={"Authorization": f"Bearer {token}"}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
        )

        assert problem(reply) == (404, "not_found")


class _Away:
    """A unit of work of a database that does not answer."""

    def __enter__(self) -> "_Away":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def session(self) -> None:
        raise OperationalError("select 1", {}, Exception("gone"))


def test_a_database_that_is_away_is_told_as_such(parts: Parts) -> None:
    from sqlalchemy.orm import sessionmaker

    from iew.db import make_engine

    engine = make_engine("postgresql+psycopg://iew:x@127.0.0.1:1/none")
    world = world_with_web(sessionmaker(engine), parts)

    for path in ("/api/v1/offices", "/en/schools/x", "/api/v1/me"):
        reply = world.app.test_client().get(path, headers={"Authorization": "Bearer x"})
        assert reply.status_code in (503, 404), path
        if reply.status_code == 503:
            assert int(reply.headers["Retry-After"]) > 0
    engine.dispose()


def test_the_description_can_be_read_by_people(world: World) -> None:
    reply = world.app.test_client().get("/api/docs")

    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    assert "/api/v1/schools/{school_id}/actions/{action}" in reply.text
    assert 'id="error-invalid_transition"' in reply.text
    assert "<script" not in reply.text.replace("<script src=", "")
    assert "http://" not in reply.text.replace("http://localhost", "").replace("http://www.w3.org", "")
