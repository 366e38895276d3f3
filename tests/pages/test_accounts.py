"""Signing up, in and out, and one's own account, as pages."""

from typing import Any

import pytest
from sqlalchemy import select

from iew.models import ApiToken, MailLink, School, User
from iew.services import links
from iew.services.links import Purpose
from tests.pages.browser import OWN_PAGE, Browser
from tests.web.houses import SECRET
from tests.world import PASSWORD, World

SIGN_UP: dict[str, Any] = {
    "school__name": "大阪府立ひかり高等学校",
    "school__name_en": "Hikari High School",
    "school__level": "senior_high_general",
    "user__name": "Hanako Yamada",
    "user__email": "Hanako@School.example",
    "user__password": "correct horse battery",
}


def link_to(world: World, user: User, purpose: Purpose, **subject: str) -> str:
    """The signed part of a mail's link."""
    with world.unit_of_work() as uow:
        link = links.issue(uow, purpose, address=user.email, user_id=user.id, **subject)
        return links.signed(SECRET, link)


def find(world: World, table: Any, *where: Any) -> Any:
    with world.unit_of_work() as uow:
        return uow.session.scalar(select(table).where(*where))


class TestSigningUp:
    def test_the_place_is_asked_first_and_names_who_will_check(self, browser: Browser) -> None:
        place = browser.open("sign-up").form_to("/sign-up")
        finer = browser.send(place, country="JP")
        form = browser.send(finer.form_to("/sign-up"), subdivision="JP-27")

        assert "JP-27" in finer.form_to("/sign-up").options["subdivision"]
        assert "Osaka" in form.words and "is checked by" in form.words

    def test_where_no_office_is_known_the_administrator_is_named(self, browser: Browser) -> None:
        assert "the IEW administrator" in browser.open("sign-up?country=IS").words

    def test_a_school_in_taiwan_names_its_county(self, browser: Browser) -> None:
        page = browser.open("sign-up?country=TW")

        assert "TNN" in page.form_to("/sign-up").options["county"]

    def test_it_makes_a_school_that_waits_for_the_office_of_its_place(self, browser: Browser, world: World) -> None:
        form = browser.open("sign-up?country=JP&subdivision=JP-27").form_to("/sign-up")

        page = browser.follow(browser.send(form, **SIGN_UP))

        school = find(world, School, School.name_en == "Hikari High School")
        assert (school.status, school.approver_code, school.subdivision) == ("pending", "JP-OSA", "JP-27")
        assert find(world, User, User.email == "hanako@school.example").school_id == school.id
        assert "Thank you" in page.heading

    def test_nothing_typed_is_lost_and_each_fault_stands_at_its_field(self, browser: Browser, world: World) -> None:
        before = world.snapshot()
        form = browser.open("sign-up?country=JP&subdivision=JP-27").form_to("/sign-up")

        page = browser.send(
            form, **SIGN_UP | {"user__email": "no address", "user__password": "short", "school__level": ""}
        )

        again = page.form_to("/sign-up").fields
        assert page.status == 422
        assert page.fault_at("user.email") == "This is no mail address."
        assert "at least 10 characters" in page.fault_at("user.password")
        assert page.fault_at("school.level") == "This is needed."
        assert again["school.name"] == SIGN_UP["school__name"] and again["user.email"] == "no address"
        assert again["school.subdivision"] == "JP-27"
        assert again["user.password"] == "", "a password is never sent back"
        assert world.snapshot() == before

    def test_the_summary_of_faults_leads_to_the_fields(self, browser: Browser) -> None:
        form = browser.open("sign-up?country=IS").form_to("/sign-up")

        page = browser.send(form, **SIGN_UP | {"user__email": ""})

        summary = next(page.all("div", id="error-summary"))
        assert "E-mail: This is needed." in " ".join(summary.text.split())
        assert "#f-user-email" in page.links()
        assert "autofocus" in summary.attributes

    def test_a_known_address_is_not_told_apart(self, browser: Browser, world: World) -> None:
        form = browser.open("sign-up?country=IS").form_to("/sign-up")

        page = browser.send(form, **SIGN_UP | {"user__email": world.osaka.email})

        assert page.reply.headers["Location"].endswith("/sign-up/done")
        assert find(world, School, School.name_en == "Hikari High School") is None

    def test_opening_the_link_of_the_mail_confirms_nothing_its_button_does_once(
        self, browser: Browser, world: World
    ) -> None:
        user = world.user(email_confirmed_at=None)
        path = f"confirm/{link_to(world, user, Purpose.CONFIRM_ADDRESS)}"

        page = browser.open(path)
        assert world.actor(user).email_confirmed is False

        assert browser.send(page.forms[-1]).status == 200
        assert world.actor(user).email_confirmed is True
        assert browser.send(page.forms[-1]).status == 410
        assert browser.open(path).status == 410

    def test_a_link_that_somebody_made_up_leads_nowhere(self, browser: Browser) -> None:
        assert browser.open("confirm/ImFiYyI.rubbish").status == 404


