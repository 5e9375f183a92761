"""Why the embedded database could not be had. Every message says what to do next."""

from staffing.errors import Unavailable


class EmbeddedServerError(Unavailable):
    """The embedded database could not be started."""

    title = "The database is not running"


class NoPostgresFound(EmbeddedServerError):
    """No usable PostgreSQL programs are on this machine."""


class WrongMajor(EmbeddedServerError):
    """The data was written by a major version of PostgreSQL that is not on this machine."""


class NoAccountToRunAs(EmbeddedServerError):
    """PostgreSQL refuses to run as root and there is no other account to run it as."""


class HomeUnusable(EmbeddedServerError):
    """The state directory cannot be read or written, or what lies in it does not fit together."""


class ServerDidNotStart(EmbeddedServerError):
    """The server program ended, or took too long, before it accepted connections."""
