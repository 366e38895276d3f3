"""The frame around every call: versions, repetition, forgery, hosts, languages, headers."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import event, func, select

from iew.db import SessionFactory
from iew.models import Event, IdempotencyKey, School, User
from iew.web.idempotency import _lock
from tests.accounts.bodies import sign_up_body
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import PASSWORD, Client, World, problem


def own_school(world: World) -> School:
    with world.unit_of_work() as uow:
        return uow.get(School, world.osaka.school_id or "")


class TestVersions:
    def test_a_single_resource_has_its_version_as_etag(self, world: World) -> None:
        reply = world.as_(None).get(f"/schools/{world.osaka.school_id}")

        assert reply.headers["ETag"] == f'"{reply.json["version"]}"'

    def test_a_change_of_what_was_seen_goes_through(self, world: World) -> None:
        reply = world.as_(world.osaka).patch(f"/schools/{world.osaka.school_id}", {"about": "New"}, version=1)

        assert (reply.status_code, reply.json["about"], reply.json["version"]) == (200, "New", 2)
        assert reply.headers["ETag"] == '"2"'

    @pytest.mark.parametrize(
        ("header", "status", "code"),
        [
            (None, 428, "version_missing"),
            ("*", 428, "version_missing"),
            ("", 428, "version_missing"),
            ('"7"', 412, "changed_meanwhile"),
            ("1", 400, "bad_if_match"),
            ('"one"', 400, "bad_if_match"),
            ('W/"1"', 400, "bad_if_match"),
            ('"1", "2"', 400, "bad_if_match"),
            ('"0"', 400, "bad_if_match"),
            ('"99999999999999999999"', 400, "bad_if_match"),
        ],
    )
    def test_a_change_of_what_was_not_seen_is_refused(
        self, world: World, header: str | None, status: int, code: str
    ) -> None:
        headers = {} if header is None else {"If-Match": header}
        before = world.now_is(own_school(world)).version

        reply = world.as_(world.osaka).patch(f"/schools/{world.osaka.school_id}", {"about": "New"}, headers=headers)

        assert problem(reply) == (status, code)
        assert world.now_is(own_school(world)).version == before

    def test_who_may_not_change_it_is_told_so_first(self, world: World) -> None:
        address = f"/schools/{world.osaka.school_id}"

        assert problem(world.as_(world.tainan).patch(address, {"about": "x"})) == (403, "not_allowed")
        assert problem(world.as_(None).patch(address, {"about": "x"})) == (401, "not_signed_in")
        assert problem(world.as_(world.tainan).patch("/schools/nowhere", {"about": "x"})) == (404, "not_found")

    def test_an_action_compares_the_version_where_it_is_given(self, world: World) -> None:
        school = world.school(status="pending", approver_code="JP-OSA")
        office = world.as_(world.office_osaka)

        stale = office.post(f"/schools/{school.id}/actions/approve", headers={"If-Match": '"9"'})
        fresh = office.post(f"/schools/{school.id}/actions/approve", headers={"If-Match": '"1"'})

        assert problem(stale) == (412, "changed_meanwhile")
        assert fresh.status_code == 200


class TestRepetition:
    def colleague(self, number: int = 1) -> dict[str, str]:
        return {"email": f"colleague{number}@school.example", "name": "Colleague"}

    def test_the_same_call_twice_is_done_once(self, world: World) -> None:
        client, address = world.as_(world.osaka), f"/schools/{world.osaka.school_id}/colleagues"
        first = client.post(address, self.colleague(), headers={"Idempotency-Key": "k-1"})
        before = world.snapshot()

        again = client.post(address, self.colleague(), headers={"Idempotency-Key": "k-1"})

        assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
        assert again.content_type == first.content_type
        assert world.snapshot() == before

    def test_the_order_of_fields_makes_no_other_body(self, world: World) -> None:
        client, address = world.as_(world.osaka), f"/schools/{world.osaka.school_id}/colleagues"
        client.post(address, self.colleague(), headers={"Idempotency-Key": "k-2"})

        again = client.post(address, dict(reversed(self.colleague().items())), headers={"Idempotency-Key": "k-2"})

        assert again.status_code == 201

    def test_another_body_under_the_same_key_is_a_mistake(self, world: World) -> None:
        client, address = world.as_(world.osaka), f"/schools/{world.osaka.school_id}/colleagues"
        client.post(address, self.colleague(1), headers={"Idempotency-Key": "k-3"})

        reply = client.post(address, self.colleague(2), headers={"Idempotency-Key": "k-3"})

        assert problem(reply) == (422, "idempotency_mismatch")

    def test_keys_of_other_people_and_other_addresses_are_other_keys(self, world: World) -> None:
        headers = {"Idempotency-Key": "k-4"}
        mine = world.as_(world.osaka).post(
            f"/schools/{world.osaka.school_id}/colleagues", self.colleague(1), headers=headers
        )
        theirs = world.as_(world.tainan).post(
            f"/schools/{world.tainan.school_id}/colleagues", self.colleague(2), headers=headers
        )

        assert (mine.status_code, theirs.status_code) == (201, 201)

    def test_a_refusal_is_not_remembered(self, world: World) -> None:
        client, address = world.as_(world.osaka), f"/schools/{world.osaka.school_id}/colleagues"
        refused = client.post(address, {"email": "no address"}, headers={"Idempotency-Key": "k-5"})

        reply = client.post(address, self.colleague(), headers={"Idempotency-Key": "k-5"})

        assert (refused.status_code, reply.status_code) == (422, 201)

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "\u00e9", " lead"])
    def test_an_unusable_key_is_a_bad_request(self, world: World, key: str) -> None:
        reply = world.as_(None).post("/schools", sign_up_body(), headers={"Idempotency-Key": key})

        assert problem(reply) == (400, "bad_idempotency_key")

    def test_a_visitor_repeats_safely_too(self, world: World) -> None:
        body = sign_up_body()
        for _ in range(2):
            assert world.as_(None).post("/schools", body, headers={"Idempotency-Key": "v-1"}).status_code == 201

        assert world.snapshot()["users"] == 1


@pytest.fixture
def committed(committed_session_factory: SessionFactory, parts: Parts) -> Iterator[World]:
    """A world with real commits, for calls that meet each other."""
    yield world_with_web(committed_session_factory, parts)


class TestRaces:
    def test_a_second_call_while_the_first_runs_is_told_so(self, committed: World) -> None:
        client, owner = committed.as_(committed.osaka), committed.osaka.id
        address = f"/api/v1/schools/{committed.osaka.school_id}/colleagues"
        body = {"email": "c@school.example", "name": "C"}
        with committed.unit_of_work() as first:
            _lock(first, owner, f"POST {address}", "race")
            meanwhile = client.post(address, body, headers={"Idempotency-Key": "race"})
        after = client.post(address, body, headers={"Idempotency-Key": "race"})

        assert problem(meanwhile) == (409, "idempotency_running")
        assert after.status_code == 201

    def test_of_ten_equal_calls_at_once_one_is_done(self, committed: World) -> None:
        token = committed.as_(committed.osaka).token
        address = f"/schools/{committed.osaka.school_id}/colleagues"
        body, statuses = {"email": "d@school.example", "name": "D"}, []

        def call() -> None:
            reply = Client(committed.app, token).post(address, body, headers={"Idempotency-Key": "ten"})
            statuses.append(reply.status_code)

        threads = [threading.Thread(target=call) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert set(statuses) <= {201, 409} and 201 in statuses
        with committed.unit_of_work() as uow:
            assert (
                uow.session.scalar(select(func.count()).select_from(User).where(User.email == "d@school.example")) == 1
            )
            assert uow.session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1

    def test_a_failed_commit_leaves_no_reply_behind(self, committed: World) -> None:
        """The change and the kept reply are one transaction."""
        token = committed.as_(committed.osaka).token

        def refuse(_: object) -> None:
            raise RuntimeError("the commit fails")

        factory = committed.session_factory
        event.listen(factory, "before_commit", refuse)
        try:
            reply = Client(committed.app, token).post(
                f"/schools/{committed.osaka.school_id}/colleagues",
                {"email": "e@school.example", "name": "E"},
                headers={"Idempotency-Key": "lost"},
            )
        finally:
            event.remove(factory, "before_commit", refuse)
        assert problem(reply) == (500, "internal")
        with World(factory).unit_of_work() as uow:
            assert uow.session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
            assert (
                uow.session.scalar(select(func.count()).select_from(User).where(User.email == "e@school.example")) == 0
            )


class TestForgery:
    @pytest.fixture
    def signed_in(self, world: World) -> tuple[Client, str]:
        client = Client(world.app, None)
        reply = client.post("/session", {"email": world.osaka.email, "password": PASSWORD})
        return client, reply.json["csrf_token"]

    def test_a_call_by_cookie_needs_the_token_of_the_session(self, world: World, signed_in: tuple[Client, str]) -> None:
        client, token = signed_in

        assert problem(client.patch("/me", {"language": "ko"})) == (403, "csrf")
        assert client.patch("/me", {"language": "ko"}, headers={"X-CSRF-Token": token}).status_code == 200

    @pytest.mark.parametrize("wrong", ["", "x", "theirs"])
    def test_a_wrong_token_is_none(self, world: World, signed_in: tuple[Client, str], wrong: str) -> None:
        other = Client(world.app, None)
        theirs = other.post("/session", {"email": world.tainan.email, "password": PASSWORD}).json["csrf_token"]
        token = theirs if wrong == "theirs" else wrong

        reply = signed_in[0].patch("/me", {"language": "ko"}, headers={"X-CSRF-Token": token})

        assert problem(reply) == (403, "csrf")
        assert world.as_(world.osaka).get("/me").json["language"] == "ja"

    def test_a_token_in_the_address_is_none(self, signed_in: tuple[Client, str]) -> None:
        client, token = signed_in

        reply = client.delete(f"/session?csrf_token={token}")

        assert problem(reply) == (403, "csrf")

    def test_reading_needs_none(self, signed_in: tuple[Client, str]) -> None:
        assert signed_in[0].get("/me").status_code == 200

    def test_a_bearer_token_beside_the_cookie_needs_none(self, world: World, signed_in: tuple[Client, str]) -> None:
        client, _ = signed_in
        client.token = world.as_(world.osaka).token

        assert client.patch("/me", {"language": "ko"}).status_code == 200

    def test_a_token_of_before_is_worth_nothing_after_signing_in_again(
        self, world: World, signed_in: tuple[Client, str]
    ) -> None:
        client, before = signed_in
        client.post("/session", {"email": world.osaka.email, "password": PASSWORD})

        assert problem(client.patch("/me", {"language": "ko"}, headers={"X-CSRF-Token": before})) == (403, "csrf")

    def test_no_method_is_overridden_by_a_header(self, world: World) -> None:
        reply = world.as_(world.osaka).post("/me", {"language": "ko"}, headers={"X-HTTP-Method-Override": "PATCH"})

        assert problem(reply) == (405, "method_not_allowed")
        assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PATCH"}


class TestHosts:
    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a b", ""])
    @pytest.mark.parametrize("path", ["/api/v1/offices", "/en/", "/"])
    def test_a_strange_host_is_refused(self, world: World, host: str, path: str) -> None:
        reply = world.app.test_client().get(path, headers={"Host": host})

        assert reply.status_code == 400
        assert b"evil" not in reply.data

    @pytest.mark.parametrize("host", ["localhost", "localhost:8001", "127.0.0.1:9"])
    def test_this_machine_is_none(self, world: World, host: str) -> None:
        assert world.app.test_client().get("/api/v1/offices", headers={"Host": host}).status_code == 200

    def test_a_forwarded_host_is_not_believed(self, world: World) -> None:
        reply = world.app.test_client().get("/api/v1/nothing", headers={"X-Forwarded-Host": "evil.example"})

        assert reply.json["type"].startswith("http://localhost/")


class TestReplies:
    def test_every_reply_tells_the_browser_what_to_forbid(self, world: World) -> None:
        for path in ("/api/v1/offices", "/api/v1/nothing", "/healthz"):
            headers = world.app.test_client().get(path).headers
            assert "default-src 'self'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert len(headers["X-Request-ID"]) == 32

    def test_what_a_person_reads_is_kept_by_no_cache(self, world: World) -> None:
        assert world.as_(world.osaka).get("/me").headers["Cache-Control"] == "no-store"
        signed_in = Client(world.app, None).post("/session", {"email": world.osaka.email, "password": PASSWORD})
        assert signed_in.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("headers", [{"X-Long": "x" * 17_000}, {f"X-{n}": "x" * 9_000 for n in range(9)}])
    def test_headers_have_a_bound(self, world: World, headers: dict[str, str]) -> None:
        assert problem(world.as_(None).get("/offices", headers=headers)) == (431, "headers_too_large")

    def test_cookies_are_for_encrypted_ways_alone_where_the_address_is_encrypted(
        self, session_factory: SessionFactory, parts: Parts
    ) -> None:
        from iew.app import create_app
        from tests.web.houses import house_for_tests

        house = house_for_tests(session_factory, parts, base_url="https://window.example")
        world = World(session_factory, create_app(house))

        reply = Client(world.app, None).post(
            "/session",
            {"email": world.osaka.email, "password": PASSWORD},
            headers={"Host": "window.example", "Accept-Language": "en"},
        )

        assert reply.status_code == 200
        cookie = reply.headers["Set-Cookie"]
        assert cookie.startswith("__Host-iew=") and "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
        assert "max-age" in reply.headers["Strict-Transport-Security"]

    @pytest.mark.parametrize(
        ("accepted", "words"),
        [
            ("zh-TW", "找不到"),
            ("ja-JP,ja;q=0.9", "見つかりません"),
            ("ko", "찾을 수 없"),
            ("en-GB", "Not found"),
            ("xx, de;q=0.9", "Not found"),
            ("zh-Hant-TW-x-" + "y" * 8000, "找不到"),
        ],
    )
    def test_errors_speak_the_language_of_the_asker(self, world: World, accepted: str, words: str) -> None:
        reply = world.as_(None).get("/nothing", headers={"Accept-Language": accepted})

        assert problem(reply) == (404, "not_found")
        if world_speaks(words):
            assert words in reply.json["title"]

    def test_an_error_of_ours_tells_nothing_of_our_insides(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        from iew.services import units

        def break_down(*_: object, **__: object) -> None:
            raise ZeroDivisionError("a secret of the house")

        monkeypatch.setattr(units, "directory_page", break_down)
        reply = world.as_(None).get("/offices")

        assert problem(reply) == (500, "internal")
        assert b"secret" not in reply.data and b"Traceback" not in reply.data

    def test_an_unknown_page_is_no_json(self, world: World) -> None:
        reply = world.app.test_client().get("/en/no-such-page")

        assert (reply.status_code, reply.mimetype) == (404, "text/html")

    def test_a_wrong_method_names_the_right_ones(self, world: World) -> None:
        reply = world.as_(None).delete("/offices")

        assert problem(reply) == (405, "method_not_allowed")
        assert "GET" in reply.headers["Allow"]

    def test_a_refusal_leaves_a_trace(self, world: World) -> None:
        assert world.as_(world.tainan).get("/audit").status_code == 403

        with world.unit_of_work() as uow:
            event = uow.session.scalars(select(Event).where(Event.action == "denied")).one()
        assert (event.actor_id, event.subject_type, event.subject_id) == (world.tainan.id, "permission", "audit.read")
        assert event.details == {"code": "not_allowed", "method": "GET", "path": "/api/v1/audit"}


def world_speaks(words: str) -> bool:
    """Whether the catalogue with these words is there; the catalogues are made by their own engineers."""
    from iew import i18n

    language = {"找": "zh-Hant", "見": "ja", "찾": "ko"}.get(words[0], "en")
    return language == "en" or i18n.say("Not found", language) != "Not found"


def test_two_sign_ups_with_one_address_at_once_make_one_account(committed: World) -> None:
    body, statuses = sign_up_body(), []

    def call() -> None:
        statuses.append(Client(committed.app, None).post("/schools", body).status_code)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [201] * 4
    with committed.unit_of_work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(User)) == 1
        assert uow.session.scalar(select(func.count()).select_from(School)) == 1
    assert [job for job, _ in committed.jobs()].count("notify_known_address") == 3
