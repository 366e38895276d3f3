"""The pages of a case: each party sees its own, acts from it, and loses nothing it typed."""

import pytest
from sqlalchemy import select

from iew.domain.matches import Status, Via
from iew.models import Match, User
from tests.pages.browser import Browser
from tests.world import World

LANGUAGES = ("zh-Hant", "en", "ja", "ko")


def browser_of(world: World, user: User) -> Browser:
    return Browser(world.app).sign_in(user)


@pytest.mark.parametrize("language", LANGUAGES)
def test_asking_leads_to_the_page_of_the_case(world: World, language: str) -> None:
    post = world.invitation(world.osaka)
    browser = browser_of(world, world.tainan)
    form = browser.open(f"/{language}/invitations/{post.id}/ask?via=assisted").form_to("/matches/ask")

    page = browser.follow(browser.send(form, message="We build robots too."))

    assert page.status == 200
    assert "We build robots too." in page.words


def test_a_request_without_a_message_comes_back(world: World) -> None:
    post = world.invitation(world.osaka)
    browser = browser_of(world, world.tainan)

    page = browser.send(browser.open(f"/en/invitations/{post.id}/ask").form_to("/matches/ask"), message="")

    assert page.status == 422
    assert page.fault_at("message")
    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(Match)).all() == []


def test_a_wish_without_a_post_goes_to_the_centre_of_the_county(world: World) -> None:
    browser = browser_of(world, world.osaka)
    form = browser.open("/ja/matches/wish").form_to("/matches/ask")

    page = browser.follow(browser.send(form, wish__county="TNN", message="台南の高校を探しています。"))

    assert page.status == 200
    with world.unit_of_work() as uow:
        match = uow.session.scalars(select(Match)).one()
        assert (match.handler_code, match.status) == ("TNN", "routed")


def test_a_second_request_shows_the_open_one(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.tainan)

    page = browser.open(f"/en/invitations/{match.invitation_id}/ask")

    assert any(link.endswith(f"/matches/{match.id}") for link in page.links())
    refused = browser.send(page.form_to("/matches/ask"), message="Once more")
    assert refused.status == 409
    assert "Once more" in refused.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", list(Status))
def test_both_schools_read_a_direct_case_in_every_state(world: World, language: str, status: Status) -> None:
    match = world.match(status=status)
    for who in (world.tainan, world.osaka):
        page = browser_of(world, who).open(f"/{language}/matches/{match.id}")
        assert page.status == 200
        assert match.number in page.heading


@pytest.mark.parametrize(
    "status", [Status.REQUESTED, Status.ROUTED, Status.IN_PROGRESS, Status.AGREED, Status.NOT_FOUND]
)
def test_unit_and_administrator_read_an_assisted_case(world: World, status: Status) -> None:
    match = world.match(via=Via.ASSISTED, status=status, handler="JP-OSA")
    for who in (world.office_osaka, world.admin, world.tainan):
        assert browser_of(world, who).open(f"/en/matches/{match.id}").status == 200


def test_strangers_do_not_find_a_case(world: World) -> None:
    match = world.match()
    for who in (world.seoul, world.ierc_taipei, world.system_admin):
        assert browser_of(world, who).open(f"/en/matches/{match.id}").status == 404


def test_the_invited_school_accepts_and_contacts_are_shown_on_demand(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.osaka)

    page = browser.follow(browser.send(browser.open(f"/en/matches/{match.id}").form_to("/accept")))

    assert world.now_is(match).status == "agreed"
    assert world.tainan.email not in page.text
    shown = browser.send(page.form_to("/contacts"))
    assert world.tainan.email in shown.text


def test_a_decline_needs_a_reason_and_keeps_the_words(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.osaka)
    form = browser.open(f"/en/matches/{match.id}").form_to("/decline")

    page = browser.send(form, note="Our term ends then.")

    assert page.status == 422
    assert "Our term ends then." in page.text
    assert world.now_is(match).status == "requested"
    browser.send(page.form_to("/decline"), reason_code="dates", note="Our term ends then.")
    assert world.now_is(match).status == "declined"


