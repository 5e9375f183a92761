"""Which call does what: method and path, the library's type of its parameters, and those that are implemented.

A parameter that Stripe knows and the sandbox does not implement is refused loudly: silence would look like success.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billing.sandbox import customers, events, invoices, payments
from billing.sandbox.stripe_parameters import checked
from billing.sandbox.wire import Object, Problem

Operation = Callable[..., Object]

_PAGES = frozenset({"created", "ending_before", "limit", "starting_after"})
_LINE = frozenset({"amount", "description", "discountable", "metadata", "period"})


@dataclass(frozen=True, slots=True)
class Route:
    """One call. `lines` names the parameters implemented inside of `lines`."""

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
        expected = self.implemented | {"expand"}
        for name, value in parameters.items():
            _refuse_unless(name in expected, name)
            if name == "lines":
                for position, line in enumerate(value):
                    for inner in line:
                        _refuse_unless(inner in _LINE, f"lines[{position}][{inner}]")
        return parameters


def _refuse_unless(implemented: bool, name: str) -> None:
    if not implemented:
        raise Problem(400, f"The sandbox does not implement the parameter {name} yet.", param=name, began=False)


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


ROUTES = (
    Route(
        "POST",
        "/v1/customers",
        "CustomerCreateParams",
        customers.create,
        _names("address", "description", "email", "metadata", "name", "phone"),
    ),
    Route("GET", "/v1/customers", "CustomerListParams", customers.listing, _PAGES | {"email"}),
    Route("GET", "/v1/customers/:id", "CustomerRetrieveParams", customers.retrieve),
    Route(
        "POST",
        "/v1/customers/:id",
        "CustomerUpdateParams",
        customers.update,
        _names("description", "email", "metadata", "name", "phone"),
    ),
    Route(
        "POST",
        "/v1/invoices",
        "InvoiceCreateParams",
        invoices.create,
        _names("auto_advance", "collection_method", "currency", "customer", "days_until_due", "description", "due_date")
        | _names("footer", "metadata", "number", "pending_invoice_items_behavior"),
    ),
    Route(
        "GET",
        "/v1/invoices",
        "InvoiceListParams",
        invoices.listing,
        _PAGES | {"collection_method", "customer", "status"},
    ),
    Route("GET", "/v1/invoices/:id", "InvoiceRetrieveParams", invoices.retrieve),
    Route("POST", "/v1/invoices/:id", "InvoiceUpdateParams", invoices.update, _names("description", "footer", "metadata")),
    Route("GET", "/v1/invoices/:id/lines", "InvoiceLineItemListParams", invoices.lines, _PAGES - {"created"}),
    Route(
        "POST",
        "/v1/invoices/:id/add_lines",
        "InvoiceAddLinesParams",
        invoices.add_lines,
        _names("invoice_metadata", "lines"),
    ),
    Route(
        "POST",
        "/v1/invoices/:id/finalize",
        "InvoiceFinalizeInvoiceParams",
        invoices.finalize,
        _names("auto_advance"),
    ),
    Route("POST", "/v1/invoices/:id/send", "InvoiceSendInvoiceParams", invoices.send),
    Route("POST", "/v1/invoices/:id/void", "InvoiceVoidInvoiceParams", invoices.void),
    Route("POST", "/v1/invoices/:id/mark_uncollectible", "InvoiceMarkUncollectibleParams", invoices.mark_uncollectible),
    Route(
        "POST",
        "/v1/invoices/:id/pay",
        "InvoicePayParams",
        payments.pay,
        _names("paid_out_of_band", "payment_method"),
    ),
    Route(
        "POST",
        "/v1/invoiceitems",
        "InvoiceItemCreateParams",
        invoices.create_item,
        _names("amount", "currency", "customer", "description", "discountable", "invoice", "metadata", "period"),
    ),
    Route("GET", "/v1/payment_intents", "PaymentIntentListParams", payments.list_intents, _PAGES | {"customer"}),
    Route("GET", "/v1/payment_intents/:id", "PaymentIntentRetrieveParams", payments.retrieve_intent),
    Route("GET", "/v1/charges", "ChargeListParams", payments.list_charges, _PAGES | {"customer", "payment_intent"}),
    Route("GET", "/v1/charges/:id", "ChargeRetrieveParams", payments.retrieve_charge),
    Route(
        "GET",
        "/v1/invoice_payments",
        "InvoicePaymentListParams",
        payments.list_invoice_payments,
        _PAGES | {"invoice", "status"},
    ),
    Route("GET", "/v1/events", "EventListParams", events.listing, _PAGES | {"delivery_success", "type", "types"}),
    Route("GET", "/v1/events/:id", "EventRetrieveParams", events.retrieve),
)


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The call for `method` and `path` with the ids in it. Raises `Problem` (404)."""
    for route in ROUTES:
        ids = route.match(method, path)
        if ids is not None:
            return route, ids
    raise Problem(404, f"Unrecognized request URL ({method}: {path[:200]}).", began=False)


def expanded(context: Any, result: Object, wanted: list[str]) -> Object:
    """`result` with the objects behind the ids that `wanted` names (`payments`, `customer`, `data.customer` …)."""
    for name in wanted:
        steps = name.split(".")
        targets = result["data"] if steps[0] == "data" and result.get("object") == "list" else [result]
        field = steps[-1]
        for target in targets:
            _expand(context, target, field, name)
    return result


def _expand(context: Any, target: Object, field: str, name: str) -> None:
    if field == "payments" and target["object"] == "invoice":
        every = context.store.children("invoice_payment", target["id"])
        url = f"/v1/invoice_payments?invoice={target['id']}"
        target["payments"] = {"object": "list", "data": every, "has_more": False, "url": url}
        return
    kinds = {"latest_charge": "charge", "customer": "customer", "payment_intent": "payment_intent", "invoice": "invoice"}
    if field not in kinds or field not in target:
        raise Problem(400, f"This property cannot be expanded ({name}).", param="expand", began=False)
    if target[field] is not None:
        target[field] = context.require(kinds[field], target[field])
