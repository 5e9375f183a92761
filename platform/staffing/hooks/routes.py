"""What other systems send us. Nobody is signed in here: a signature over the raw bytes stands in for it."""

import logging
from typing import Any

from litestar import Response, post
from litestar.di import NamedDependency

from billing.stripe.events import SIGNATURE_HEADER, WebhookRefused, receive
from staffing import clock
from staffing.identity.permissions import Permission
from staffing.payments import webhooks
from staffing.payments.gateway import webhook_secrets
from staffing.persistence.transactions import Transaction
from staffing.web.http import Request

log = logging.getLogger(__name__)


@post("/hooks/stripe", permission=Permission.PUBLIC, csrf=False)
async def stripe_webhook(request: Request, tx: NamedDependency[Transaction]) -> Response[str]:
    """Stored, answered, and worked off by a job. What is not genuine leaves nothing but a line in the log."""
    try:
        event = receive(
            await request.body(),
            request.headers.get(SIGNATURE_HEADER),
            webhook_secrets(request.settings),
            clock.now(),
        )
    except WebhookRefused as refused:
        log.warning("a webhook was refused: %s", refused)
        return Response("", status_code=400)
    await webhooks.take_in(tx, event)
    return Response("", status_code=200)


HANDLERS: list[Any] = [stripe_webhook]
