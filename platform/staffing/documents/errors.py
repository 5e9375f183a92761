"""Why there is no document."""

from staffing.errors import Conflict


class NoDocumentYet(Conflict):
    """This invoice is a draft: it becomes a document when it is finalised."""

    title = "Not a document yet"
