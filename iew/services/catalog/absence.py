"""What a caller is told when the engine does not answer.

Only here does the engine's word for its absence become ours.
"""

from iew.errors import N_, Unavailable
from search_index.errors import PluginMissing, SearchUnavailable


def unavailable(absence: SearchUnavailable) -> Unavailable:
    """Search is away for the moment; nothing that the asker could change."""
    return Unavailable(
        N_("Search does not answer at the moment. Try again in a minute."),
        code="search_unavailable",
        retry_after_seconds=absence.retry_after_seconds,
    )


def said(absence: SearchUnavailable) -> Unavailable:
    """As `unavailable`, to somebody who runs the service: an analyser that the engine lacks is named."""
    if isinstance(absence, PluginMissing):
        return Unavailable(absence.reason, code="search_unavailable")
    return unavailable(absence)
