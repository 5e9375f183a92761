"""Which call does what: method and path, the library's type of its parameters, and those that are implemented.

A parameter that Stripe knows and the sandbox does not implement is refused loudly: silence would look like success.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from billing.sandbox.calls import (
    balance,
    checkout,
    credit_notes,
    customers,
    disputes,
    events,
    invoice_lines,
    invoices,
    payment_methods,
    payments,
    refunds,
    settling,
    taxes,
)
from billing.sandbox.interface.parameters import checked
from billing.sandbox.wire import Object, Problem

Operation = Callable[..., Object]


@dataclass(frozen=True, slots=True)
class Route:
    """One call. `implemented` names its parameters, inner ones as `lines[][amount]`; below metadata anything goes."""

    method: str
    pattern: str
    parameters: str
    operation: Operation
    implemented: frozenset[str] = frozenset()

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """The ids in `path` when this is the call."""
        if method != self.method:
            return None
        found = re.fullmatch(self.pattern.replace(":id", r"([A-Za-z0-9_]{1,80})"), path)
        return None if found is None else found.groups()

    def read(self, given: Object) -> Object:
        """The call's parameters, checked and typed."""
        parameters = checked(self.parameters, given)
        for name, value in parameters.items():
            for kind, where in _leaves(value, name, name):
                if kind not in self.implemented and kind != "expand":
                    raise Problem(400, f"The sandbox does not implement the parameter {where} yet.", param=where, began=False)
        return parameters


def _leaves(value: Any, kind: str, where: str) -> Iterator[tuple[str, str]]:
    """Every innermost parameter as `implemented` names it, and as it was given; lists of texts and maps count as one."""
    if kind.endswith("metadata]") or kind in ("metadata", "created"):
        yield kind, where
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{kind}[{name}]", f"{where}[{name}]")
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{kind}[]", f"{where}[{position}]")
    else:
        yield kind, where


def _names(*names: str) -> frozenset[str]:
    return frozenset(" ".join(names).split())


_PAGES = _names("created ending_before limit starting_after")
_INVOICE, _METHOD, _DISPUTE = "/v1/invoices/:id", "/v1/payment_methods/:id", "/v1/disputes/:id"

