"""A school's own posts: begun short, completed, sent, corrected, changed while public, ended; nothing typed is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from iew.models import Contact, Forward, Invitation, Revision
from tests.pages.browser import Browser
from tests.world import World

LANGUAGES = ("zh-Hant", "en", "ja", "ko")
HOSTILE = "<script>alert('x')</script>"
TRAVEL = {
    "date_mode": "alternatives",
    "dates": [{"start": "2027-05-10", "end": "2027-05-10"}],
    "destination_counties": ["TNN"],
    "min_students": 20,
    "school_kinds": ["senior_high_general"],
    "activities": ["joint lesson"],
    "length": "half_day",
    "lodging": "A hotel",
    "agent": {"name": "Canary Travel"},
    "needs": None,
}


def _begun(world: World, browser: Browser, **changes: Any) -> Invitation:
    """A draft begun through the first step."""
    browser.sign_in(world.osaka)
    values: dict[str, Any] = {
        "title": "Choirs that sing together",
        "description": "We sing and look for a choir.",
        **changes,
    }
    sent = browser.send(browser.open("posts/new?channel=general").form_to("/posts/new"), **values)
    return _post_of(world, sent.reply.headers["Location"].split("/")[-2])


def _post_of(world: World, post_id: str) -> Invitation:
    with world.unit_of_work() as uow:
        return uow.get(Invitation, post_id)


def _day(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


# who gets in, and that every page speaks the four languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_every_language(browser: Browser, world: World, language: str) -> None:
    draft = world.invitation(world.osaka, status="draft", channel="educational_travel", travel=TRAVEL)
    public = world.invitation(world.osaka)
    world.revision(public, status="returned", title="A new title")
    browser.sign_in(world.osaka)
    pages = ["posts", "posts?part=ended", "posts/new", "posts/new?channel=educational_travel"]
    pages += [f"posts/{post.id}{page}" for post in (draft, public) for page in ("", "/edit", "/history")]
    pages += [f"posts/{public.id}/{action}" for action in ("withdraw", "close", "renew")] + [f"posts/{draft.id}/delete"]
    for path in pages:
        page = browser.open(f"/{language}/{path}")
        assert page.status == 200, path
        assert page.heading, path


def test_a_school_without_posts_reads_how_to_begin(browser: Browser, world: World) -> None:
    page = browser.sign_in(world.osaka).open("posts")
    assert "no invitation yet" in page.words
    assert "/en/posts/new" in page.links()


@pytest.mark.parametrize("page", ["", "/edit", "/history", "/withdraw", "/delete"])
def test_another_school_is_refused(browser: Browser, world: World, page: str) -> None:
    public, draft = world.invitation(world.osaka), world.invitation(world.osaka, status="draft")
    browser.sign_in(world.seoul)
    assert browser.open(f"posts/{public.id}{page}").status == 403
    assert browser.open(f"posts/{draft.id}{page}").status == 404


@pytest.mark.parametrize("who", ["admin", "ierc_tainan", "office_osaka", "system_admin"])
def test_only_schools_have_own_posts(browser: Browser, world: World, who: str) -> None:
    browser.sign_in(getattr(world, who))
    assert browser.open("posts").status == 403
    assert browser.open("posts/new").status == 403


def test_a_visitor_is_asked_to_sign_in(browser: Browser, world: World) -> None:
    assert browser.open("posts").status == 401
    assert browser.open(f"posts/{world.invitation(world.osaka).id}/edit").status == 401


def test_a_form_without_a_token_does_nothing(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft")
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/delete").form_to("/delete")
    assert browser.send(form, csrf_token="wrong").status == 403
    assert world.now_is(post).status == "draft"


# the list


def test_what_came_back_stands_first(browser: Browser, world: World) -> None:
    world.invitation(world.osaka, status="draft", title="The draft")
    world.invitation(world.osaka, title="The public one")
    world.invitation(world.osaka, status="returned", title="The returned one", reason="Say which robots.")
    changed = world.invitation(world.osaka, title="The changed one")
    world.revision(changed, status="returned", title="The changed one, newer")
    words = browser.sign_in(world.osaka).open("posts").words
    titles = ("The returned one", "The changed one, newer", "The draft", "The public one")
    places = [words.index(title) for title in titles]
    assert places == sorted(places)
    assert "Say which robots." in words


def test_one_click_renews(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, expires_on=_day(10))
    page = browser.sign_in(world.osaka).open("posts")
    browser.send(page.form_to(f"/posts/{post.id}/renew"))
    renewed = world.now_is(post)
    assert renewed.status == "published"
    assert renewed.expires_on > datetime.now(UTC).date() + timedelta(days=150)


def test_an_expired_post_comes_back_with_another_day(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="expired", expires_on=_day(-10))
    browser.sign_in(world.osaka)
    form = browser.open(f"posts/{post.id}/renew").form_to("/renew")
    refused = browser.send(form, expires_on=_day(-1))
    assert refused.status == 422
    assert refused.fault_at("expires_on")
    browser.send(form, expires_on=_day(30))
    assert (world.now_is(post).status, world.now_is(post).expires_on.isoformat()) == ("published", _day(30))


# writing


def test_a_title_and_a_language_begin_a_draft(browser: Browser, world: World) -> None:
    post = _begun(world, browser, description="")
    assert (post.status, post.title, post.content_language) == ("draft", "Choirs that sing together", "en")


def test_a_first_step_without_a_title_comes_back_filled(browser: Browser, world: World) -> None:
    form = browser.sign_in(world.osaka).open("posts/new?channel=general").form_to("/posts/new")
    page = browser.send(form, title="", description=f"We sing. {HOSTILE}")
    assert page.status == 422
    assert page.fault_at("title")
    assert page.form_to("/posts/new").fields["description"] == f"We sing. {HOSTILE}"
    assert HOSTILE not in page.text


def test_educational_travel_begins_with_its_type(browser: Browser, world: World) -> None:
    form = browser.sign_in(world.osaka).open("posts/new?channel=educational_travel").form_to("/posts/new")
    location = browser.send(form, title="Trip").reply.headers["Location"]
    post = _post_of(world, location.split("/")[-2])
    assert (post.channel, post.exchange_types) == ("educational_travel", ["educational_travel"])
    assert "travel.dates-0.start" in browser.open(location).form_to("/edit").fields


def test_sending_too_early_saves_and_says_what_is_missing_where(browser: Browser, world: World) -> None:
    post = _begun(world, browser)
    form = browser.open(f"posts/{post.id}/edit").form_to("/edit")
    page = browser.send(form, then="submit", topics="choir, folk songs", contact__email="")
    assert page.status == 422
    assert all(page.fault_at(name) for name in ("exchange_types", "languages", "levels", "expires_on"))
    assert page.fault_at("contact.name")
    assert page.form_to("/edit").fields["topics"] == "choir, folk songs"
    assert "saved, but it was not sent" in page.words
    assert {"#f-levels", "#f-expires_on", "#f-contact-name"} <= set(page.links())
    saved = world.now_is(post)
    assert (saved.status, saved.topics) == ("draft", ["choir", "folk songs"])


def test_the_whole_body_goes_through_the_form(browser: Browser, world: World) -> None:
    post = _begun(world, browser)
    form = browser.open(f"posts/{post.id}/edit").form_to("/edit")
    whole: dict[str, Any] = {
        "exchange_types": ["online_exchange", "joint_class"],
        "languages": ["en", "ja"],
        "levels": ["senior_high_general"],
        "grades": ["10", "11"],
        "target_counties": ["TNN", "KHH"],
        "periods-1.start": "2027-04-01",
        "periods-1.end": "2027-07-31",
        "group__students": "２４",
        "group__female": "10",
        "group__teachers": "2",
        "homestay": "offered",
        "expires_on": _day(200),
        "contact__name": "Mika Canary",
        "contact__email": "canary@contact.example",
        "contact_visibility": "approved_schools",
        "translations-0.language": "ja",
        "translations-0.title": "合唱",
        "translations-0.description": "歌いましょう",
        "then": "submit",
    }
    sent = browser.send(form, **whole)
    assert sent.reply.headers["Location"] == f"/en/posts/{post.id}"
    saved = world.now_is(post)
    assert saved.status == "submitted"
    assert saved.periods == [{"start": "2027-04-01", "end": "2027-07-31"}]
    assert saved.group == {"students": 24, "male": None, "female": 10, "teachers": 2}
    assert (saved.grades, saved.target_counties, saved.homestay) == ([10, 11], ["TNN", "KHH"], "offered")
    assert saved.translations == [{"language": "ja", "title": "合唱", "description": "歌いましょう"}]
    with world.unit_of_work() as uow:
        contact = uow.session.scalars(select(Contact).where(Contact.invitation_id == post.id)).one()
        assert (contact.name, contact.email) == ("Mika Canary", "canary@contact.example")


def test_saving_without_a_change_changes_nothing(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, channel="educational_travel", travel=TRAVEL)
    with world.unit_of_work() as uow:
        row = uow.session.scalars(select(Contact).where(Contact.invitation_id == post.id)).one()
        row.agent_contact = "agent@canary.example"
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit").form_to("/edit")
    assert form.fields["travel.agent.contact"] == "agent@canary.example"
    assert browser.send(form, then="save").status == 302
    assert world.now_is(post).version == post.version
    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(Revision)).all() == []


def test_a_translation_is_taken_away(browser: Browser, world: World) -> None:
    texts = [{"language": code, "title": f"In {code}", "description": None} for code in ("ja", "ko", "fr")]
    post = world.invitation(world.osaka, status="draft", translations=texts)
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit").form_to("/edit")
    removed: dict[str, Any] = {"translations-1.removed": "yes", "then": "save"}
    browser.send(form, **removed)
    assert [each["language"] for each in world.now_is(post).translations] == ["ja", "fr"]


def test_a_fault_of_a_row_stands_at_the_row(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft")
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit").form_to("/edit")
    row: dict[str, Any] = {"periods-2.start": "2027-09-01", "periods-2.end": "2027-08-01", "then": "save"}
    page = browser.send(form, **row)
    assert page.status == 422
    assert "before the start" in page.fault_at("periods")
    assert "2027-09-01" in page.form_to("/edit").fields.values()
    assert world.now_is(post).version == post.version


def test_leaving_educational_travel_takes_its_part_along(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft", channel="educational_travel", travel=TRAVEL)
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit").form_to("/edit")
    browser.send(form, channel="general", then="save")
    assert (world.now_is(post).channel, world.now_is(post).travel) == ("general", None)


def test_a_visit_that_comes_soon_is_warned_of_and_may_be_sent(browser: Browser, world: World) -> None:
    travel = TRAVEL | {"dates": [{"start": _day(20), "end": _day(21)}]}
    post = world.invitation(
        world.osaka, status="draft", channel="educational_travel", travel=travel, exchange_types=["educational_travel"]
    )
    page = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit")
    assert "less than two months ahead" in page.words
    assert browser.send(page.form_to("/edit"), then="submit").status == 302
    assert world.now_is(post).status == "submitted"


def test_a_school_that_waits_drafts_and_does_not_send(browser: Browser, world: World) -> None:
    waiting = world.user(school=world.school("JP", status="pending"))
    post = world.invitation(waiting, status="draft")
    page = browser.sign_in(waiting).open(f"posts/{post.id}/edit")
    assert "Save and send for checking" not in page.text
    refused = browser.send(page.form_to("/edit"), title="Typed all the same", then="submit")
    assert refused.status == 403
    assert refused.form_to("/edit").fields["title"] == "Typed all the same"
    assert world.now_is(post).status == "draft"


def test_two_colleagues_do_not_overwrite_each_other_unseen(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft", title="First title")
    first = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit").form_to("/edit")
    second = Browser(world.app).sign_in(world.osaka)
    second.send(second.open(f"posts/{post.id}/edit").form_to("/edit"), title="The colleague's title", then="save")

    page = browser.send(first, title="My own title", then="save")

    assert page.status == 412
    assert "The colleague's title" in page.words
    again = page.form_to("/edit")
    assert again.fields["title"] == "My own title"
    assert world.now_is(post).title == "The colleague's title"
    assert browser.send(again, then="save").status == 302
    assert world.now_is(post).title == "My own title"


def test_what_people_write_is_never_markup(browser: Browser, world: World) -> None:
    remarks = [{"field": "title", "text": HOSTILE}]
    words: dict[str, Any] = {
        "title": HOSTILE,
        "description": HOSTILE,
        "topics": [HOSTILE],
        "reason": HOSTILE,
        "remarks": remarks,
    }
    post = world.invitation(world.osaka, status="returned", **words)
    browser.sign_in(world.osaka)
    for path in ("posts", f"posts/{post.id}", f"posts/{post.id}/edit", f"posts/{post.id}/history"):
        page = browser.open(path)
        assert page.status == 200
        assert HOSTILE not in page.text
    assert browser.open(f"posts/{post.id}/edit").form_to("/edit").fields["title"] == HOSTILE


# what comes back, and changes while it is public


def test_each_remark_stands_at_its_field(browser: Browser, world: World) -> None:
    remarks = [
        {"field": "title", "text": "Say which robots."},
        {"field": "periods-0.start", "text": "That is a holiday."},
    ]
    post = world.invitation(world.osaka, status="returned", reason="Two small things.", remarks=remarks)
    page = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit")
    assert "Two small things." in page.words
    at = {e.attributes["id"]: e.text for e in page.all("div", **{"class": "at"})}
    assert "Say which robots." in at["at-title"]
    assert "That is a holiday." in at["at-periods"]
    assert browser.send(page.form_to("/edit"), title="Two robots that greet", then="submit").status == 302
    assert world.now_is(post).status == "submitted"


def test_a_change_of_a_public_post_leaves_the_old_text_public(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, title="The old title")
    page = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit")
    assert "The public goes on reading" in page.words
    browser.send(page.form_to("/edit"), title="The new title", then="save")

    assert world.now_is(post).title == "The old title"
    assert Browser(world.app).open(f"invitations/{post.id}").heading == "The old title"
    preview = browser.open(f"posts/{post.id}")
    assert preview.heading == "The new title"
    browser.send(preview.form_to("/submit"))
    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(Revision)).one().status == "submitted"


def test_what_is_being_checked_is_not_edited(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="submitted")
    page = browser.sign_in(world.osaka).open(f"posts/{post.id}/edit")
    shown = browser.follow(page)
    assert "An administrator is reading it" in shown.words


def test_sending_from_the_preview_leads_to_what_is_missing(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft")
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}").form_to("/submit")
    with world.unit_of_work() as uow:
        uow.get(Invitation, post.id).levels = []
    page = browser.send(form)
    assert page.status == 422
    assert page.fault_at("levels")


# endings


@pytest.mark.parametrize(("action", "status"), [("withdraw", "withdrawn"), ("close", "closed")])
def test_a_post_is_ended_after_a_question(browser: Browser, world: World, action: str, status: str) -> None:
    post = world.invitation(world.osaka)
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/{action}").form_to(f"/{action}")
    assert world.now_is(post).status == "published"
    browser.send(form)
    assert world.now_is(post).status == status


def test_a_draft_is_deleted_after_a_question(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft")
    form = browser.sign_in(world.osaka).open(f"posts/{post.id}/delete").form_to("/delete")
    assert browser.send(form).reply.headers["Location"] == "/en/posts"
    with world.unit_of_work() as uow:
        assert uow.session.get(Invitation, post.id) is None


def test_a_public_post_is_not_deleted(browser: Browser, world: World) -> None:
    draft, public = world.invitation(world.osaka, status="draft"), world.invitation(world.osaka)
    form = browser.sign_in(world.osaka).open(f"posts/{draft.id}/delete").form_to("/delete")
    form.action = form.action.replace(draft.id, public.id)
    form.fields["version"] = "1"
    assert browser.send(form).status == 409
    assert world.now_is(public).status == "published"


def test_the_history_tells_who_did_what(browser: Browser, world: World) -> None:
    post = _begun(world, browser)
    browser.send(browser.open(f"posts/{post.id}/edit").form_to("/edit"), title="Another title", then="save")
    words = browser.open(f"posts/{post.id}/history").words
    assert words.index("Draft begun") < words.index("Changed")
    assert "Minatodai High School" in words or "大阪府立みなと台高等学校" in words


# passing on


def test_a_unit_passes_a_post_on_and_sees_to_whom(browser: Browser, world: World) -> None:
    post, school = world.invitation(world.osaka), world.tainan.school_id or ""
    world.user(school=world.school("TW"))
    form = browser.sign_in(world.ierc_tainan).open(f"invitations/{post.id}/pass-on").form_to("/pass-on")
    page = browser.follow(browser.send(form, to="chosen", schools=[school], note=f"For your robots {HOSTILE}"))
    assert "Passed on to 1 school." in page.words
    assert "For your robots" in page.words
    assert HOSTILE not in page.text
    with world.unit_of_work() as uow:
        assert [row.school_id for row in uow.session.scalars(select(Forward))] == [school]
    again = browser.follow(browser.send(page.form_to("/pass-on"), to="all"))
    assert "1 school had it already." in again.words
    assert "Every school of your area had this post from you." in again.words


def test_passing_on_by_level_takes_that_level_alone(browser: Browser, world: World) -> None:
    junior = world.user(school=world.school("TW", level="junior_high"))
    post, _ = world.invitation(world.osaka), world.tainan
    form = browser.sign_in(world.ierc_tainan).open(f"invitations/{post.id}/pass-on").form_to("/pass-on")
    browser.send(form, to="levels", levels=["junior_high"])
    with world.unit_of_work() as uow:
        assert [row.school_id for row in uow.session.scalars(select(Forward))] == [junior.school_id]


def test_a_choice_of_nobody_comes_back_with_the_note(browser: Browser, world: World) -> None:
    post, _ = world.invitation(world.osaka), world.tainan
    form = browser.sign_in(world.ierc_tainan).open(f"invitations/{post.id}/pass-on").form_to("/pass-on")
    page = browser.send(form, to="chosen", note="A note typed")
    assert page.status == 422
    assert page.fault_at("schools")
    assert page.form_to("/pass-on").fields["note"] == "A note typed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_post_of_the_own_side_is_not_offered_for_passing_on(browser: Browser, world: World, language: str) -> None:
    post = world.invitation(world.tainan)
    page = browser.sign_in(world.ierc_tainan).open(f"/{language}/invitations/{post.id}/pass-on")
    assert page.status == 200
    assert not [form for form in page.forms if form.action.endswith("/pass-on")]


def test_schools_pass_nothing_on(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)
    assert browser.sign_in(world.tainan).open(f"invitations/{post.id}/pass-on").status == 403
