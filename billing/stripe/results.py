"""What Stripe answers, in our own words: frozen results. Amounts in minor units of `currency` (capitals), instants in UTC.

Nothing here imports the Stripe library, so that callers can name these types without the cost of loading it. `metadata`
carries our own opaque ids, and by them an object is found again after an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class StripeCustomer:
    """A customer at Stripe; `metadata` carries our opaque facility id under `facility_id`.

    `balance_minor` is negative where the facility has credit, which the next final invoice uses up.
    """

    id: str
    metadata: Mapping[str, str]
    livemode: bool
    balance_minor: int = 0
    default_payment_method_id: str | None = None


@dataclass(frozen=True, slots=True)
class StripeInvoice:
    """An invoice as Stripe holds it now.

    `status` is `draft`, `open`, `paid`, `uncollectible` or `void`. `payment_intent_id` is known where the answer of the
    call carries the payments (`retrieve_invoice` does). `amount_due_minor` is the total with the customer's balance
    (`starting_balance_minor`, negative for credit) and less the credit notes that were issued before it was paid.
    """

    id: str
    status: str
    number: str | None
    customer_id: str
    currency: str
    total_minor: int
    amount_due_minor: int
    amount_paid_minor: int
    amount_remaining_minor: int
    line_count: int
    hosted_invoice_url: str | None
    created_at: datetime
    due_at: datetime | None
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    metadata: Mapping[str, str]
    payment_intent_id: str | None
    livemode: bool
    subtotal_minor: int = 0
    tax_minor: int = 0
    starting_balance_minor: int = 0
    credited_before_payment_minor: int = 0
    credited_after_payment_minor: int = 0
    collection_method: str = "send_invoice"
    attempt_count: int = 0
    paid_off_stripe_minor: int = 0
    uncollectible_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StripeLine:
    """A line of an invoice; `line_key` is ours, None for a line that we did not make."""

    id: str
    amount_minor: int
    tax_minor: int
    currency: str
    line_key: str | None


@dataclass(frozen=True, slots=True)
class StripePaymentMethod:
    """A saved card (`card`) or US bank account (`us_bank_account`): what a person needs to recognise it, and no more.

    `brand` is the card's brand or the bank's name. `expires` is `(year, month)` of a card.
    """

    id: str
    kind: str
    customer_id: str | None
    brand: str
    last4: str
    expires: tuple[int, int] | None
    created_at: datetime
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripeSetup:
    """Somebody saves a way to pay on Stripe's page at `url`. `status` is `open`, `complete` or `expired`.

    `setup_intent_id` is there from the start, `payment_method_id` once it is complete and `retrieve_setup` was asked.
    """

    id: str
    status: str
    url: str | None
    customer_id: str | None
    setup_intent_id: str | None
    payment_method_id: str | None
    expires_at: datetime
    metadata: Mapping[str, str]
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripePayment:
    """A payment intent: one demand for money, whatever number of attempts it took.

    `status` is `requires_payment_method` (nobody paid, or the last attempt failed), `requires_action`, `processing` (a bank
    debit is under way: days), `succeeded` or `canceled`. `failure_code`, `decline_code` and `failure_message` tell about
    the last attempt that failed.
    """

    id: str
    status: str
    amount_minor: int
    received_minor: int
    currency: str
    customer_id: str | None
    latest_charge_id: str | None
    payment_method_id: str | None
    failure_code: str | None
    decline_code: str | None
    failure_message: str | None
    created_at: datetime
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripeInvoicePayment:
    """What ties a payment to an invoice. `status` is `open`, `paid` or `canceled`; paid outside Stripe has no intent."""

    id: str
    invoice_id: str
    status: str
    requested_minor: int
    paid_minor: int
    currency: str
    payment_intent_id: str | None
    charge_id: str | None
    paid_at: datetime | None
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripeCharge:
    """One attempt to move money. `status` is `succeeded`, `pending` (a bank debit under way) or `failed`.

    `kind` is `card` or `us_bank_account`. `balance_transaction_id` leads to fee and net amount once money moved; that may be
    a moment after it succeeded. `movements` are what it did to our balance, where the answer carries them (`retrieve_charge`).
    """

    id: str
    status: str
    amount_minor: int
    refunded_minor: int
    currency: str
    customer_id: str | None
    payment_intent_id: str | None
    disputed: bool
    kind: str
    brand: str
    last4: str
    failure_code: str | None
    failure_message: str | None
    balance_transaction_id: str | None
    receipt_url: str | None
    created_at: datetime
    livemode: bool
    movements: tuple[StripeBalanceTransaction, ...] = ()


@dataclass(frozen=True, slots=True)
class StripeCreditNote:
    """A credit note. `status` is `issued` or `void`; `total_minor` is with tax.

    `before_payment_minor` lowered what the invoice still asks for; `after_payment_minor` went back as `refund_ids`, as
    credit for the next invoice (`balance_transaction_id`) or outside Stripe (`out_of_band_minor`).
    """

    id: str
    number: str
    status: str
    invoice_id: str
    customer_id: str
    currency: str
    total_minor: int
    subtotal_minor: int
    tax_minor: int
    before_payment_minor: int
    after_payment_minor: int
    out_of_band_minor: int
    refund_ids: tuple[str, ...]
    balance_transaction_id: str | None
    created_at: datetime
    voided_at: datetime | None
    metadata: Mapping[str, str]
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripeRefund:
    """Money on its way back. `status` is `pending`, `requires_action`, `succeeded`, `failed` or `canceled`.

    A refund that succeeded may still fail later, when the bank sends it back: the money is ours again then.
    """

    id: str
    status: str
    amount_minor: int
    currency: str
    charge_id: str | None
    payment_intent_id: str | None
    reason: str | None
    failure_reason: str | None
    balance_transaction_id: str | None
    failure_balance_transaction_id: str | None
    created_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StripeDispute:
    """A payer's bank takes a payment back, or asks about it.

    `status`: `warning_needs_response`, `warning_under_review`, `warning_closed` (an inquiry: no money has moved),
    `needs_response`, `under_review`, `won`, `lost`, `prevented`, `appeal_needs_response`, `appeal_under_review`.
    `evidence_due_at` is when the answer must be there; None when nothing can be answered, as with a bank debit's.
    """

    id: str
    status: str
    amount_minor: int
    currency: str
    reason: str
    charge_id: str
    payment_intent_id: str | None
    evidence_due_at: datetime | None
    past_due: bool
    has_evidence: bool
    submission_count: int
    refundable: bool
    balance_transaction_ids: tuple[str, ...]
    created_at: datetime
    livemode: bool
    movements: tuple[StripeBalanceTransaction, ...] = ()
    """What it did to our balance: the amount and a fee taken, both given back when it is won."""

    @property
    def needs_response(self) -> bool:
        """Whether somebody should answer at Stripe now."""
        return self.status in ("needs_response", "warning_needs_response", "appeal_needs_response") and not self.past_due

    @property
    def closed(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ("won", "lost", "warning_closed", "prevented")


@dataclass(frozen=True, slots=True)
class StripeTaxRate:
    """A tax rate. `percentage` of 6.25 is 6.25 %; `inclusive` when it is part of a line's amount already."""

    id: str
    percentage: Decimal
    inclusive: bool
    active: bool
    display_name: str
    jurisdiction: str | None
    metadata: Mapping[str, str]
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripeBalanceTransaction:
    """One movement of our balance at Stripe: `net_minor = amount_minor - fee_minor`; money out is negative.

    `category` is Stripe's reporting category: `charge`, `charge_failure`, `refund`, `refund_failure`, `dispute`,
    `dispute_reversal`, `payout`, `fee` … `source_id` is the charge, refund or dispute behind it.
    """

    id: str
    category: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    source_id: str | None
    status: str
    created_at: datetime
    available_at: datetime


@dataclass(frozen=True, slots=True)
class StripeCustomerBalanceTransaction:
    """One change of a customer's credit (`amount_minor` negative: credit was given), by a credit note or an invoice."""

    id: str
    kind: str
    amount_minor: int
    ending_balance_minor: int
    currency: str
    credit_note_id: str | None
    invoice_id: str | None
    created_at: datetime
    livemode: bool


@dataclass(frozen=True, slots=True)
class StripeBalance:
    """Our balance at Stripe by currency: what can be paid out, and what is on its way."""

    available_minor: Mapping[str, int]
    pending_minor: Mapping[str, int]
    livemode: bool
