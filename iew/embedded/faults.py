"""The one way in which an embedded part says that it cannot go on."""


class PartFault(Exception):
    """An embedded part cannot be fetched, started or reached; the text is one line that tells the user what to do."""
