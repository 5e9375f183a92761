"""The one gateway to Stripe of a process, made from the settings: Stripe itself with a key, else the local sandbox."""

import hashlib
import hmac
from typing import TYPE_CHECKING

from billing.stripe_connection import StripeConnection
from staffing.catalogue import SERVICES
from staffing.settings import Settings

if TYPE_CHECKING:
    import httpx

    from billing.stripe_gateway import StripeGateway

SERVICE_NAMES = frozenset(service.name for service in SERVICES)
"""What may stand on an invoice at Stripe."""


def sandbox_key(settings: Settings) -> str:
    """The key of this deployment's own sandbox. It is reached under the public address, and whoever has its key can call any
    invoice paid: derived from the kept secret, so that nobody can guess it and every process of the deployment knows it.
    """
    return "sk_test_" + hmac.new(settings.secret_key.encode(), b"stripe-sandbox-key", hashlib.sha256).hexdigest()


def connection_for(settings: Settings) -> StripeConnection:
    """Which Stripe this deployment talks to. Raises `StripeMisconfigured` for a key that is none."""
    if settings.uses_sandbox:
        return StripeConnection(sandbox_key(settings), settings.sandbox_url)
    return StripeConnection(settings.stripe_api_key)


def gateway_for(settings: Settings, *, http: "httpx.AsyncClient | None" = None) -> "StripeGateway":
    """The gateway. Only here the Stripe library is loaded. `http`: another way to reach the sandbox than the network."""
    from billing.stripe_gateway import StripeGateway

    return StripeGateway(connection_for(settings), SERVICE_NAMES, http=http)


def webhook_secrets(settings: Settings) -> tuple[str, ...]:
    """The signing secrets in force: one, or two with a comma between them while they are being changed."""
    return tuple(secret.strip() for secret in settings.stripe_webhook_secret.split(",") if secret.strip())
