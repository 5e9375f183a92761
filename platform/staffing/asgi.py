"""The entry point of the web server: one application per process, made from the environment."""

from litestar.types import ASGIApp

from staffing import settings
from staffing.app import create_app, with_sandbox
from staffing.persistence import provision
from staffing.persistence.transactions import connect


def create() -> ASGIApp:
    """Called by the server in each of its processes."""
    configured = settings.load()
    database = connect(provision.locate(configured).app_dsn)
    return with_sandbox(create_app(configured, database), configured)
