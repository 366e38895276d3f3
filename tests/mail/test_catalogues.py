"""The sentences of the mails exist in every language, with the same places for values."""

import re
from typing import Any

import pytest

from iew.mail.letters.invitations import FIELDS
from iew.models import CONTENT
from tests.catalogues import LOCALES, extracted, path_of, read

PLACES = re.compile(r"%\(\w+\)[sd]")


def sentences() -> list[Any]:
    return [
        message
        for message in extracted()
        if message.id and any(str(where).startswith("iew/mail/") for where, _ in message.locations)
    ]


@pytest.mark.parametrize("locale", sorted(LOCALES.values()))
def test_every_sentence_is_translated_and_none_is_left_over(locale: str) -> None:
    held = {message.id: message for message in read(path_of(locale, "mail"), locale) if message.id}
    wanted = {message.id for message in sentences()}
    assert len(wanted) > 150
    assert {"missing": wanted - set(held), "left over": set(held) - wanted} == {"missing": set(), "left over": set()}
    for msgid, message in held.items():
        said = message.string if isinstance(message.string, tuple | list) else (message.string,)
        source = msgid if isinstance(msgid, str) else msgid[0]
        for each in said:
            assert each.strip(), msgid
            assert sorted(set(PLACES.findall(each))) == sorted(set(PLACES.findall(source))), msgid


def test_every_field_that_a_remark_can_name_has_a_name() -> None:
    assert {*CONTENT, "contact"} <= set(FIELDS)
