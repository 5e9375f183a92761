"""The one gateway to Stripe of a process, made from the settings: Stripe itself with a key, else the local sandbox."""

import hashlib
import hmac
from typing import TYPE_CHECKING

from billing.stripe.backoff import Backoff
from billing.stripe.connection import StripeConnection
from staffing.catalogue import SERVICES
from staffing.settings import Settings

if TYPE_CHECKING:
    import httpx

    from billing.stripe.gateway import StripeGateway

SERVICE_NAMES = frozenset(service.name for service in SERVICES)
"""What may stand on an invoice at Stripe."""
SAVED_METHODS = "/portal/payment-methods"


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


def gateway_for(
    settings: Settings, *, http: "httpx.AsyncClient | None" = None, backoff: Backoff | None = None
) -> "StripeGateway":
    """The gateway. Only here the Stripe library is loaded. `http`: another way to reach the sandbox than the network.

    A busy or broken Stripe is asked again by the call itself, up to three times within seconds, unless `backoff` says
    otherwise; a job comes again after that.
    """
    from billing.stripe.gateway import StripeGateway

    return StripeGateway(
        connection_for(settings),
        SERVICE_NAMES,
        return_urls=frozenset({return_url(settings)}),
        backoff=backoff or Backoff(),
        http=http,
    )


def return_url(settings: Settings) -> str:
    """The page of ours to which Stripe leads back somebody who saved a way to pay."""
    return settings.public_url + SAVED_METHODS


def webhook_secrets(settings: Settings) -> tuple[str, ...]:
    """The signing secrets in force: one, or two with a comma between them while they are being changed."""
    return tuple(secret.strip() for secret in settings.stripe_webhook_secret.split(",") if secret.strip())
