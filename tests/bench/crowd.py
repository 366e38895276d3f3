"""A crowd of schools and posts that no person wrote, for measurements at a size that no window has reached yet.

Every post is made of its place in the row alone, so that any stretch of the crowd can be made again. The crowd is
skewed as the real one is: most schools are in Taiwan and Japan, few subjects are common and most are rare, and a post
has between 60 and 110 words. Subjects come from the words of the lexicon, in the language of the post.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from iew.domain.posts import DEFAULTS
from search_index.lexicon import Lexicon

POSTS_OF_A_SCHOOL: Final = 40
BEGAN: Final = datetime(2026, 1, 1, 8, tzinfo=UTC)
FIRST_DAY: Final = date(2027, 1, 1)

LANGUAGES: Final = ("zh-Hant", "ja", "en", "ko")
LANGUAGE_OF: Final = {"TW": "zh-Hant", "JP": "ja", "KR": "ko"}
COUNTRIES: Final = {
    "TW": 400, "JP": 270, "KR": 110, "US": 60, "VN": 30, "TH": 25, "ID": 20, "PH": 15, "MY": 15, "DE": 12, "FR": 10,
    "AU": 10, "GB": 8, "CA": 7, "IN": 5, "PL": 2, "CZ": 1,
}  # fmt: skip
COUNTIES: Final = ("TPE", "NWT", "TAO", "TXG", "TNN", "KHH", "HSZ", "HSQ", "KEE", "CYI", "CHA", "ILA", "PIF", "TTT")
LEVELS: Final = {"senior_high_general": 8, "junior_high": 5, "primary": 4, "senior_high_technical": 3}
TYPES: Final = {
    "online_exchange": 9, "joint_class": 4, "inbound_visit": 5, "outbound_visit": 5, "homestay": 3, "sister_school": 4,
    "student_exchange": 3, "teacher_exchange": 1, "educational_travel": 4,
}  # fmt: skip

_SENTENCES: Final[Mapping[str, Sequence[str]]] = {
    "zh-Hant": (
        "我們是一所重視{a}的學校，全校約{n}位學生，校園旁邊就是{p}。",
        "今年的主題是{a}，班上同學每週都會用一節課準備{b}的成果。",
        "希望找到一所也對{a}有興趣的學校，一起完成為期{m}週的共同課程。",
        "學生的外語程度不一，老師會在一旁協助，{b}的部分可以用圖片溝通。",
        "{p}的同學平常喜歡{c}，也很想認識國外朋友的日常生活。",
        "去年我們和兩所學校交流{b}，孩子們到現在還會互相寫信。",
        "線上見面的時間可以配合對方的作息，錄影資料也會整理給缺席的同學。",
        "若有機會來訪，我們會安排{c}體驗與一個下午的校園導覽。",
        "家長會願意協助接待，餐食上的需求請事先告訴我們。",
        "課程結束後，兩校學生會一起發表關於{a}的作品，並且互相回饋。",
        "{s}位在{p}，從車站步行大約{m}分鐘。",
        "我們的{b}社團成立滿{m}年，曾經代表縣市參加比賽。",
    ),
    "ja": (
        "本校は{p}にある生徒数約{n}名の学校で、{a}に力を入れています。",
        "今年度は{a}をテーマに、毎週一時間の探究の時間を使って{b}について調べています。",
        "{a}に関心のある学校と、{m}週間ほどの共同授業を行いたいと考えています。",
        "英語は得意ではありませんが、{b}の写真や動画を使って伝えようと努力しています。",
        "放課後は{c}の活動がさかんで、生徒たちは海外の友人の暮らしにも興味を持っています。",
        "昨年は二校と{b}を通じて交流し、今でも手紙のやりとりが続いています。",
        "オンラインでの交流は、時差を考えて相手校のご都合に合わせることができます。",
        "ご来校の際には、{c}の体験と校内の案内を準備いたします。",
        "保護者の協力により、一泊または二泊の受け入れも可能です。",
        "最後に両校の生徒が{a}についての作品を発表し合う予定です。",
        "{s}は{p}の駅から歩いて{m}分のところにあります。",
        "{b}部は創部{m}年目で、県の大会に毎年出場しています。",
    ),
    "en": (
        "We are a school of about {n} pupils in {p}, and {a} is what we are known for.",
        "This year our classes work on {a}, with one lesson a week set aside for {b}.",
        "We would like to meet a school that cares about {a} for a shared unit of about {m} weeks.",
        "Our pupils are still learning the language, so pictures and short films about {b} help a lot.",
        "After lessons many of them spend their time on {c}, and they are curious how others live.",
        "Last year we worked with two schools on {b}, and some of the children still write to each other.",
        "We can adapt our meeting times to yours and will record what absent pupils have missed.",
        "Should you come to visit, we will prepare an afternoon of {c} and a walk around the grounds.",
        "Families are glad to host guests for a night or two; please tell us about meals in advance.",
        "At the end both groups present what they made about {a} and comment on each other's work.",
        "{s} lies {m} minutes on foot from the station of {p}.",
        "Our group for {b} is in its year {m} and has been to the regional finals.",
    ),
    "ko": (
        "저희는 {p}에 있는 학생 수 약 {n}명의 학교로 {a} 교육에 힘쓰고 있습니다.",
        "올해는 {a}을 주제로 매주 한 시간씩 {b}에 대해 함께 공부합니다.",
        "{a}에 관심이 있는 학교와 {m}주 정도 공동 수업을 진행하고 싶습니다.",
        "학생들의 외국어 실력은 다양하지만 {b} 사진과 영상으로 즐겁게 소통합니다.",
        "방과 후에는 {c} 활동이 활발하고 외국 친구들의 생활을 궁금해합니다.",
        "작년에는 두 학교와 {b}을 통해 교류했고 지금도 편지를 주고받고 있습니다.",
        "온라인 만남 시간은 상대 학교의 일정에 맞출 수 있습니다.",
        "방문하신다면 {c} 체험과 학교 안내를 준비하겠습니다.",
        "학부모님들의 도움으로 하루나 이틀 숙박도 가능합니다.",
        "마지막에는 두 학교 학생들이 {a}에 관한 작품을 발표합니다.",
        "{s}는 {p} 역에서 걸어서 {m}분 거리에 있습니다.",
        "{b} 동아리는 {m}년째 이어지고 있으며 지역 대회에 참가합니다.",
    ),
}
_TITLES: Final[Mapping[str, Sequence[str]]] = {
    "zh-Hant": ("{a}與{b}：尋找一起上課的夥伴", "想和你們聊聊{a}", "{p}的{a}交流邀請", "一起做{a}，好嗎？"),
    "ja": ("{a}と{b}で交流しませんか", "{a}を一緒に学ぶ学校を探しています", "{p}から{a}のご案内", "{a}の共同授業"),
    "en": ("{a} and {b}: looking for a partner class", "Let us talk about {a}", "{a} from {p}", "A shared unit on {a}"),
    "ko": ("{a}와 {b} 함께해요", "{a}을 함께 배울 학교를 찾습니다", "{p}에서 보내는 {a} 초대", "{a} 공동 수업"),
}
_SYLLABLES: Final[Mapping[str, Sequence[str]]] = {
    "zh-Hant": [*"安平和興仁德信義光明永福大同新民成功東南西北中正長青文華育英青山海林松竹梅蘭清水石泉"],
    "ja": [*"青赤白黒高低山川田野原森林松杉竹梅桜池沢浜岸島崎岡坂橋本村里町宮寺井上中下北南東西"],
    "en": ["ash", "birch", "brook", "clear", "dale", "east", "fair", "glen", "green", "hill", "lake", "mill", "north",
           "oak", "pine", "ridge", "river", "rock", "stone", "vale", "well", "west", "wood", "ford", "field", "haven"],
    "ko": [*"가강경고광금남대동명백보산상서석선성송수신안양연영용우원은인장정제중진창천청평한해현화"],
}  # fmt: skip
_SCHOOL: Final = {"zh-Hant": "{x}學校", "ja": "{x}学園", "en": "{x} School", "ko": "{x}학교"}


@dataclass(frozen=True)
class Crowd:
    """`count` posts, and the schools behind them."""

    lexicon: Lexicon
    count: int

    @property
    def schools(self) -> int:
        return max(1, self.count // POSTS_OF_A_SCHOOL)

    def school(self, at: int) -> dict[str, Any]:
        """The columns of a school."""
        chance = random.Random(f"school {at}")
        country = _one_of(chance, COUNTRIES)
        language = LANGUAGE_OF.get(country, "en")
        name = _SCHOOL[language].format(x=_name(chance, language))
        return {
            "id": f"{at:032x}",
            "ref": f"crowd-school-{at}",
            "name": name,
            "name_en": name if language == "en" else f"{_name(chance, 'en')} School",
            "country": country,
            "county": chance.choice(COUNTIES) if country == "TW" else None,
            "level": _one_of(chance, LEVELS),
            "ownership": chance.choice(("public", "public", "private")),
            "composition": chance.choice(("coed", "coed", "coed", "girls", "boys")),
            "affiliations": [chance.choice(("bilingual", "experimental", "religious"))]
            if chance.random() < 0.2
            else [],
        }

    def body(self, at: int, school: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a post, as contract section 5 writes it."""
        chance = random.Random(f"post {at}")
        language = LANGUAGE_OF.get(school["country"], "en")
        title, description = self._texts(chance, language, school)
        start = FIRST_DAY + timedelta(days=chance.randrange(500))
        translations = []
        if language != "en" and chance.random() < 0.2:
            other_title, other = self._texts(chance, "en", school)
            translations.append({"language": "en", "title": other_title, "description": other})
        return {
            **DEFAULTS,
            "title": title,
            "description": description,
            "content_language": language,
            "translations": translations,
            "channel": "educational_travel" if chance.random() < 0.1 else "general",
            "exchange_types": _some_of(chance, TYPES, 2),
            "languages": list(dict.fromkeys([language.split("-")[0], "en"]))[: chance.randint(1, 2)],
            "levels": _some_of(chance, LEVELS, 2),
            "grades": [],
            "target_countries": [] if school["country"] == "TW" and chance.random() < 0.5 else ["TW"],
            "topics": [self._subject(chance, "en") for _ in range(chance.randint(0, 2))],
            "periods": [{"start": f"{start}", "end": f"{start + timedelta(days=chance.choice((6, 30, 120)))}"}],
            "group": {"students": chance.choice((12, 20, 24, 36, 40, 80)), "male": None, "female": None, "teachers": 2},
            "homestay": chance.choice(("none", "none", "none", "offered", "wanted")),
            "expires_on": date(2028, 6, 1) + timedelta(days=chance.randrange(180)),
        }  # fmt: skip

    def post(self, at: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """A post and its school."""
        school = self.school(at % self.schools)
        return {"id": f"{at:032x}", **self.body(at, school)}, school

    def published_at(self, at: int) -> datetime:
        return BEGAN + timedelta(seconds=at)

    def _texts(self, chance: random.Random, language: str, school: Mapping[str, Any]) -> tuple[str, str]:
        said = {
            "a": self._subject(chance, language),
            "b": self._subject(chance, language),
            "c": self._subject(chance, language),
            "n": chance.randint(3, 160) * 10,
            "m": chance.randint(2, 29),
            "p": _name(chance, language),
            "s": school["name"],
        }
        count = chance.randint(5, 9)
        sentences = chance.sample(_SENTENCES[language], count)
        gap = "" if language in ("zh-Hant", "ja") else " "
        return chance.choice(_TITLES[language]).format(**said), gap.join(sentences).format(**said)

    def _subject(self, chance: random.Random, language: str) -> str:
        """A subject: the commonest of them some hundred times as often as the rarest."""
        subjects = self._subjects
        place = int(len(subjects) ** chance.random()) - 1
        return subjects[place][language]

    @cached_property
    def _subjects(self) -> list[dict[str, str]]:
        """Labels of concepts that have one in each of the four languages, in an order that stays."""
        named = [
            {language: concept.labels[language] for language in LANGUAGES}
            for code, concept in sorted(self.lexicon.concepts.items())
            if code.startswith("v:") and all(concept.labels.get(language) for language in LANGUAGES)
        ]
        random.Random("subjects").shuffle(named)
        return named


def queries(lexicon: Lexicon, count: int) -> list[tuple[str, dict[str, list[str]]]]:
    """What readers type over a crowd, with the facets they choose: subjects, places, levels and kinds, in four
    languages; a third of them narrow the search."""
    crowd, chance = Crowd(lexicon, 1), random.Random("queries")
    words = {
        "zh-Hant": ("日本", "高中", "姊妹校", "線上交流", "國小", "韓國", "女校"),
        "ja": ("台湾", "高校", "姉妹校", "オンライン交流", "小学校", "韓国", "女子校"),
        "en": ("Japan", "senior high", "sister school", "online exchange", "primary", "Korea", "girls' school"),
        "ko": ("대만", "고등학교", "자매학교", "온라인 교류", "초등학교", "일본", "여학교"),
    }
    asked: list[tuple[str, dict[str, list[str]]]] = []
    for _ in range(count):
        language = chance.choice(LANGUAGES)
        said = [crowd._subject(chance, language)]
        if chance.random() < 0.6:
            said.append(chance.choice(words[language]))
        facets: dict[str, list[str]] = {}
        if chance.random() < 0.35:
            facets["country"] = _some_of(chance, COUNTRIES, 2)
        if chance.random() < 0.15:
            facets["level"] = _some_of(chance, LEVELS, 1)
        asked.append((" ".join(said), facets))
    return asked


def _one_of(chance: random.Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _some_of(chance: random.Random, weights: Mapping[str, int], most: int) -> list[str]:
    return list(dict.fromkeys(_one_of(chance, weights) for _ in range(chance.randint(1, most))))


def _name(chance: random.Random, language: str) -> str:
    """A proper name; few are common, most are rare."""
    syllables = _SYLLABLES[language]
    parts = [
        syllables[int(len(syllables) * math.sqrt(chance.random()))] for _ in range(2 if chance.random() < 0.5 else 3)
    ]
    return "".join(parts).capitalize()
