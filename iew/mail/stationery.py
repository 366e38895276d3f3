"""What a letter is written with: the address of the house, its labels and zone, and one reader's language.

A letter is written for one reader. Nothing here looks at a request; the same job writes in four languages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parseaddr
from functools import cached_property

from sqlalchemy import select

from iew import i18n
from iew.errors import N_, Text
from iew.i18n import Labels
from iew.mail import paths
from iew.mail.letter import HOUSE, Frame, Letter, Rendered, render
from iew.mail.recipients import Recipient
from iew.models import Invitation, MailLink, Match, Meeting, School, Term, Unit
from iew.services import links, saved_searches, subscriptions
from iew.services.links import Purpose
from iew.services.meetings import Clock, calendar_file
from iew.uow import UnitOfWork


@dataclass(frozen=True)
class Stationery:
    """base_url: without a slash at the end. mail_from: the sender, as in a From header."""

    base_url: str
    secret_key: str
    mail_from: str


@dataclass(frozen=True)
class Writer:
    """Writes one letter to one reader, in one transaction."""

    stationery: Stationery
    uow: UnitOfWork
    to: Recipient

    @property
    def language(self) -> str:
        return self.to.language

    def say(self, msgid: str, **values: object) -> str:
        """A marked sentence in the reader's language."""
        return i18n.say(Text(msgid, values), self.language)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """A marked sentence that depends on `%(count)s`, in the reader's language."""
        said = i18n.translations(self.language).ngettext(one, many, count)
        return str(said) % {"count": i18n.say_number(count, self.language)}

    def day(self, day: date) -> str:
        return i18n.say_date(day, self.language)

    def day_of(self, moment: datetime) -> str:
        """The day of a moment where the reader is."""
        return self.day(i18n.in_zone(moment, self.to.timezone).date())

    def moment(self, moment: datetime) -> str:
        return i18n.say_moment(moment, self.language, self.to.timezone)

    def moment_in(self, moment: datetime, timezone: str) -> str:
        """A moment on the clocks of another place, with its weekday."""
        return i18n.say_moment_with_weekday(moment, self.language, timezone)

    def label(self, vocabulary: str, code: str | None) -> str:
        return self._labels.label(vocabulary, code, self.language)

    def school(self, school: School | None) -> str:
        return school.display_name(self.language) if school else self.say(N_("a school"))

    def unit(self, code: str | None) -> str:
        """The name of a unit; without one the case lies with the administrator."""
        unit = self.uow.session.get(Unit, code) if code else None
        return unit.name(self.language) if unit else self.say(N_("the IEW administrator"))

    def title(self, match: Match) -> str:
        """What a case is about: the title of its post, or its number where it is about a wish."""
        return match.invitation.title if match.invitation else match.number

    # where links lead

    def page(self, path: str) -> str:
        return self.stationery.base_url + path

    def match_page(self, match: Match) -> str:
        return self.page(paths.match(self.language, match.id))

    def editor_page(self, invitation: Invitation) -> str:
        """Where its school changes a post."""
        return self.page(paths.editor(self.language, invitation.id))

    def invitation_page(self, invitation: Invitation) -> str:
        return self.page(paths.invitation(self.language, invitation.id))

    def act_page(self, match: Match) -> str:
        """Where this reader can answer without signing in; a unit's common address has to sign in."""
        if self.to.user_id is None:
            return self.match_page(match)
        return self.page(paths.act(self.language, self._token(Purpose.ACT, "match", match.id)))

    def act_page_of_meeting(self, meeting: Meeting) -> str:
        """Where this reader can choose a time without signing in."""
        if self.to.user_id is None:
            return self.meetings_page(meeting.match)
        return self.page(paths.act(self.language, self._token(Purpose.ACT, "meeting", meeting.id)))

    def meetings_page(self, match: Match) -> str:
        return self.page(paths.meetings(self.language, match.id))

    def calendar_of(self, meeting: Meeting, clocks: Sequence[Clock]) -> str:
        """The meeting as a file for this reader's calendar."""
        sender = parseaddr(self.stationery.mail_from)[1]
        return calendar_file(
            meeting, clocks, language=self.language, base_url=self.stationery.base_url, mail_from=sender
        )

    def pass_on_page(self, invitation: Invitation) -> str:
        """Where this reader passes a post on without signing in."""
        return self.page(paths.pass_on(self.language, self._token(Purpose.PASS_ON, "invitation", invitation.id)))

    def confirm_page(self) -> str:
        return self.page(paths.confirm(self.language, self._token(Purpose.CONFIRM_ADDRESS)))

    def change_address_page(self, link: MailLink) -> str:
        """Where an address becomes the one of an account; the link was made when it was asked for."""
        return self.page(paths.change_address(self.language, links.signed(self.stationery.secret_key, link)))

    def reset_page(self, *, hours: int | None = links.RESET_HOURS) -> str:
        """Where a password is chosen. hours: None lets the link live as long as others in mails do."""
        return self.page(paths.reset(self.language, self._token(Purpose.RESET_PASSWORD, hours=hours)))

    def question_page(self, question_id: str) -> str:
        """Where the answer stands; somebody without an account reads it by a signed link."""
        if self.to.user_id is not None:
            return self.page(paths.question(self.language, question_id))
        token = self._token(Purpose.READ_QUESTION, "question", question_id)
        return self.page(paths.question(self.language, question_id, token))

    def unsubscribe_page(self) -> str | None:
        """Where this reader stops its digests; None for somebody without an account."""
        if self.to.user_id is None:
            return None
        return self.page(paths.unsubscribe(subscriptions.key_of(self.stationery.secret_key, self.to.user_id)))

    def stop_search_page(self, search_id: str | None = None) -> str | None:
        """Where this reader stops the mails about one search, or about all that come together."""
        if self.to.user_id is None:
            return None
        key = saved_searches.key_of(self.stationery.secret_key, search_id=search_id, user_id=self.to.user_id)
        return self.page(paths.stop_search(key))

    def _token(
        self,
        purpose: Purpose,
        subject_type: str | None = None,
        subject_id: str | None = None,
        *,
        hours: int | None = None,
    ) -> str:
        link = links.issue(
            self.uow,
            purpose,
            address=self.to.address,
            user_id=self.to.user_id,
            subject_type=subject_type,
            subject_id=subject_id,
            hours=hours,
        )
        return links.signed(self.stationery.secret_key, link)

    def in_frame(self, letter: Letter) -> Rendered:
        """The letter with greeting and foot, as text and HTML."""
        greeting = N_("Dear %(name)s,") if self.to.name else N_("Hello,")
        return render(
            letter,
            Frame(
                language=self.language,
                house=self.say(HOUSE),
                greeting=self.say(greeting, name=self.to.name),
                no_reply=self.say(N_("This mail was sent by a program; replies to it are read by nobody.")),
                unsubscribe=self.say(N_("Stop these mails")),
                home_url=self.page(paths.home(self.language)),
            ),
        )

    @cached_property
    def _labels(self) -> Labels:
        rows: dict[str, dict[str, Mapping[str, str]]] = {}
        for term in self.uow.session.scalars(select(Term)):
            rows.setdefault(term.vocabulary, {})[term.code] = term.labels
        return Labels(rows)
