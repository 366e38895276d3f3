"""What a caller is told when the engine does not answer.

Only here does the engine's word for its absence become ours.
"""

from iew.errors import N_, Unavailable
from search_index.errors import IndexMissing, IndexOutdated, PluginMissing, SearchUnavailable


def unavailable(absence: SearchUnavailable) -> Unavailable:
    """Search is away for the moment; nothing that the asker could change."""
    return Unavailable(
        N_("Search does not answer at the moment. Try again in a minute."),
        code="search_unavailable",
        retry_after_seconds=absence.retry_after_seconds,
    )


def said(absence: SearchUnavailable) -> Unavailable:
    """As `unavailable`, to somebody who runs the service: what the engine lacks, and what to do, is named."""
    if isinstance(absence, IndexOutdated):
        return Unavailable(
            N_(
                "The search index was built with other words or another mapping than this program has. Run"
                " `iew search rebuild`, and start again what runs with the old ones."
            ),
            code="index_outdated",
        )
    if isinstance(absence, IndexMissing):
        return Unavailable(N_("There is no search index. Run `iew search rebuild`."), code="index_missing")
    if isinstance(absence, PluginMissing):
        return Unavailable(absence.reason, code="search_unavailable")
    return unavailable(absence)
