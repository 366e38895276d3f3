"""The proof of an exchange: who gets the sheet, what anybody reads who checks it, and what nobody learns."""

import re
from typing import Any

import pytest

from iew.errors import NotFound
from iew.models import Match
from iew.services import proofs
from iew.web.permissions import PERMISSIONS
from tests.pages.browser import Browser
from tests.web.houses import SECRET
from tests.world import World

TOLD = {"summary": "Mika Canary led us through it.", "held_on": "2026-05-01", "students": 24, "teachers": 2}


@pytest.fixture
def match(world: World) -> Match:
    """Both schools agreed, and the one in Osaka told the result."""
    match = world.match(status="agreed")
    reply = world.as_(world.osaka).post(f"/matches/{match.id}/actions/report", TOLD)
    assert reply.status_code == 200
    return match


def sheet(world: World, match: Match, user: Any) -> proofs.Proof:
    with world.unit_of_work() as uow:
        return proofs.of_match(uow, match.id, world.actor(user), SECRET)


def check(world: World, number: str, code: str, secret: str = SECRET) -> proofs.Proof:
    with world.unit_of_work() as uow:
        return proofs.check(uow, number, code, secret)


def test_both_schools_print_the_same_sheet_and_anybody_checks_it(world: World, match: Match) -> None:
    page = Browser(world.app).sign_in(world.tainan).open(f"matches/{match.id}/proof")
    address = next(link for link in page.links() if "/proof/M-" in link)
    path = address.removeprefix("http://localhost")

    checked = Browser(world.app).open(path)

    assert checked.status == 200 and "This sheet is genuine" in checked.words
    for shown in ("Xiguang Senior High School", "Minatodai High School", match.number, "24", "fewer than 5"):
        assert shown in checked.words
    assert sheet(world, match, world.osaka).code == sheet(world, match, world.tainan).code
    assert (
        f"/en/matches/{match.id}/proof" in Browser(world.app).sign_in(world.osaka).open(f"matches/{match.id}").links()
    )


def test_the_public_page_names_no_person_and_quotes_nothing(world: World, match: Match) -> None:
    proof = sheet(world, match, world.osaka)

    text = Browser(world.app).open(f"proof/{proof.number}/{proof.code}").text

    for secret in ("Canary", match.message, match.id, world.osaka.name, world.osaka.email, "@"):
        assert secret not in text


def test_number_and_code_are_read_as_people_type_them(world: World, match: Match) -> None:
    proof = sheet(world, match, world.osaka)
    assert re.fullmatch(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", proof.code)

    assert check(world, f" {proof.number.lower()} ", proof.code.lower().replace("-", " ")).number == proof.number
    form = Browser(world.app).open("proof").form_to("/proof")
    found = Browser(world.app).send(form, number=proof.number, code=proof.code)
    assert found.status == 302 and found.reply.headers["Location"].endswith(f"/proof/{proof.number}/{proof.code}")


def test_nothing_else_opens_a_proof(world: World, match: Match) -> None:
    proof = sheet(world, match, world.osaka)
    other = world.match(status="agreed")
    world.as_(world.osaka).post(f"/matches/{other.id}/actions/report", TOLD)
    foreign = sheet(world, other, world.osaka)

    for number, code in (
        (proof.number, foreign.code), (proof.number, ""), (proof.number, proof.code[:-1]), ("M-2026", proof.code),
        (proof.number.replace("M-2", "M-1"), proof.code), ("M-2026-999999", proof.code),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            check(world, number, code)
    with pytest.raises(NotFound):
        check(world, proof.number, proof.code, secret="another key")
    page = Browser(world.app).open(f"proof/{proof.number}/AAAA-AAAA-AAAA-AAAA")
    assert page.status == 404 and "The window knows no sheet" in page.words


def test_programs_read_the_same_sheet_and_check_it_as_anybody_does(world: World, match: Match) -> None:
    proof = world.as_(world.tainan).get(f"/matches/{match.id}/proof").json

    assert (proof["number"], proof["code"]) == (match.number, sheet(world, match, world.osaka).code)
    assert [school["name_en"] for school in proof["schools"]] == ["Xiguang Senior High School", "Minatodai High School"]
    assert [(told["held_on"], told["students"], told["teachers"]) for told in proof["told"]] == [
        ("2026-05-01", 24, None)
    ]
    assert proof["told"][0]["school"]["name_en"] == "Minatodai High School"
    assert proof["exchange_types"] == ["online_exchange"]
    page = Browser(world.app).open(proof["check_url"].removeprefix("http://localhost"))
    assert page.status == 200 and "本證明屬實" in page.words, "in the language of who handed it on"

    typed = proof["code"].replace("-", "").lower()
    checked = world.as_(None).get(f"/proofs/{proof['number']}/{typed}", headers={"Accept-Language": "ja"})
    assert checked.status_code == 200
    assert checked.json == proof | {"check_url": proof["check_url"].replace("/zh-Hant/", "/ja/")}
    for secret in ("Canary", match.message, match.id, world.osaka.name, world.osaka.email, "@"):
        assert secret not in checked.text
    for number, code in ((match.number, "AAAA-AAAA-AAAA-AAAA"), ("M-2026-999999", proof["code"]), ("M", proof["code"])):
        refused = world.as_(None).get(f"/proofs/{number}/{code}")
        assert (refused.status_code, refused.json["code"]) == (404, "not_found")


def test_only_what_took_place_is_proved(world: World) -> None:
    match = world.match(status="agreed")

    page = Browser(world.app).sign_in(world.osaka).open(f"matches/{match.id}/proof")

    assert page.status == 409 and "as soon as one of the schools has reported" in page.text


def test_strangers_and_schools_that_were_only_asked_get_no_sheet(world: World, match: Match) -> None:
    assert Browser(world.app).sign_in(world.seoul).open(f"matches/{match.id}/proof").status == 404
    with world.unit_of_work() as uow:
        candidate = uow.get(type(world.school("JP")), world.user(school=world.school("JP")).school_id)
    asked = world.user(school=candidate)
    assisted = world.match(via="assisted", status="agreed", handler="JP-OSA", proposed=(candidate,))
    world.as_(world.tainan).post(f"/matches/{assisted.id}/actions/report", TOLD)
    assert Browser(world.app).sign_in(asked).open(f"matches/{assisted.id}/proof").status == 403
    assert Browser(world.app).sign_in(world.office_osaka).open(f"matches/{assisted.id}/proof").status == 200


def test_both_reports_stand_on_it(world: World, match: Match) -> None:
    world.as_(world.tainan).post(f"/matches/{match.id}/actions/report", TOLD | {"students": 9})

    assert [(told.students, told.teachers) for told in sheet(world, match, world.osaka).told] == [(24, None), (9, None)]


def test_guessing_is_slowed_down() -> None:
    assert PERMISSIONS["proof.read"].limit == "proofs"