ROUTES = (
    Route("POST", "/v1/customers", "CustomerCreateParams", customers.create,
          _names("address[line1] address[line2] address[city] address[state] address[postal_code] address[country]",
                 "description email metadata name phone")),
    Route("GET", "/v1/customers", "CustomerListParams", customers.listing, _PAGES | {"email"}),
    Route("GET", "/v1/customers/:id", "CustomerRetrieveParams", customers.retrieve),
    Route("POST", "/v1/customers/:id", "CustomerUpdateParams", customers.update,
          _names("description email metadata name phone invoice_settings[default_payment_method]")),
    Route("GET", "/v1/customers/:id/balance_transactions", "CustomerBalanceTransactionListParams",
          customers.list_balance_transactions, _PAGES | {"invoice"}),
    Route("GET", "/v1/customers/:id/payment_methods", "CustomerPaymentMethodListParams",
          payment_methods.list_of_customer, _PAGES - {"created"} | {"type"}),
    Route("GET", "/v1/payment_methods", "PaymentMethodListParams", payment_methods.listing,
          _PAGES - {"created"} | {"customer", "type"}),
    Route("GET", _METHOD, "PaymentMethodRetrieveParams", payment_methods.retrieve),
    Route("POST", f"{_METHOD}/attach", "PaymentMethodAttachParams", payment_methods.attach, _names("customer")),
    Route("POST", f"{_METHOD}/detach", "PaymentMethodDetachParams", payment_methods.detach),
    Route("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", checkout.create,
          _names("mode customer currency allowed_payment_method_types success_url cancel_url client_reference_id metadata",
                 "setup_intent_data[metadata]")),
    Route("GET", "/v1/checkout/sessions", "checkout.SessionListParams", checkout.listing, _PAGES | {"customer", "status"}),
    Route("GET", "/v1/checkout/sessions/:id", "checkout.SessionRetrieveParams", checkout.retrieve),
    Route("POST", "/v1/checkout/sessions/:id/expire", "checkout.SessionExpireParams", checkout.expire),
    Route("GET", "/v1/setup_intents", "SetupIntentListParams", checkout.list_intents, _PAGES | {"customer", "payment_method"}),
    Route("GET", "/v1/setup_intents/:id", "SetupIntentRetrieveParams", checkout.retrieve_intent),
    Route("POST", "/v1/tax_rates", "TaxRateCreateParams", taxes.create,
          _names("active country description display_name inclusive jurisdiction metadata percentage state tax_type")),
    Route("GET", "/v1/tax_rates", "TaxRateListParams", taxes.listing, _PAGES | {"active", "inclusive"}),
    Route("GET", "/v1/tax_rates/:id", "TaxRateRetrieveParams", taxes.retrieve),
    Route("POST", "/v1/tax_rates/:id", "TaxRateUpdateParams", taxes.update, _names("active metadata")),
    Route("POST", "/v1/invoices", "InvoiceCreateParams", invoices.create,
          _names("auto_advance collection_method currency customer days_until_due default_payment_method description due_date",
                 "footer metadata number payment_settings[payment_method_types] pending_invoice_items_behavior")),
    Route("GET", "/v1/invoices", "InvoiceListParams", invoices.listing, _PAGES | {"collection_method", "customer", "status"}),
    Route("GET", _INVOICE, "InvoiceRetrieveParams", invoices.retrieve),
    Route("POST", _INVOICE, "InvoiceUpdateParams", invoices.update,
          _names("auto_advance default_payment_method description footer metadata")),
    Route("DELETE", _INVOICE, "InvoiceDeleteParams", invoices.delete),
    Route("GET", f"{_INVOICE}/lines", "InvoiceLineItemListParams", invoice_lines.listing, _PAGES - {"created"}),
    Route("POST", f"{_INVOICE}/add_lines", "InvoiceAddLinesParams", invoice_lines.add,
          _names("invoice_metadata lines[][amount] lines[][description] lines[][discountable] lines[][metadata]",
                 "lines[][period][start] lines[][period][end] lines[][tax_rates]")),
    Route("POST", f"{_INVOICE}/finalize", "InvoiceFinalizeInvoiceParams", invoices.finalize, _names("auto_advance")),
    Route("POST", f"{_INVOICE}/send", "InvoiceSendInvoiceParams", invoices.send),
    Route("POST", f"{_INVOICE}/void", "InvoiceVoidInvoiceParams", settling.void),
    Route("POST", f"{_INVOICE}/mark_uncollectible", "InvoiceMarkUncollectibleParams", settling.mark_uncollectible),
    Route("POST", f"{_INVOICE}/pay", "InvoicePayParams", payments.pay, _names("off_session paid_out_of_band payment_method")),
    Route("POST", "/v1/invoiceitems", "InvoiceItemCreateParams", invoice_lines.create_item,
          _names("amount currency customer description discountable invoice metadata period[start] period[end]")),
    Route("GET", "/v1/invoice_payments", "InvoicePaymentListParams", payments.list_invoice_payments,
          _PAGES | _names("invoice status payment[type] payment[payment_intent]")),
    Route("GET", "/v1/payment_intents", "PaymentIntentListParams", payments.list_intents, _PAGES | {"customer"}),
    Route("GET", "/v1/payment_intents/:id", "PaymentIntentRetrieveParams", payments.retrieve_intent),
    Route("GET", "/v1/charges", "ChargeListParams", payments.list_charges, _PAGES | {"customer", "payment_intent"}),
    Route("GET", "/v1/charges/:id", "ChargeRetrieveParams", payments.retrieve_charge),
    Route("POST", "/v1/refunds", "RefundCreateParams", refunds.create,
          _names("amount charge metadata payment_intent reason")),
    Route("GET", "/v1/refunds", "RefundListParams", refunds.listing, _PAGES | {"charge", "payment_intent"}),
    Route("GET", "/v1/refunds/:id", "RefundRetrieveParams", refunds.retrieve),
    Route("POST", "/v1/credit_notes", "CreditNoteCreateParams", credit_notes.create,
          _names("credit_amount email_type invoice memo metadata out_of_band_amount reason refund_amount",
                 "lines[][amount] lines[][invoice_line_item] lines[][metadata] lines[][type]",
                 "refunds[][amount_refunded] refunds[][refund] refunds[][type]")),
    Route("GET", "/v1/credit_notes", "CreditNoteListParams", credit_notes.listing, _PAGES | {"customer", "invoice"}),
    Route("GET", "/v1/credit_notes/:id", "CreditNoteRetrieveParams", credit_notes.retrieve),
    Route("GET", "/v1/credit_notes/:id/lines", "CreditNoteLineItemListParams", credit_notes.list_lines, _names("limit")),
    Route("POST", "/v1/credit_notes/:id/void", "CreditNoteVoidCreditNoteParams", credit_notes.void),
    Route("GET", "/v1/disputes", "DisputeListParams", disputes.listing, _PAGES | {"charge", "payment_intent"}),
    Route("GET", _DISPUTE, "DisputeRetrieveParams", disputes.retrieve),
    Route("POST", _DISPUTE, "DisputeUpdateParams", disputes.update,
          _names("metadata submit evidence[product_description] evidence[service_date] evidence[uncategorized_text]")),
    Route("POST", f"{_DISPUTE}/close", "DisputeCloseParams", disputes.close),
    Route("GET", "/v1/balance", "BalanceRetrieveParams", balance.retrieve),
    Route("GET", "/v1/balance_transactions", "BalanceTransactionListParams", balance.list_transactions,
          _PAGES | {"currency", "source", "type"}),
    Route("GET", "/v1/balance_transactions/:id", "BalanceTransactionRetrieveParams", balance.retrieve_transaction),
    Route("GET", "/v1/events", "EventListParams", events.listing, _PAGES | {"delivery_success", "type", "types"}),
    Route("GET", "/v1/events/:id", "EventRetrieveParams", events.retrieve),
)  # fmt: skip


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The call for `method` and `path` with the ids in it. Raises `Problem` (404)."""
    for route in ROUTES:
        ids = route.match(method, path)
        if ids is not None:
            return route, ids
    raise Problem(404, f"Unrecognized request URL ({method}: {path[:200]}).", began=False)
