"""A PostgreSQL server of our own, for whoever has set no DATABASE_URL: nothing to install, nothing to configure.

It listens on a Unix socket only, asks everybody for a password, and keeps its data under the home directory
(`RELIEF_HOME`). By hand: `python -m staffing.persistence.embedded start|status|stop|remove HOME`.
"""

from staffing.persistence.embedded.errors import EmbeddedServerError
from staffing.persistence.embedded.launcher import ensure_running, remove, status, stop
from staffing.persistence.embedded.server import Server

__all__ = ["EmbeddedServerError", "Server", "ensure_running", "remove", "status", "stop"]
