"""Payments: what was asked for, each attempt, what was saved for the next time, and our balance."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import stripe

from billing.stripe.calls.caller import PAGE, Caller, options, seconds
from billing.stripe.payment_readings import (
    read_balance,
    read_balance_transaction,
    read_charge,
    read_payment,
    read_payment_method,
    read_setup,
)
from billing.stripe.readings import read_invoice_payment
from billing.stripe.results import (
    StripeBalance,
    StripeBalanceTransaction,
    StripeCharge,
    StripeInvoicePayment,
    StripePayment,
    StripePaymentMethod,
    StripeSetup,
)
from billing.stripe.values import SetupDraft, stripe_id


class PaymentCalls(Caller):
    """Calls about payments and saved ways to pay."""

    async def create_setup(self, draft: SetupDraft, *, idempotency_key: str) -> StripeSetup:
        """A page of Stripe's where a card or bank account is saved: send the person to its `url`."""
        params, key = self._payloads.setup(draft), options(idempotency_key)
        return read_setup(await self._done(lambda: self._client.v1.checkout.sessions.create_async(params, key)))

    async def retrieve_setup(self, setup_id: str) -> StripeSetup:
        """The page as it is now, with the payment method that was saved there."""
        checked = stripe_id(setup_id, "cs_test", "cs_live")
        return read_setup(
            await self._done(lambda: self._client.v1.checkout.sessions.retrieve_async(checked, {"expand": ["setup_intent"]}))
        )

    async def find_setup(self, setup_id: UUID, customer_id: str) -> StripeSetup | None:
        """The page that carries our `setup_id`, among all of the customer's; None when there is none."""
        params: stripe.params.checkout.SessionListParams = {"limit": PAGE, "customer": stripe_id(customer_id, "cus")}
        every = await self._all(lambda found: found, lambda: self._client.v1.checkout.sessions.list_async(params))
        setups = (read_setup(found) for found in every if found.to_dict().get("mode") == "setup")
        return next((setup for setup in setups if setup.metadata.get("setup_id") == str(setup_id)), None)

    async def list_payment_methods(self, customer_id: str) -> tuple[StripePaymentMethod, ...]:
        """The customer's saved ways to pay, newest first."""
        checked = stripe_id(customer_id, "cus")
        return await self._all(
            read_payment_method, lambda: self._client.v1.customers.payment_methods.list_async(checked, {"limit": PAGE})
        )

    async def retrieve_payment_method(self, payment_method_id: str) -> StripePaymentMethod:
        """The saved way to pay as it is now."""
        checked = stripe_id(payment_method_id, "pm")
        return read_payment_method(await self._done(lambda: self._client.v1.payment_methods.retrieve_async(checked)))

    async def detach_payment_method(self, payment_method_id: str, *, idempotency_key: str) -> StripePaymentMethod:
        """Forget a saved way to pay; it can never be used again."""
        checked, key = stripe_id(payment_method_id, "pm"), options(idempotency_key)
        return read_payment_method(await self._done(lambda: self._client.v1.payment_methods.detach_async(checked, {}, key)))

    async def retrieve_payment(self, payment_intent_id: str) -> StripePayment:
        """The payment intent as it is now."""
        checked = stripe_id(payment_intent_id, "pi")
        return read_payment(await self._done(lambda: self._client.v1.payment_intents.retrieve_async(checked)))

    async def list_payments_of_invoice(self, invoice_id: str) -> tuple[StripeInvoicePayment, ...]:
        """Every payment tied to an invoice, newest first."""
        params: stripe.params.InvoicePaymentListParams = {"limit": PAGE, "invoice": stripe_id(invoice_id, "in")}
        return await self._all(read_invoice_payment, lambda: self._client.v1.invoice_payments.list_async(params))

    async def find_invoice_of_payment(self, payment_intent_id: str) -> str | None:
        """The id of the invoice that a payment intent is for; None when it is for none."""
        checked = stripe_id(payment_intent_id, "pi")
        params: stripe.params.InvoicePaymentListParams = {
            "limit": 1,
            "payment": {"type": "payment_intent", "payment_intent": checked},
        }
        found = await self._all(read_invoice_payment, lambda: self._client.v1.invoice_payments.list_async(params))
        return found[0].invoice_id if found else None

    async def retrieve_charge(self, charge_id: str) -> StripeCharge:
        """The charge as it is now, with what it did to our balance."""
        checked = stripe_id(charge_id, "ch", "py")
        params: stripe.params.ChargeRetrieveParams = {"expand": ["balance_transaction", "failure_balance_transaction"]}
        return read_charge(await self._done(lambda: self._client.v1.charges.retrieve_async(checked, params)))

    async def list_charges(
        self, *, customer_id: str | None = None, payment_intent_id: str | None = None, since: datetime | None = None
    ) -> tuple[StripeCharge, ...]:
        """All charges, newest first: of a customer, for a payment intent, created at or after `since`."""
        params: stripe.params.ChargeListParams = {"limit": PAGE}
        if customer_id is not None:
            params["customer"] = stripe_id(customer_id, "cus")
        if payment_intent_id is not None:
            params["payment_intent"] = stripe_id(payment_intent_id, "pi")
        if since is not None:
            params["created"] = {"gte": seconds(since)}
        return await self._all(read_charge, lambda: self._client.v1.charges.list_async(params))

    async def retrieve_balance(self) -> StripeBalance:
        """Our balance at Stripe."""
        return read_balance(await self._done(self._client.v1.balance.retrieve_async))

    async def retrieve_balance_transaction(self, transaction_id: str) -> StripeBalanceTransaction:
        """One movement of our balance: fee and net amount of a charge, refund or dispute."""
        checked = stripe_id(transaction_id, "txn")
        return read_balance_transaction(await self._done(lambda: self._client.v1.balance_transactions.retrieve_async(checked)))

    async def list_balance_transactions(
        self, *, since: datetime | None = None, source_id: str | None = None
    ) -> tuple[StripeBalanceTransaction, ...]:
        """Movements of our balance, newest first: made at or after `since`, or caused by `source_id`."""
        params: stripe.params.BalanceTransactionListParams = {"limit": PAGE}
        if since is not None:
            params["created"] = {"gte": seconds(since)}
        if source_id is not None:
            params["source"] = stripe_id(source_id)
        return await self._all(read_balance_transaction, lambda: self._client.v1.balance_transactions.list_async(params))