def test_a_unit_takes_up_proposes_and_records_the_agreement(world: World) -> None:
    match = world.match(via=Via.ASSISTED, status=Status.ROUTED, handler="JP-OSA")
    browser = browser_of(world, world.office_osaka)

    page = browser.follow(browser.send(browser.open(f"/en/matches/{match.id}").form_to("/accept")))
    page = browser.follow(browser.send(page.form_to("/propose")))
    school_id = page.form_to("/agree").options["school_id"][-1]
    browser.send(page.form_to("/agree"), school_id=school_id)

    agreed = world.now_is(match)
    assert (agreed.status, agreed.partner_school_id) == ("agreed", school_id)


def test_a_unit_hands_back_and_loses_the_case(world: World) -> None:
    match = world.match(via=Via.ASSISTED, status=Status.ROUTED, handler="JP-OSA")
    browser = browser_of(world, world.office_osaka)

    page = browser.send(browser.open(f"/en/matches/{match.id}").form_to("/hand_back"), reason="It is Fukuoka's.")

    assert browser.follow(page).status == 200
    assert browser.open(f"/en/matches/{match.id}").status == 404
    assert "It is Fukuoka&#39;s." in browser_of(world, world.admin).open(f"/en/matches/{match.id}").text


def test_the_administrator_gives_a_case_to_a_unit(world: World) -> None:
    match = world.match(via=Via.ASSISTED)
    browser = browser_of(world, world.admin)

    browser.send(browser.open(f"/en/matches/{match.id}").form_to("/route"), unit="KR-SEL")

    assert (world.now_is(match).status, world.now_is(match).handler_code) == ("routed", "KR-SEL")


def test_a_report_takes_five_fields(world: World) -> None:
    match = world.match(status=Status.AGREED)
    browser = browser_of(world, world.tainan)
    form = browser.open(f"/zh-Hant/matches/{match.id}").form_to("/report")

    browser.send(form, held_on="2026-11-20", students="２４", teachers="2", summary="很好。")

    assert world.now_is(match).status == "completed"


def test_an_action_on_an_old_page_is_refused(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.osaka)
    form = browser.open(f"/en/matches/{match.id}").form_to("/accept")
    with world.unit_of_work() as uow:
        uow.get(Match, match.id).version += 1

    assert browser.send(form).status == 412
    assert world.now_is(match).status == "requested"


def test_messages_are_written_and_never_markup(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.tainan)

    browser.send(browser.open(f"/en/matches/{match.id}").form_to("/messages"), text="<b>Hello</b> there")

    page = browser_of(world, world.osaka).open(f"/en/matches/{match.id}")
    assert "<b>Hello</b> there" in page.words
    assert "<b>Hello" not in page.text


