"""Posts in the search index, and what a search brings back.

The index is a projection that may be thrown away: it is made from the database, and every hit is loaded from the
database again before anybody sees it, so that what was taken down a second ago is not shown by an index that lags.

A room for each purpose: `documents` (from a post to what can be found), `reading` (searching, completing), `plain` (the
list without the engine), `partners` (posts that have to do with each other), `keeping` (write, rebuild, compare,
repair), `searches` (kept by people), `judging` (relevance). Callers say `catalog.search`, `catalog.rebuild` and so on.
"""

from iew.services.catalog.documents import described, document_of
from iew.services.catalog.judging import explain, judge
from iew.services.catalog.keeping import (
    GONE_VERSION,
    LONGEST_REBUILD_HOURS,
    REBUILD_LOCK,
    Difference,
    Status,
    check_current,
    ensure,
    ever_public,
    index_invitations,
    index_school,
    rebuild,
    reconcile,
    status,
    writer_of,
)
from iew.services.catalog.partners import concept_label, concepts_of, likely_partners, more_like, themes_of
from iew.services.catalog.plain import countries, listed
from iew.services.catalog.reading import Wanted, complete, figures, ids_meeting, search
from iew.services.catalog.searches import (
    ensure_searches,
    index_search,
    rebuild_searches,
    reconcile_searches,
    search_writer_of,
    searches_met_by,
    stored_searches,
)

__all__ = [
    "GONE_VERSION",
    "LONGEST_REBUILD_HOURS",
    "REBUILD_LOCK",
    "Difference",
    "Status",
    "Wanted",
    "check_current",
    "complete",
    "concept_label",
    "concepts_of",
    "countries",
    "described",
    "document_of",
    "ensure",
    "ensure_searches",
    "ever_public",
    "explain",
    "figures",
    "ids_meeting",
    "index_invitations",
    "index_school",
    "index_search",
    "judge",
    "likely_partners",
    "listed",
    "more_like",
    "rebuild",
    "rebuild_searches",
    "reconcile",
    "reconcile_searches",
    "search",
    "search_writer_of",
    "searches_met_by",
    "status",
    "stored_searches",
    "themes_of",
    "writer_of",
]
