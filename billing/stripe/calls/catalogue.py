"""What stands apart from any invoice: tax rates, and the record of what happened."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import stripe

from billing.stripe.calls.caller import PAGE, Caller, options, seconds
from billing.stripe.events import Event, WebhookRefused, read_event
from billing.stripe.failures import StripeOutcomeUnknown
from billing.stripe.payment_readings import read_tax_rate
from billing.stripe.results import StripeTaxRate
from billing.stripe.values import TaxRateDraft, stripe_id


class CatalogueCalls(Caller):
    """Calls about tax rates and events."""

    async def ensure_tax_rate(self, draft: TaxRateDraft, *, idempotency_key: str) -> StripeTaxRate:
        """The tax rate that carries our id: found, else made. A rate never changes; another percentage is another rate."""
        if (found := await self.find_tax_rate(draft.tax_rate_id)) is not None:
            return found
        params, key = self._payloads.tax_rate(draft), options(idempotency_key)
        return read_tax_rate(await self._done(lambda: self._client.v1.tax_rates.create_async(params, key)))

    async def retrieve_tax_rate(self, tax_rate_id: str) -> StripeTaxRate:
        """The tax rate as it is now."""
        checked = stripe_id(tax_rate_id, "txr")
        return read_tax_rate(await self._done(lambda: self._client.v1.tax_rates.retrieve_async(checked)))

    async def find_tax_rate(self, tax_rate_id: UUID) -> StripeTaxRate | None:
        """The tax rate that carries our id, among all; None when there is none."""
        found = await self._all(read_tax_rate, lambda: self._client.v1.tax_rates.list_async({"limit": PAGE}))
        return next((rate for rate in found if rate.metadata.get("tax_rate_id") == str(tax_rate_id)), None)

    async def retrieve_event(self, event_id: str) -> Event:
        """An event as Stripe has kept it."""
        checked = stripe_id(event_id, "evt")
        return _event(await self._done(lambda: self._client.v1.events.retrieve_async(checked)))

    async def list_events(self, since: datetime, *, undelivered_only: bool = False) -> tuple[Event, ...]:
        """Events created at or after `since`, oldest first. Stripe keeps them for 30 days."""
        params: stripe.params.EventListParams = {"limit": PAGE, "created": {"gte": seconds(since)}}
        if undelivered_only:
            params["delivery_success"] = False
        found = await self._all(_event, lambda: self._client.v1.events.list_async(params))
        return found[::-1]


def _event(answer: stripe.StripeObject) -> Event:
    try:
        return read_event(answer.to_dict(for_json=True))
    except WebhookRefused as error:
        raise StripeOutcomeUnknown("The payment provider's answer is not an event.") from error
