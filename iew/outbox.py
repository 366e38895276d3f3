"""Which fact owes which jobs: the best single page to learn what the house does after something happened.

Rows are written in the transaction of the change, ids only; the worker's relay sends them on. Nothing else may start a
job, or a lost queue would lose work.
"""

from typing import Final

Fact = str
JobName = str

INDEX_POST: Final[JobName] = "index_invitation"
"""Brings the index to the present state of a post; who owes it also raises the post's `index_version`."""

INDEX_SEARCH: Final[JobName] = "index_search"
"""Brings the index of stored searches to the present state of one."""

TELL_OF_HIT: Final[JobName] = "notify_saved_search_alert"
"""Owed by a search and a post that met, where the person wants to know at once; the subject is the pair."""

ANNOUNCE: Final[JobName] = "announce_to_searches"
"""Asks the stored searches about a post, and notes which of them it meets."""

SUGGEST: Final[JobName] = "suggest_partners"
"""Makes the list of possible partners of a post anew, and puts the post into theirs, or takes it out of all."""

JOBS_FOR: Final[dict[Fact, tuple[JobName, ...]]] = {
    # schools and people
    "SchoolSignedUp": ("notify_school_signed_up",),
    "SchoolAnswered": ("notify_school_signed_up",),
    "SchoolApproved": ("notify_sign_up_decided", "index_school"),
    "SchoolAsked": ("notify_sign_up_decided",),
    "SchoolRejected": ("notify_sign_up_decided", "index_school"),
    "SchoolChanged": ("index_school",),
    "AddressConfirmationAsked": ("notify_confirm_address",),
    "KnownAddressSignedUp": ("notify_known_address",),
    "AddressChangeAsked": ("notify_change_address",),
    "PasswordResetAsked": ("notify_reset_password",),
    "ColleagueInvited": ("notify_colleague_invited",),
    # invitations
    "InvitationSubmitted": (),
    "InvitationPublished": ("notify_review_decided", "index_invitation", ANNOUNCE, SUGGEST),
    "InvitationReturned": ("notify_review_decided",),
    "InvitationRejected": ("notify_review_decided",),
    "InvitationWithdrawn": ("index_invitation", SUGGEST),
    "InvitationTakenDown": ("notify_review_decided", "index_invitation", SUGGEST),
    "InvitationClosed": ("index_invitation", SUGGEST),
    "InvitationLapsed": ("notify_returned_lapsed",),
    "InvitationExpired": ("notify_expired", "index_invitation", SUGGEST),
    "InvitationRenewed": ("index_invitation", ANNOUNCE, SUGGEST),
    "InvitationChanged": (),
    "InvitationImported": ("index_invitation", ANNOUNCE, SUGGEST),
    "RevisionSubmitted": (),
    "RevisionRecalled": (),
    "RevisionPublished": ("notify_review_decided",),
    "InvitationRevised": ("index_invitation", ANNOUNCE, SUGGEST),
    "RevisionReturned": ("notify_review_decided",),
    "RevisionRejected": ("notify_review_decided",),
    "RevisionDropped": (),
    "InvitationForwarded": ("notify_forwarded",),
    # searches that people keep
    "SearchKept": ("index_search",),
    "SearchChanged": ("index_search",),
    "SearchDropped": ("index_search",),
    # matches
    "MatchRequested": ("notify_match_requested",),
    "MatchRouted": ("notify_match_routed",),
    "MatchTakenUp": ("notify_match_taken_up",),
    "MatchHandedBack": ("notify_match_handed_back",),
    "SchoolProposed": ("notify_school_proposed",),
    "ProposalDeclined": ("notify_proposal_declined",),
    "ProposalSuperseded": ("notify_proposal_superseded",),
    "MatchAgreed": ("notify_match_agreed",),
    "MatchDeclined": ("notify_match_declined",),
    "MatchNotFound": ("notify_match_not_found",),
    "MatchNoReply": ("notify_match_no_reply",),
    "MatchCancelled": ("notify_match_cancelled",),
    "MatchReported": ("notify_match_reported",),
    "ReportAdded": ("notify_match_reported",),
    "MessageWritten": ("notify_message_written",),
    "MeetingProposed": ("notify_meeting_proposed",),
    "MeetingAgreed": ("notify_meeting_agreed",),
    "MeetingLapsed": ("notify_meeting_lapsed",),
    "MeetingCancelled": ("notify_meeting_cancelled",),
    # pairings
    "PairingMade": (),
    "PairsProposed": (),
    "PairPinned": (),
    "PairForbidden": (),
    "PairReleased": (),
    "PairingAccepted": ("notify_pairing_accepted",),
    "MatchPaired": ("notify_match_paired",),
    # questions
    "QuestionAsked": ("notify_question_asked",),
    "QuestionAnswered": ("notify_question_answered",),
    "QuestionClosed": (),
    # figures
    "YearClosed": (),
    # found by the tick
    "MatchReminderDue": ("notify_match_reminder",),
    "MatchBecameOverdue": ("notify_match_overdue",),
    "ReportBecameDue": ("notify_report_due",),
    "ReturnedReminderDue": ("notify_returned_reminder",),
    "InvitationExpirySoon": ("notify_expiry_soon",),
    "DigestBecameDue": ("send_digest",),
    "NewsBecameDue": ("send_news",),
    "IndexDiffers": ("index_invitation",),
}

SEND_MAIL: Final[JobName] = "send_mail"
"""Owed by every planned delivery rather than by a fact."""

RECONCILE_INDEX: Final[JobName] = "reconcile_index"
"""Owed by the tick once a night: compare database and index, and owe what differs."""

REBUILD_INDEX: Final[JobName] = "rebuild_index"
"""Owed by whoever finds that there is no index: make it from the database."""


def jobs_for(fact: Fact) -> tuple[JobName, ...]:
    """The jobs a fact owes; raises KeyError for a fact that nobody listed."""
    return JOBS_FOR[fact]
