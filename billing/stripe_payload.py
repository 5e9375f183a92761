"""The one builder of everything that is sent to Stripe.

An allow list by type: what goes in are opaque ids (UUIDs and Stripe's own), a service of the catalogue, a kind of time,
quantities, amounts, a currency and a term in days. None of these can hold a name, a note or anything about a patient,
and nothing else can be passed: the gateway accepts only the frozen values defined here and builds every request from
them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from billing.money import Money, rate_text
from billing.rates import REGULAR

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, InvoiceAddLinesParams, InvoiceCreateParams
    from stripe.params._invoice_add_lines_params import InvoiceAddLinesParamsLine

KINDS = frozenset({REGULAR, "night", "weekend", "holiday"})
"""Kinds of time that may stand on a line; stacked premiums join theirs with `+`."""

MOST_LINES_PER_CALL = 250
LONGEST_TERM_DAYS = 365

_STRIPE_ID = re.compile(r"(?:cus|in|pi|evt|ch)_[A-Za-z0-9]{6,60}")
_INVOICE_NUMBER = re.compile(r"[A-Z]{1,6}(?:-?[0-9]{1,8}){1,3}")
_LINE_KEY = re.compile(r"[0-9a-f]{32}")
_KEY_STEPS = frozenset({"customer", "create", "lines", "finalize", "void"})
_KEY = re.compile(rf"(?:facility|invoice):[0-9a-f-]{{36}}:(?:{'|'.join(sorted(_KEY_STEPS))})(?::[0-9]{{1,4}}){{1,2}}")


class NotAllowedToLeave(ValueError):
    """Something was about to be sent to Stripe that is not on the allow list. The value itself is not repeated."""


@dataclass(frozen=True, slots=True)
class FacilityCustomer:
    """The facility that pays, by its opaque id alone."""

    facility_id: UUID

    def __post_init__(self) -> None:
        _require_uuid("facility id", self.facility_id)


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An empty invoice, due `days_until_due` after it is final; `number` is ours (`RD-2026-0001`) or Stripe's."""

    invoice_id: UUID
    facility_id: UUID
    customer_id: str
    currency: str
    days_until_due: int
    number: str | None = None

    def __post_init__(self) -> None:
        _require_uuid("invoice id", self.invoice_id)
        _require_uuid("facility id", self.facility_id)
        stripe_id(self.customer_id)
        _require_currency(self.currency)
        _require_int("days until due", self.days_until_due, 0, LONGEST_TERM_DAYS)
        if self.number is not None and not _INVOICE_NUMBER.fullmatch(self.number):
            raise NotAllowedToLeave("An invoice number is capitals and digits, such as RD-2026-0001.")


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line: `seconds` of `service` at `unit_rate` (whole currency units per hour) come to `amount_minor`.

    `line_key` is `billing.rating.Line.key`. Who did the work is not part of it and does not leave.
    """

    line_key: str
    service: str
    kind: str
    seconds: int
    unit_rate: Decimal
    amount_minor: int

    def __post_init__(self) -> None:
        if not isinstance(self.line_key, str) or not _LINE_KEY.fullmatch(self.line_key):
            raise NotAllowedToLeave("A line's key is 32 hexadecimal digits.")
        if not isinstance(self.kind, str) or not set(self.kind.split("+")) <= KINDS:
            raise NotAllowedToLeave("A line's kind of time is one of: " + ", ".join(sorted(KINDS)) + ".")
        _require_int("seconds", self.seconds, 0, 10**9)
        _require_int("amount", self.amount_minor, -(10**11), 10**11)
        if not isinstance(self.unit_rate, Decimal) or not self.unit_rate.is_finite():
            raise NotAllowedToLeave("A line's unit rate is a decimal number.")


class PayloadBuilder:
    """Turns frozen values into Stripe's parameters. `services` is the catalogue: no other service name can leave."""

    def __init__(self, services: frozenset[str]) -> None:
        self._services = services

    def customer(self, customer: FacilityCustomer) -> CustomerCreateParams:
        """A customer named by its opaque reference.

        Stripe refuses to make an invoice with a due date for a customer without an e-mail address, so the address is
        the opaque id at a domain reserved for never receiving mail (RFC 2606). Nobody is written to by Stripe.
        """
        return {
            "name": f"Facility {customer.facility_id.hex[-8:]}",
            "email": f"facility-{customer.facility_id.hex}@example.com",
            "metadata": {"facility_id": str(customer.facility_id)},
        }

    def invoice(self, draft: InvoiceDraft) -> InvoiceCreateParams:
        """An empty draft that takes no stray items and does nothing on its own."""
        params: InvoiceCreateParams = {
            "customer": draft.customer_id,
            "currency": draft.currency.lower(),
            "auto_advance": False,
            "collection_method": "send_invoice",
            "days_until_due": draft.days_until_due,
            "pending_invoice_items_behavior": "exclude",
            "metadata": {"invoice_id": str(draft.invoice_id), "facility_id": str(draft.facility_id)},
        }
        if draft.number is not None:
            params["number"] = draft.number
        return params

    def lines(self, lines: Sequence[DraftLine], currency: str) -> InvoiceAddLinesParams:
        """The lines of one invoice, 1 to 250. A service outside the catalogue raises `NotAllowedToLeave`."""
        _require_currency(currency)
        if not 0 < len(lines) <= MOST_LINES_PER_CALL:
            raise ValueError(f"One call takes 1 to {MOST_LINES_PER_CALL} lines, not {len(lines)}.")
        return {"lines": [self._line(line, currency) for line in lines]}

    def _line(self, line: DraftLine, currency: str) -> InvoiceAddLinesParamsLine:
        if line.service not in self._services:
            raise NotAllowedToLeave("A line's service must be one of the catalogue.")
        return {
            "amount": line.amount_minor,
            "description": describe(line, currency),
            "metadata": {"line_key": line.line_key, "kind": line.kind},
        }


