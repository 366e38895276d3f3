"""Letters about accounts and sign-ups."""

from iew.errors import N_
from iew.mail import paths
from iew.mail.letter import Button, Fact, Letter
from iew.mail.stationery import Writer
from iew.models import MailLink, School

_ABOUT_YOUR_ACCOUNT = N_("You get this mail because of your account at the International Exchange Window.")


def confirm_address(w: Writer, school: School | None) -> Letter:
    """Ask whether the address is the reader's own."""
    return Letter(
        subject=w.say(N_("Please confirm your e-mail address")),
        opening=(
            w.say(N_("Thank you for signing up at the International Exchange Window.")),
            w.say(N_("Please confirm that this address is yours. Until then you can sign in, but not publish or ask.")),
        ),
        facts=(Fact(w.say(N_("School")), w.school(school)),) if school else (),
        button=Button(w.say(N_("Confirm this address")), w.confirm_page()),
        closing=(
            w.say(N_("The link works once and for a limited time.")),
            w.say(N_("If you did not sign up, simply leave this mail unanswered.")),
        ),
        why=w.say(N_("You get this mail because somebody signed up with this address.")),
    )


def change_address(w: Writer, link: MailLink) -> Letter:
    """Ask whether this is to be the address of the reader's account from now on."""
    return Letter(
        subject=w.say(N_("Use this address for your account?")),
        opening=(
            w.say(N_("You have asked that your account at the International Exchange Window use this address.")),
            w.say(N_("From then on you sign in with it, and our mails come here.")),
        ),
        button=Button(w.say(N_("Use this address")), w.change_address_page(link)),
        closing=(
            w.say(N_("The link works once and for a limited time.")),
            w.say(N_("If it was not you, you need not do anything.")),
        ),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )


def address_change_asked(w: Writer) -> Letter:
    """Tell the present address of an account that another one is to take its place."""
    return Letter(
        subject=w.say(N_("Another address for your account")),
        opening=(
            w.say(N_("Somebody, perhaps you, has asked that your account use another e-mail address from now on.")),
            w.say(N_("It changes only when the link that we sent to the other address is used.")),
        ),
        button=Button(w.say(N_("Open my account")), w.page(paths.account(w.language))),
        closing=(w.say(N_("If it was not you, somebody knows your password: choose a new one now.")),),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )


def known_address(w: Writer) -> Letter:
    """Tell the owner of an address that it signed up a second time."""
    return Letter(
        subject=w.say(N_("You already have an account")),
        opening=(
            w.say(N_("Somebody, perhaps you, has just tried to sign up with this e-mail address.")),
            w.say(N_("There is an account with it already, so no second one was made, and nothing has changed.")),
        ),
        button=Button(w.say(N_("Sign in")), w.page(paths.sign_in(w.language))),
        closing=(
            w.say(N_("If you no longer know your password, you can ask for a new one there.")),
            w.say(N_("If it was not you, you need not do anything.")),
        ),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )


def reset_password(w: Writer) -> Letter:
    """Let the reader choose a new password."""
    return Letter(
        subject=w.say(N_("Choose a new password")),
        opening=(w.say(N_("Somebody, perhaps you, has asked for a new password for your account.")),),
        button=Button(w.say(N_("Choose a new password")), w.reset_page()),
        closing=(
            w.say(N_("The link works once, and for one hour.")),
            w.say(N_("If it was not you, leave this mail unanswered; your password stays as it is.")),
        ),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )


def colleague_invited(w: Writer, school: School) -> Letter:
    """Invite a colleague of a school to an account of their own."""
    name = w.school(school)
    return Letter(
        subject=w.say(N_("%(school)s invites you to the International Exchange Window"), school=name),
        opening=(
            w.say(N_("A colleague at %(school)s has opened an account for you."), school=name),
            w.say(N_("With it you can look after the exchanges of your school together. Please choose a password.")),
        ),
        button=Button(w.say(N_("Choose a password")), w.reset_page(hours=None)),
        closing=(
            w.say(N_("The link works once and for a limited time.")),
            w.say(N_("If you do not know this school, simply leave this mail unanswered.")),
        ),
        why=w.say(N_("You get this mail because a school named you as its staff.")),
    )


def sign_up_waiting(w: Writer, school: School, *, answered: bool) -> Letter:
    """Ask a unit or the administrator to look at a school that signed up; answered: it has answered a question."""
    name = w.school(school)
    first = (
        N_("This school has answered your question about its sign-up and waits for your decision.")
        if answered
        else N_("A school has signed up and waits for your approval. Until then it can draft, but not publish.")
    )
    return Letter(
        subject=w.say(N_("A school waits for your approval: %(school)s"), school=name),
        opening=(w.say(first),),
        facts=_facts_of(w, school),
        button=Button(w.say(N_("Look at the sign-up")), w.page(paths.school(w.language, school.id))),
        why=w.say(N_("You get this mail because you approve the schools of this place.")),
    )


def _facts_of(w: Writer, school: School) -> tuple[Fact, ...]:
    place = w.label("county", school.county) if school.county else w.label("subdivision", school.subdivision)
    facts = (
        Fact(w.say(N_("School")), w.school(school)),
        Fact(w.say(N_("Country or region")), w.label("country", school.country)),
        Fact(w.say(N_("Place")), place or school.region or ""),
        Fact(w.say(N_("School level")), w.label("level", school.level)),
    )
    return tuple(fact for fact in facts if fact.value)


def sign_up_approved(w: Writer, school: School) -> Letter:
    """Tell a school that it may publish and ask."""
    return Letter(
        subject=w.say(N_("Your school is approved: %(school)s"), school=w.school(school)),
        opening=(
            w.say(N_("Your school has been checked and approved. Welcome to the International Exchange Window.")),
            w.say(N_("You can now publish invitations to exchange and write to other schools.")),
        ),
        facts=(Fact(w.say(N_("Checked by")), school.verified_by or w.unit(None)),),
        button=Button(w.say(N_("Find a partner school")), w.page(paths.search(w.language))),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )


def sign_up_asked(w: Writer, school: School, reason: str) -> Letter:
    """Ask a school to complete its sign-up."""
    return Letter(
        subject=w.say(N_("A question about your sign-up: %(school)s"), school=w.school(school)),
        opening=(
            w.say(N_("Before your school can be approved, please answer this question by completing its entry.")),
        ),
        said=(Fact(w.say(N_("Question")), reason),),
        button=Button(w.say(N_("Complete the entry")), w.page(paths.school(w.language, school.id))),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )


def sign_up_rejected(w: Writer, school: School, reason: str) -> Letter:
    """Tell a school that it was not approved, and why."""
    return Letter(
        subject=w.say(N_("Your sign-up was not approved: %(school)s"), school=w.school(school)),
        opening=(w.say(N_("Your school could not be approved. We are sorry to give you this answer.")),),
        said=(Fact(w.say(N_("Reason")), reason),),
        button=Button(w.say(N_("Ask the IEW administrator")), w.page(paths.ask_administrator(w.language))),
        why=w.say(_ABOUT_YOUR_ACCOUNT),
    )