class TestSigningIn:
    def test_a_wrong_password_keeps_the_address_and_tells_nothing(self, browser: Browser, world: World) -> None:
        form = browser.open("sign-in").form_to("/sign-in")

        known = browser.send(form, email=world.osaka.email, password="wrong wrong wrong")
        unknown = browser.send(form, email="nobody@school.example", password="wrong wrong wrong")

        assert known.status == unknown.status == 401
        assert known.form_to("/sign-in").fields["email"] == world.osaka.email
        assert known.form_to("/sign-in").fields["password"] == ""
        assert next(known.all("div", id="error-summary")).text == next(unknown.all("div", id="error-summary")).text

    def test_it_leads_to_the_page_that_was_asked_for(self, browser: Browser, world: World) -> None:
        refused = browser.open("account?tab=1")

        page = browser.send(refused.form_to("/sign-in"), email=world.osaka.email, password=PASSWORD)

        assert refused.status == 401
        assert (page.status, page.reply.headers["Location"]) == (302, "/en/account?tab=1")

    @pytest.mark.parametrize(
        "goal",
        [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "\t//evil.example",
            "/a\r\nX: y",
        ],
    )
    def test_it_leads_to_no_other_site(self, browser: Browser, world: World, goal: str) -> None:
        form = browser.open("sign-in").form_to("/sign-in")

        page = browser.send(form, email=world.osaka.email, password=PASSWORD, next=goal)

        assert page.reply.headers["Location"] == "/ja/"

    def test_signing_out_ends_the_session(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)

        page = browser.follow(browser.send(browser.open("account").form_to("/sign-out")))

        assert "You are signed out." in page.words
        assert browser.open("account").status == 401


class TestACarriedForm:
    def refused(self, browser: Browser, world: World, **headers: str) -> Any:
        """A form sent after the sign-in has run out."""
        browser.sign_in(world.osaka)
        form = browser.open("account").form_to("/account")
        browser.send(browser.open("account").form_to("/sign-out"))
        return browser.send(form, headers=headers or OWN_PAGE, name="花子 <b>山田</b>", timezone="Asia/Tokyo")

    def test_it_goes_on_after_signing_in_by_one_button(self, browser: Browser, world: World) -> None:
        page = self.refused(browser, world)
        assert page.status == 401 and "Nothing you typed is lost" in page.words

        back = browser.send(page.form_to("/sign-in"), email=world.osaka.email, password=PASSWORD)
        assert back.form_to("/account").fields["name"] == "花子 <b>山田</b>"

        done = browser.send(back.form_to("/account"))
        assert done.status == 302, done.words
        assert find(world, User, User.id == world.osaka.id).name == "花子 <b>山田</b>"

    def test_a_password_is_carried_nowhere(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)
        form = browser.open("account").form_to("/account/password")
        browser.send(browser.open("account").form_to("/sign-out"))

        page = browser.send(form, old_password="my old secret words", password="my new secret words")

        assert page.status == 401 and "secret words" not in page.text

    def test_it_survives_a_wrong_password(self, browser: Browser, world: World) -> None:
        page = self.refused(browser, world)

        wrong = browser.send(page.form_to("/sign-in"), email=world.osaka.email, password="wrong wrong wrong")
        back = browser.send(wrong.form_to("/sign-in"), email=world.osaka.email, password=PASSWORD)

        assert back.form_to("/account").fields["timezone"] == "Asia/Tokyo"

    @pytest.mark.parametrize(
        "headers",
        [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"X": "y"}],
    )
    def test_a_form_of_another_site_is_not_carried(
        self, browser: Browser, world: World, headers: dict[str, str]
    ) -> None:
        page = self.refused(browser, world, **headers)

        assert page.status == 401
        assert "carried" not in page.form_to("/sign-in").fields

    def test_a_carried_form_leads_to_no_other_site(self, browser: Browser, world: World) -> None:
        form = browser.open("sign-in").form_to("/sign-in")

        page = browser.send(
            form, email=world.osaka.email, password=PASSWORD, carried='[["a","b"]]', carried_to="//evil.example/x"
        )

        assert page.status == 302

    @pytest.mark.parametrize("rubbish", ["{", "[1]", "[[1,2,3]]", "null", "[" * 5000])
    def test_what_we_did_not_make_is_not_carried(self, browser: Browser, world: World, rubbish: str) -> None:
        form = browser.open("sign-in").form_to("/sign-in")

        page = browser.send(form, email=world.osaka.email, password=PASSWORD, carried=rubbish, carried_to="/en/account")

        assert page.status == 302

    def test_a_stale_token_on_our_own_page_loses_nothing_either(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)
        form = browser.open("account").form_to("/account")

        page = browser.send(form, name="New Name", csrf_token="stale")

        assert page.status == 403
        assert browser.send(page.form_to("/account")).status == 302
        assert find(world, User, User.id == world.osaka.id).name == "New Name"


