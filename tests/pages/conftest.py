import pytest

from iew.app import LEXICON_DIR
from iew.db import SessionFactory
from search_index import wordlists
from search_index.cluster import Cluster
from search_index.reader import Reader
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World


def reader_away() -> Reader:
    """A reader of an engine that does not answer: most pages need none."""
    return Reader(Cluster("http://127.0.0.1:9"), wordlists.load(LEXICON_DIR))


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the web that serves them."""
    return world_with_web(session_factory, parts, open_searcher=reader_away)
