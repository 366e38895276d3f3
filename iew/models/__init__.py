"""The tables, one file a noun."""

from iew.models.accounts import ApiToken, MailLink, School, SignInSession, User
from iew.models.areas import aimed_at, in_area, units_around
from iew.models.bodies import Body, bodies_of
from iew.models.columns import Living
from iew.models.invitations import CONTENT, Contact, Forward, Invitation, PostReading, Revision
from iew.models.matches import Match, Message, MessageReading, Proposal, Report, matches_of, matches_on, messages_of
from iew.models.meetings import Meeting, meetings_of
from iew.models.pairings import (
    Pairing,
    PairingHold,
    PairingPair,
    PairingPost,
    PairingScores,
    Table,
    pairings_of,
    table_of,
)
from iew.models.questions import Question, QuestionMessage
from iew.models.records import (
    AuditSeal,
    Duty,
    EmailDelivery,
    Event,
    Fingerprint,
    IdempotencyKey,
    OutboxRow,
)
from iew.models.searches import SavedSearch, SavedSearchHit, SearchCount
from iew.models.statistics import ClosedYear, FrozenFigure, area_of, paired, things
from iew.models.suggestions import Suggestion, SuggestionDismissal, SuggestionRun, SuggestionTelling
from iew.models.units import CoverageRow, Term, Unit, office_of_place, territory_of
from iew.models.visibility import find_match, find_pairing, find_post, open_to_all, posts_of

__all__ = [
    "CONTENT",
    "ApiToken",
    "AuditSeal",
    "Body",
    "ClosedYear",
    "Contact",
    "CoverageRow",
    "Duty",
    "EmailDelivery",
    "Event",
    "Fingerprint",
    "Forward",
    "FrozenFigure",
    "IdempotencyKey",
    "Invitation",
    "Living",
    "MailLink",
    "Match",
    "Meeting",
    "Message",
    "MessageReading",
    "OutboxRow",
    "Pairing",
    "PairingHold",
    "PairingPair",
    "PairingPost",
    "PairingScores",
    "PostReading",
    "Proposal",
    "Question",
    "QuestionMessage",
    "Report",
    "Revision",
    "SavedSearch",
    "SavedSearchHit",
    "School",
    "SearchCount",
    "SignInSession",
    "Suggestion",
    "SuggestionDismissal",
    "SuggestionRun",
    "SuggestionTelling",
    "Table",
    "Term",
    "Unit",
    "User",
    "aimed_at",
    "area_of",
    "bodies_of",
    "find_match",
    "find_pairing",
    "find_post",
    "in_area",
    "matches_of",
    "matches_on",
    "meetings_of",
    "messages_of",
    "office_of_place",
    "open_to_all",
    "paired",
    "pairings_of",
    "posts_of",
    "table_of",
    "territory_of",
    "things",
    "units_around",
]