class TestForgottenPassword:
    def test_the_answer_is_the_same_for_everybody(self, browser: Browser, world: World) -> None:
        form = browser.open("forgotten").form_to("/forgotten")

        known, unknown = (browser.send(form, email=email) for email in (world.osaka.email, "nobody@school.example"))

        assert known.words == unknown.words
        assert known.status == unknown.status == 200

    def test_the_link_sets_a_password_once(self, browser: Browser, world: World) -> None:
        path = f"reset/{link_to(world, world.osaka, Purpose.RESET_PASSWORD)}"
        form = browser.open(path).forms[-1]

        short = browser.send(form, password="short")
        done = browser.send(form, password="another long password")

        assert short.status == 422 and "at least 10" in short.fault_at("password")
        assert done.reply.headers["Location"].endswith("/sign-in")
        assert browser.open(path).status == 410
        page = browser.send(
            browser.open("sign-in").form_to("/sign-in"), email=world.osaka.email, password="another long password"
        )
        assert page.status == 302

    def test_a_link_of_another_purpose_is_none(self, browser: Browser, world: World) -> None:
        assert browser.open(f"reset/{link_to(world, world.osaka, Purpose.CONFIRM_ADDRESS)}").status == 404
        assert find(world, MailLink, MailLink.used_at.is_not(None)) is None


class TestMyAccount:
    def test_the_language_changes_at_once(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)

        page = browser.follow(browser.send(browser.open("account").form_to("/account"), language="ko"))

        assert "저장했습니다." in page.words

    def test_a_change_on_an_old_page_is_not_done_unseen(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)
        old, form = (browser.open("account").form_to("/account") for _ in range(2))
        browser.send(form, name="First")

        page = browser.send(old, name="Second")

        assert page.status == 412
        assert page.form_to("/account").fields["name"] == "Second"
        assert find(world, User, User.id == world.osaka.id).name == "First"

    def test_a_form_sent_again_after_going_back_is_read_anew(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)
        form = browser.open("account").form_to("/colleagues")

        for name in ("ken", "ken", "mari"):
            assert browser.send(form, name=name, email=f"{name}@school.example").status == 302

        page = browser.open("account")
        assert page.text.count("ken@school.example") == page.text.count("mari@school.example") == 1

    def test_one_can_sign_another_browser_out(self, browser: Browser, world: World) -> None:
        other = Browser(world.app).sign_in(world.osaka)
        browser.sign_in(world.osaka)
        ends = [form for form in browser.open("account").forms if form.action.endswith("/end")]

        browser.send(ends[1])

        assert other.open("account").status == 401
        assert browser.open("account").status == 200

    def test_a_key_is_shown_once_and_can_be_ended(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)

        made = browser.send(browser.open("account").form_to("/account/tokens"), name="my script", days="30")
        key = next(made.all("code")).text

        assert world.app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert key not in browser.open("account").text
        token = find(world, ApiToken, ApiToken.user_id == world.osaka.id)
        browser.send(browser.open("account").form_to(f"/tokens/{token.id}/end"))
        assert world.app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401

    @pytest.mark.parametrize("days", ["0", "366", "many", ""])
    def test_a_key_has_an_end(self, browser: Browser, world: World, days: str) -> None:
        browser.sign_in(world.osaka)

        page = browser.send(browser.open("account").form_to("/account/tokens"), name="my script", days=days)

        assert page.status == 422 and page.fault_at("days", form="token")
        assert page.form_to("/account/tokens").fields["name"] == "my script"

    def test_a_colleague_can_be_invited(self, browser: Browser, world: World) -> None:
        browser.sign_in(world.osaka)

        page = browser.send(browser.open("account").form_to("/colleagues"), name="Ken", email="ken@school.example")

        assert page.status == 302
        assert find(world, User, User.email == "ken@school.example").school_id == world.osaka.school_id

    def test_the_account_of_a_visitor_is_a_page_to_sign_in(self, browser: Browser) -> None:
        assert browser.open("account").status == 401
