"""Which Stripe the product talks to. Nothing of the Stripe library is loaded here: settings are checked at start-up."""

from __future__ import annotations

from dataclasses import dataclass, field

from billing.stripe.failures import StripeMisconfigured

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's interface that this code was written against; raised by hand, with the tests."""

SANDBOX_KEY = "sk_test_sandbox_relief_desk"
"""The key used with the sandbox. It opens nothing at Stripe."""


@dataclass(frozen=True, slots=True)
class StripeConnection:
    """Which Stripe answers, and with which key it is opened.

    `sandbox_address` is the base address of the local sandbox; None means Stripe itself. Raises `StripeMisconfigured`
    when key and address do not fit together.
    """

    api_key: str = field(repr=False)
    sandbox_address: str | None = None

    def __post_init__(self) -> None:
        if not self.api_key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            raise StripeMisconfigured("STRIPE_API_KEY is not a secret key of Stripe's: it starts with sk_ or rk_.")
        if self.sandbox_address is not None and self.livemode:
            raise StripeMisconfigured("A live Stripe key must not be used with the sandbox: remove one of the two.")
        if self.sandbox_address is None and self.api_key == SANDBOX_KEY:
            raise StripeMisconfigured("The sandbox's key opens nothing at Stripe: give the sandbox's address, or a key.")

    @property
    def livemode(self) -> bool:
        """Whether real money moves."""
        return self.api_key.startswith(("sk_live_", "rk_live_"))

    @property
    def is_sandbox(self) -> bool:
        """Whether the local sandbox answers instead of Stripe."""
        return self.sandbox_address is not None
