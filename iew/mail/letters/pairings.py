"""Letters about pairings: to the units whose cases they have made."""

from iew.errors import N_
from iew.mail import paths
from iew.mail.letter import Button, Fact, Letter
from iew.mail.stationery import Writer
from iew.models import Pairing


def accepted(w: Writer, pairing: Pairing, cases: int) -> Letter:
    """Tell a unit how many cases somebody else's pairing has given to it."""
    return Letter(
        subject=w.say(N_("New cases for you from the pairing “%(name)s”"), name=pairing.name),
        opening=(
            w.ngettext(
                "A pairing was accepted, and %(count)s case in it is yours.",
                "A pairing was accepted, and %(count)s cases in it are yours.",
                cases,
            ),
            w.say(
                N_("The proposed schools have been asked. Please follow their answers, and help where one is missing.")
            ),
        ),
        facts=(Fact(w.say(N_("Pairing")), pairing.name),),
        button=Button(w.say(N_("Open our cases")), w.page(paths.matches(w.language))),
        why=w.say(N_("You get this mail because you work for the office or centre that handles these cases.")),
    )