def describe(line: DraftLine, currency: str) -> str:
    """What the payer reads: `Care Plan Management, night: 7 h 30 min at 60.00 USD/h`."""
    hours, rest = divmod(line.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{seconds} s" if seconds else ""]
    kind = "" if line.kind == REGULAR else f", {line.kind.replace('+', ' and ')}"
    worked = " ".join(part for part in parts if part) or "0 min"
    return f"{line.service}{kind}: {worked} at {rate_text(line.unit_rate, currency)} {currency}/h"


def idempotency_key(kind: str, object_id: UUID, step: str, attempt: int = 1, part: int | None = None) -> str:
    """The key under which one step for one of our objects is sent: `invoice:<id>:finalize:1`.

    `kind` is `facility` or `invoice`; `step` one of customer, create, lines, finalize, void; `part` numbers the calls
    of a step that needs several (250 lines each). Store it before the call, and send the same again after an unknown
    outcome.
    """
    key = f"{kind}:{object_id}:{step}:{attempt}" + ("" if part is None else f":{part}")
    return checked_key(key)


def checked_key(key: str) -> str:
    """`key` when it is one that `idempotency_key` makes; raises `NotAllowedToLeave` otherwise."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise NotAllowedToLeave("An idempotency key is made by billing.stripe_payload.idempotency_key.")
    return key


def stripe_id(value: str) -> str:
    """`value` when it is an id that Stripe gives out; raises `NotAllowedToLeave` otherwise."""
    if not isinstance(value, str) or not _STRIPE_ID.fullmatch(value):
        raise NotAllowedToLeave("That is not an id of Stripe's.")
    return value


def _require_uuid(name: str, value: object) -> None:
    if not isinstance(value, UUID):
        raise NotAllowedToLeave(f"The {name} must be a UUID.")


def _require_int(name: str, value: object, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise NotAllowedToLeave(f"The {name} must be a whole number from {lowest} to {highest}.")


def _require_currency(currency: str) -> None:
    try:
        Money(0, currency)
    except (ValueError, TypeError) as error:
        raise NotAllowedToLeave("The currency must be three capital letters.") from error
