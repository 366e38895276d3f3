"""What came of passing on: opened, asked, agreed; what a unit has not opened; and what nobody has passed on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from iew.domain.matches import Status as MatchStatus
from iew.models import Forward, Invitation, PostReading, User
from iew.services import matches
from tests.pages.browser import Browser
from tests.world import World


def forward(world: World, who: User, post: Invitation, *schools: Any) -> None:
    reply = world.as_(who).post(f"/invitations/{post.id}/forward", {"school_ids": list(schools)})
    assert reply.status_code == 200, reply.text


def came_of_it(world: World, post: Invitation) -> list[tuple[bool, bool, bool]]:
    items = world.as_(world.ierc_tainan).get(f"/invitations/{post.id}/forwards").json["items"]
    return [(item["opened_at"] is not None, item["asked"], item["agreed"]) for item in items]


def ask(world: World, who: User, post: Invitation, **changes: Any) -> None:
    world.match(who, post, **changes)


def open_page(world: World, user: User | None, post: Invitation) -> None:
    browser = Browser(world.app)
    assert (browser.sign_in(user) if user else browser).open(f"invitations/{post.id}").status == 200


@pytest.fixture
def post(world: World) -> Invitation:
    return world.invitation(world.osaka, title="Robots for Tainan")


class TestOutcomes:
    def test_each_step_counts_once_it_was_taken(self, world: World, post: Invitation) -> None:
        forward(world, world.ierc_tainan, post, world.tainan.school_id)
        assert came_of_it(world, post) == [(False, False, False)]
        open_page(world, world.tainan, post)
        assert came_of_it(world, post) == [(True, False, False)]
        match = world.match(world.tainan, post)
        assert came_of_it(world, post) == [(True, True, False)]
        with world.unit_of_work() as uow:
            matches.accept(uow, match.id, world.actor(world.osaka))
        assert came_of_it(world, post) == [(True, True, True)]

    def test_visits_of_others_and_visitors_do_not_count(self, world: World, post: Invitation) -> None:
        forward(world, world.ierc_tainan, post, world.tainan.school_id)
        for other in (None, world.taipei, world.osaka, world.admin, world.ierc_tainan):
            open_page(world, other, post)
        assert came_of_it(world, post) == [(False, False, False)]

    def test_what_was_asked_before_did_not_come_of_it(self, world: World, post: Invitation) -> None:
        ask(world, world.tainan, post, status=MatchStatus.DECLINED)
        forward(world, world.ierc_tainan, post, world.tainan.school_id)
        assert came_of_it(world, post) == [(False, False, False)]

    def test_a_match_on_another_post_did_not_come_of_it(self, world: World, post: Invitation) -> None:
        forward(world, world.ierc_tainan, post, world.tainan.school_id)
        ask(world, world.tainan, world.invitation(world.osaka))
        assert came_of_it(world, post) == [(False, False, False)]

    def test_the_page_says_who_passed_it_on_and_counts(self, world: World, browser: Browser, post: Invitation) -> None:
        forward(world, world.ierc_tainan, post, world.tainan.school_id, world.school("TW").id)
        open_page(world, world.tainan, post)
        ask(world, world.tainan, post)
        colleague = world.user("ierc", unit="TNN")
        words = browser.sign_in(colleague).open(f"invitations/{post.id}/pass-on").words
        assert world.ierc_tainan.name in words
        assert "Schools2opened it1asked for a match1agreed0" in words
        assert "not opened yet" in words


def test_it_stands_in_the_inbox_of_the_school_until_it_is_opened(
    world: World, browser: Browser, post: Invitation
) -> None:
    forward(world, world.ierc_tainan, post, world.tainan.school_id)
    browser.sign_in(world.tainan)
    assert "Passed on to your school" in browser.open("inbox").words
    assert post.title in browser.open("inbox").words
    assert "Passed on to your school" not in Browser(world.app).sign_in(world.taipei).open("inbox").words
    browser.open(f"invitations/{post.id}")
    assert "Passed on to your school" not in browser.open("inbox").words


class TestWhatAUnitHasNotOpened:
    def listed(self, browser: Browser, show: str) -> list[str]:
        return [e.text for e in browser.open(f"unit/posts?show={show}").all("bdi") if e.text.startswith("Post")]

    def test_a_visit_of_one_counts_for_all_of_the_unit(self, world: World, browser: Browser) -> None:
        first = world.invitation(world.osaka, title="Post one")
        world.invitation(world.osaka, title="Post two")
        world.invitation(world.osaka, title="Post for Taipei", target_counties=["TPE"])
        world.invitation(world.tainan, title="Post of our own side")
        browser.sign_in(world.ierc_tainan)
        assert self.listed(browser, "all") == self.listed(browser, "unopened") == ["Post two", "Post one"]

        open_page(world, world.user("ierc", unit="TNN"), first)
        open_page(world, world.ierc_taipei, first)

        assert self.listed(browser, "unopened") == ["Post two"]
        assert browser.open("unit/posts").words.count("not opened yet") == 1

    def test_the_whole_list_can_be_counted_as_seen(self, world: World, browser: Browser) -> None:
        for title in ("Post one", "Post two"):
            world.invitation(world.osaka, title=title)
        browser.sign_in(world.ierc_tainan)
        browser.send(browser.open("unit/posts").form_to("/unit/posts/seen"))
        assert self.listed(browser, "unopened") == []
        with world.unit_of_work() as uow:
            assert set(uow.session.scalars(select(PostReading.unit_code))) == {"TNN"}

    def test_what_was_passed_on_leaves_the_list_of_what_was_kept(self, world: World, browser: Browser) -> None:
        post = world.invitation(world.osaka, title="Post one")
        browser.sign_in(world.ierc_tainan)
        assert self.listed(browser, "kept") == ["Post one"]
        forward(world, world.ierc_tainan, post, world.tainan.school_id)
        assert self.listed(browser, "kept") == []
        assert "Passed on to 1 school: 0 opened it, 0 asked for a match, 0 agreed" in browser.open("unit/posts").words

    def test_getting_the_mail_is_not_reading(self, world: World, post: Invitation) -> None:
        with world.unit_of_work() as uow:
            assert uow.session.scalars(select(PostReading)).all() == []
        world.as_(world.ierc_tainan).get(f"/invitations/{post.id}")
        with world.unit_of_work() as uow:
            assert uow.session.scalars(select(PostReading)).all() == []

    def test_a_school_has_no_such_list(self, world: World, browser: Browser) -> None:
        browser.sign_in(world.tainan)
        assert [browser.open(path).status for path in ("unit/posts", "unit/digest", "unit")] == [403] * 3


class TestPassedOnByNobody:
    def listed(self, browser: Browser, query: str = "") -> list[str]:
        page = browser.open(f"admin/not-passed-on{query}")
        assert page.status == 200, page.words
        return [e.text for e in page.all("bdi") if e.text.startswith("Post")]

    @pytest.fixture
    def posts(self, world: World) -> dict[str, Invitation]:
        now = datetime.now(UTC)
        return {
            "old": world.invitation(world.osaka, title="Post old", published_at=now - timedelta(days=40)),
            "home": world.invitation(
                world.tainan, title="Post home", target_countries=["KR"], published_at=now - timedelta(days=20)
            ),
            "tnn": world.invitation(
                world.seoul, title="Post tnn", target_counties=["TNN"], published_at=now - timedelta(days=3)
            ),
            "draft": world.invitation(world.osaka, title="Post draft", status="draft"),
            "gone": world.invitation(world.osaka, title="Post gone", status="closed"),
        }

    def test_the_longest_waiting_come_first_and_leave_when_one_unit_passes_them_on(
        self, world: World, browser: Browser, posts: dict[str, Invitation]
    ) -> None:
        browser.sign_in(world.admin)
        assert self.listed(browser) == ["Post old", "Post home", "Post tnn"]
        forward(world, world.ierc_tainan, posts["old"], world.tainan.school_id)
        assert self.listed(browser) == ["Post home", "Post tnn"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?side=domestic", ["Post home"]),
            ("?side=overseas", ["Post old", "Post tnn"]),
            ("?unit=TNN", ["Post old", "Post tnn"]),
            ("?unit=TPE", ["Post old"]),
            ("?unit=KR-SEL", ["Post home"]),
            ("?unit=JP-OSA", []),
            ("?unit=TNN&side=domestic", []),
        ],
    )
    def test_by_side_and_by_the_area_that_is_looked_for(
        self, world: World, browser: Browser, posts: dict[str, Invitation], query: str, expected: list[str]
    ) -> None:
        browser.sign_in(world.admin)
        assert self.listed(browser, query) == expected

    def test_the_administrator_alone_sees_it(self, world: World) -> None:
        for user in (world.ierc_tainan, world.office_osaka, world.tainan, world.system_admin):
            assert Browser(world.app).sign_in(user).open("admin/not-passed-on").status == 403

    def test_a_side_that_does_not_exist_is_refused(self, world: World, browser: Browser) -> None:
        assert browser.sign_in(world.admin).open("admin/not-passed-on?side=left").status == 422


def test_a_school_gets_it_once_from_two_people_of_one_unit(world: World, post: Invitation) -> None:
    forward(world, world.ierc_tainan, post, world.tainan.school_id)
    forward(world, world.user("ierc", unit="TNN"), post, world.tainan.school_id)
    with world.unit_of_work() as uow:
        assert [row.user_id for row in uow.session.scalars(select(Forward))] == [world.ierc_tainan.id]
