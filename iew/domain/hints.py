"""What a reviewer should look at twice: ways to reach a person in a public text, and names that only look like others.

Nothing here refuses anything; a rule that did would refuse the school in Line Street. A person decides.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

LOOKALIKES: Final = str.maketrans(
    {
        **dict(zip("абвгдеёзийкмнорстухѕіјԁԛԝһӏ", "abbrdeeziikmhopctyxsijdqwhl", strict=True)),
        **dict(zip("АВЕЗКМНОРСТУХЅІЈԚԜҺ", "abezkmhopctyxsijqwh", strict=True)),
        **dict(zip("αβγεηικνορτυχω", "abyenikvoptuxw", strict=True)),
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx", strict=True)),
        **dict(zip("օոսգց", "onugg", strict=True)),
        "ı": "i",
        "ɡ": "g",
    }
)
"""Letters of other scripts that look like a Latin one; the common part of Unicode's table of confusables."""

_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN")
_WORD: Final = re.compile(r"\w+")
_DAY: Final = re.compile(r"\d{4}\s?[-./年]\s?\d{1,2}\s?[-./月]\s?\d{1,2}\s?日?")
_WAYS: Final = (
    ("email", re.compile(r"[\w.+-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w-]{1,63}(?:\s?\.\s?\w{2,20}){1,5}", re.IGNORECASE)),
    (
        "link",
        re.compile(r"(?:https?://|www\.)\S+|\b(?:t\.me|wa\.me|line\.me|lin\.ee|instagram\.com)/\S+", re.IGNORECASE),
    ),
    (
        "messenger",
        re.compile(
            r"(?:\b(?:line|wechat|weixin|whatsapp|kakao\s?talk|kakao|telegram|signal|skype|discord|instagram|ig)\b"
            r"|微信|加賴|賴|ライン|カカオトーク|카카오톡|카톡|라인)"
            r"(?:\s{0,3}(?:id|帳號|账号|아이디))?\s{0,3}(?:[:@]|\bid\b)\s{0,3}@?[\w.-]{3,}",
            re.IGNORECASE,
        ),
    ),
    ("phone", re.compile(r"(?<![\w-])\+?\(?\d[\d()\s.-]{6,30}\d(?![\w-])")),
)
_FEWEST_DIGITS: Final = 8


@dataclass(frozen=True)
class Hint:
    """`code`: email, link, messenger or phone in the public text of `field`; mixed_script or lookalike in a name."""

    code: str
    field: str
    text: str


def hints_in(field: str, text: str | None) -> Iterator[Hint]:
    """The ways to reach a person that stand in a public text."""
    if not text:
        return
    plain = unicodedata.normalize("NFKC", text)
    without_days = _DAY.sub(" ", plain)
    for code, pattern in _WAYS:
        for found in pattern.finditer(without_days if code == "phone" else plain):
            if code != "phone" or sum(character.isdigit() for character in found[0]) >= _FEWEST_DIGITS:
                yield Hint(code, field, found[0].strip())


def hints_in_body(body: dict[str, object]) -> list[Hint]:
    """The hints in all public texts of a post, those of its educational travel among them."""
    return [hint for field, text in _public_texts(body) for hint in hints_in(field, text)]


def _public_texts(body: dict[str, object]) -> Iterator[tuple[str, str | None]]:
    yield "title", _text(body.get("title"))
    yield "description", _text(body.get("description"))
    yield "topics", ", ".join(_texts(body.get("topics")))
    for number, translation in enumerate(_objects(body.get("translations"))):
        yield f"translations-{number}.title", _text(translation.get("title"))
        yield f"translations-{number}.description", _text(translation.get("description"))
    travel = body.get("travel")
    if isinstance(travel, dict):
        yield "travel.needs", _text(travel.get("needs"))
        yield "travel.lodging", _text(travel.get("lodging"))
        yield "travel.activities", ", ".join(_texts(travel.get("activities")))
        yield "travel.agent.name", _text((travel.get("agent") or {}).get("name"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> Iterable[str]:
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []


def _objects(value: object) -> Iterable[dict[str, object]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def mixed_script_words(name: str) -> list[str]:
    """The words of a name that mix alphabets which look alike, such as Latin and Cyrillic."""
    return [word for word in _WORD.findall(unicodedata.normalize("NFKC", name)) if len(_alphabets(word)) > 1]


def _alphabets(word: str) -> set[str]:
    names = (unicodedata.name(letter, "") for letter in word if letter.isalpha())
    return {script for name in names for script in _SCRIPTS if name.startswith(script)}


def skeleton(name: str) -> str:
    """The name as the eye takes it: look-alike letters made Latin, marks and case dropped."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).translate(LOOKALIKES).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).strip()


def borrows_letters(name: str) -> bool:
    """Whether the name holds letters that only look Latin; only then can it be somebody else's twin."""
    return unicodedata.normalize("NFKC", name).translate(LOOKALIKES) != unicodedata.normalize("NFKC", name)
