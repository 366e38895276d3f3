"""The codes that rules and forms know by name.

Their labels, and the vocabularies a clerk may extend (counties, places), stand in the reference tables; these sets are
the ones the program itself depends on, and a test compares the two.
"""

from typing import Final

CHANNELS: Final = ("general", "educational_travel")
EXCHANGE_TYPES: Final = (
    "online_exchange",
    "joint_class",
    "inbound_visit",
    "outbound_visit",
    "student_exchange",
    "homestay",
    "sister_school",
    "teacher_exchange",
    "preparatory_visit",
    "educational_travel",
)
LANGUAGES: Final = ("en", "fr", "de", "id", "ja", "ko", "zh", "es", "th", "vi", "other")
LEVELS: Final = (
    "primary",
    "junior_high",
    "senior_high_general",
    "senior_high_technical",
    "senior_high_comprehensive",
    "cross_level",
)
GRADES: Final = tuple(range(1, 14))
"""13 stands for "other"."""
OWNERSHIPS: Final = ("public", "private", "national", "other")
COMPOSITIONS: Final = ("boys", "girls", "coed", "other")
AFFILIATIONS: Final = ("alternative", "boarding", "international", "religious", "bilingual", "other")
HOMESTAYS: Final = ("none", "wanted", "offered")
CONTACT_VISIBILITIES: Final = ("after_agreement", "approved_schools")
DATE_MODES: Final = ("fixed", "alternatives")
TRAVEL_LENGTHS: Final = ("half_day", "full_day", "several_days")
DECLINE_REASONS: Final = ("dates", "capacity", "level", "language", "other")
INBOX_KINDS: Final = ("review", "school_approval", "match", "delivery", "report", "returned", "question")
CONTENT_LANGUAGES: Final = ("zh-Hant", "zh-Hans", "en", "ja", "ko", "fr", "de", "es", "vi", "th", "id")
"""The languages the pages offer for a text; the API takes any other living language too."""

FACET_VOCABULARIES: Final = {
    "language": "language",
    "country": "country",
    "type": "exchange_type",
    "level": "level",
    "wanted_level": "level",
    "ownership": "ownership",
    "composition": "composition",
    "affiliation": "affiliation",
    "channel": "channel",
    "county": "county",
    "side": "side",
}
"""Facet of a search -> the vocabulary of its codes."""