def test_an_administrators_reading_of_messages_is_recorded(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.admin)

    browser.open(f"/en/matches/{match.id}")
    assert "messages_read" not in [event.action for event in world.events_of(match)]

    browser.open(f"/en/matches/{match.id}?messages=yes")
    assert "messages_read" in [event.action for event in world.events_of(match)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", ["tainan", "ierc_tainan", "office_osaka", "admin", "system_admin"])
def test_everybody_has_a_list_of_what_waits(world: World, language: str, who: str) -> None:
    world.match(world.osaka, world.invitation(world.tainan))
    world.match(via=Via.ASSISTED, status=Status.ROUTED, handler="JP-OSA")
    browser = browser_of(world, getattr(world, who))

    assert browser.open(f"/{language}/inbox").status == 200
    assert browser.open(f"/{language}/matches").status == 200


def test_the_list_leads_to_the_case(world: World) -> None:
    match = world.match()
    browser = browser_of(world, world.osaka)

    links = browser.open("/en/inbox").links()

    assert f"/en/matches/{match.id}" in links


def test_one_click_asks_for_help_with_the_same_words(world: World) -> None:
    match = world.match(status="no_reply", message="Our robots want to meet yours.")
    other = world.invitation(school=world.school("JP"), title="Robots of another school")
    browser = Browser(world.app).sign_in(world.tainan)
    page = browser.open(f"matches/{match.id}")
    assert other.title in page.words

    done = browser.follow(browser.send(page.form_to("/again")))

    assert match.message in done.words and "Your request is on its way" in done.words
    page = browser.open(f"matches/{match.id}")
    assert "You have asked for help with this already." in page.words
    assert not [form for form in page.forms if form.action.endswith("/again")]


def test_the_wish_can_be_changed_first_and_starts_from_what_was_asked(world: World) -> None:
    wish = {"country": "JP", "subdivision": "JP-27", "levels": ["primary"]}
    match = world.match(via="assisted", status="not_found", handler="JP-OSA", wish=wish, message="We play taiko.")

    form = Browser(world.app).sign_in(world.tainan).open(f"matches/wish?again={match.id}").form_to("/matches/ask")

    assert (form.fields["wish.country"], form.fields["wish.subdivision"]) == ("JP", "JP-27")
    assert form.fields["message"] == "We play taiko."
    assert Browser(world.app).sign_in(world.taipei).open(f"matches/wish?again={match.id}").status == 404


def test_requests_on_one_post_stand_side_by_side_and_are_answered_there(world: World) -> None:
    post = world.invitation(world.osaka)
    own = world.invitation(world.tainan, grades=[11], languages=["ja"])
    first = world.match(world.tainan, post, message="We play taiko.", from_invitation_id=own.id)
    second = world.match(world.taipei, post, message="We cook.")
    browser = browser_of(world, world.osaka)

    page = browser.open(f"invitations/{post.id}/requests")

    for shown in ("We play taiko.", "We cook.", "Grade 11", "Japanese"):
        assert shown in page.words
    done = browser.send(page.form_to(f"/matches/{first.id}/accept"))
    assert done.status == 302
    decline = browser.open(f"invitations/{post.id}/requests").form_to(f"/matches/{second.id}/decline")
    assert browser.send(decline, reason_code="capacity").status == 302
    assert (world.now_is(first).status, world.now_is(second).status) == ("agreed", "declined")
    assert "No request waits" in browser.open(f"invitations/{post.id}/requests").words


def test_nobody_else_sees_who_asked(world: World) -> None:
    match = world.match()

    for person in (world.tainan, world.seoul, world.office_osaka):
        assert browser_of(world, person).open(f"invitations/{match.invitation_id}/requests").status == 404


def test_who_asks_by_several_routes_is_warned_and_so_is_the_unit(world: World) -> None:
    post, other = world.invitation(world.osaka), world.invitation(school=world.school("JP"))
    far = world.invitation(school=world.school("JP"), periods=[{"start": "2028-01-01", "end": "2028-02-01"}])
    browser = browser_of(world, world.tainan)
    assert "Is this the same exchange?" not in browser.open(f"invitations/{post.id}/ask").words

    match = world.match(world.tainan, other, via="assisted", status="in_progress", handler="JP-OSA")

    page = browser.open(f"invitations/{post.id}/ask")
    assert "Is this the same exchange?" in page.words and f"/en/matches/{match.id}" in page.links()
    assert "Is this the same exchange?" not in browser.open(f"invitations/{far.id}/ask").words
    asked = browser.send(page.form_to("/matches/ask"), message="We build robots too.")
    assert asked.status == 302  # a warning, no refusal
    unit = browser_of(world, world.office_osaka).open(f"matches/{match.id}")
    assert "1 other open request of this school competes with this one." in unit.words


def test_unread_messages_are_counted_in_the_bar_until_they_are_read(world: World) -> None:
    match = world.match()
    for text in ("Hello", "Are you there?"):
        world.as_(world.osaka).post(f"/matches/{match.id}/messages", {"text": text})
    browser = browser_of(world, world.tainan)

    assert "(2 new messages)" in browser.open("directory").text
    assert "new message" not in browser_of(world, world.osaka).open("directory").text
    assert "new message" not in browser_of(world, world.seoul).open("directory").text
    browser.open(f"matches/{match.id}")
    assert "new message" not in browser.open("directory").text
