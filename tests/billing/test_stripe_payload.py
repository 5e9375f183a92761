"""Nothing but allow-listed fields leaves for Stripe."""

import contextlib
import dataclasses
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rates import REGULAR, Holiday, Night, Weekend
from billing.rates.overtime import DOUBLE_TIME, OVERTIME
from billing.rating import lines as rating_lines
from billing.stripe import values
from billing.stripe.connection import StripeConnection
from billing.stripe.events import Subject
from billing.stripe.failures import StripeFailure
from billing.stripe.gateway import StripeGateway
from billing.stripe.keys import checked_key, idempotency_key
from billing.stripe.payload import PayloadBuilder, describe
from billing.stripe.values import (
    KINDS,
    CreditLine,
    CreditNoteDraft,
    DraftLine,
    FacilityCustomer,
    InvoiceDraft,
    NotAllowedToLeave,
    RefundDraft,
    SetupDraft,
    TaxRateDraft,
    stripe_id,
)

steady = settings(deadline=None, derandomize=True, max_examples=80)
CATALOGUE = frozenset({"Care Plan Management", "Insurance Verification"})
NAMES = st.one_of(
    st.sampled_from(["Ada Lovelace", "O'Brien", "Null", "李小龍", "مريم", "jenny", "Jenny Rosen <j@example.com>", "555-0100"]),
    st.text(min_size=1, max_size=30),
)
UUIDS = st.uuids()
PAYMENT_METHOD, RATE, LINE, INVOICE = "pm_abcdefgh", "txr_abcdefgh", "il_abcdefgh", "in_abcdefgh"
RETURN_URL = "https://portal.test/portal/payment-methods"
GOOD: dict[type, dict[str, Any]] = {
    FacilityCustomer: {"facility_id": UUID(int=2)},
    InvoiceDraft: {
        "invoice_id": UUID(int=1), "facility_id": UUID(int=2), "customer_id": "cus_abcdefgh", "currency": "USD",
        "days_until_due": 30, "number": "RD-2026-0001", "automatic": True, "payment_method_id": PAYMENT_METHOD,
        "payment_kinds": ("card", "us_bank_account"),
    },
    DraftLine: {
        "line_key": "0" * 32, "service": "Care Plan Management", "kind": "night", "seconds": 5400,
        "unit_rate": Decimal(60), "amount_minor": 9000, "tax_rate_ids": (RATE,),
    },
    CreditLine: {"stripe_line_id": LINE, "amount_minor": 1},
    CreditNoteDraft: {
        "credit_note_id": UUID(int=3), "stripe_invoice_id": INVOICE, "lines": (CreditLine(LINE, 1),), "reason": "order_change",
        "refund_minor": 1, "balance_minor": 2, "out_of_band_minor": 3, "refund_ids": ("re_abcdefgh",),
    },
    RefundDraft: {
        "refund_id": UUID(int=4), "payment_intent_id": "pi_abcdefgh", "amount_minor": 5, "reason": "requested_by_customer",
    },
    TaxRateDraft: {"tax_rate_id": UUID(int=5), "region": "US-MA", "percentage": Decimal("6.25"), "inclusive": False},
    SetupDraft: {
        "setup_id": UUID(int=6), "facility_id": UUID(int=2), "customer_id": "cus_abcdefgh", "return_url": RETURN_URL,
        "payment_kinds": ("card",),
    },
}  # fmt: skip
"""Every kind of value that can be sent, each field filled."""
FIELDS = [(kind, field) for kind, filled in GOOD.items() for field in filled]
BUILDER = PayloadBuilder(CATALOGUE, frozenset({RETURN_URL}))


def built(value: Any) -> Any:
    """The parameters that a value becomes."""
    builders: dict[type, Any] = {
        FacilityCustomer: BUILDER.customer,
        InvoiceDraft: BUILDER.invoice,
        DraftLine: lambda line: BUILDER.lines([line], "USD"),
        CreditLine: lambda line: BUILDER.credit_note(CreditNoteDraft(**{**GOOD[CreditNoteDraft], "lines": (line,)})),
        CreditNoteDraft: BUILDER.credit_note,
        RefundDraft: BUILDER.refund,
        TaxRateDraft: BUILDER.tax_rate,
        SetupDraft: BUILDER.setup,
    }
    return builders[type(value)](value)


def test_every_kind_of_value_and_every_field_of_it_is_tried_here() -> None:
    kinds = {kind for kind in vars(values).values() if dataclasses.is_dataclass(kind) and kind.__module__ == values.__name__}
    assert kinds == GOOD.keys()
    for kind, fields in GOOD.items():
        assert [field.name for field in dataclasses.fields(kind)] == list(fields)
        assert built(kind(**fields))


@steady
@given(NAMES, st.sampled_from(FIELDS), st.booleans())
def test_no_name_fits_into_any_field(name: str, where: tuple[type, str], within: bool) -> None:
    """Neither as the value of a field, nor inside of a field that takes several."""
    kind, field = where
    takes_several = isinstance(GOOD[kind][field], tuple)
    smuggled: Any = (*GOOD[kind][field], name) if takes_several and within else name
    with pytest.raises(NotAllowedToLeave) as refused:
        built(kind(**{**GOOD[kind], field: smuggled}))
    assert name not in str(refused.value) or len(name) < 3


@steady
@given(NAMES)
def test_no_name_passes_as_an_id_or_a_key(name: str) -> None:
    for made in (lambda: FacilityCustomer(name), lambda: stripe_id(name), lambda: checked_key(name)):  # type: ignore[arg-type]
        with pytest.raises(NotAllowedToLeave):
            made()
    for call in (
        lambda: idempotency_key(name, UUID(int=1), "create"),
        lambda: idempotency_key("invoice", UUID(int=1), name),
        lambda: BUILDER.payment(name),
        lambda: BUILDER.default_payment_method(name),
        lambda: BUILDER.lines([DraftLine(**GOOD[DraftLine])], name),
    ):
        with pytest.raises(NotAllowedToLeave):
            call()


def test_an_id_of_one_kind_is_none_of_another() -> None:
    for value in ("in_abcdefgh", "pm_abcdefgh\n", "pm_abc/../def", "pm_abc def"):
        with pytest.raises(NotAllowedToLeave):
            stripe_id(value, "pm")
    assert stripe_id("cs_test_abcdefgh", "cs_test") == "cs_test_abcdefgh"


def test_values_cannot_be_changed_after_they_were_checked() -> None:
    for value in (kind(**fields) for kind, fields in GOOD.items()):
        field = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, "Ada Lovelace")


ALLOWED_PARAMETERS = re.compile(
    r"(name|email|metadata\[(facility|invoice|credit_note|refund|setup|tax_rate)_id\]|customer|currency|auto_advance"
    r"|collection_method|days_until_due|pending_invoice_items_behavior|number|default_payment_method"
    r"|payment_settings\[payment_method_types\]\[\d\]|invoice_settings\[default_payment_method\]"
    r"|lines\[\d+\]\[(amount|description|type|invoice_line_item|metadata\]\[(line_key|kind)|tax_rates\]\[\d)\]"
    r"|off_session|paid_out_of_band|payment_method|invoice|email_type|reason|(refund|credit|out_of_band)_amount"
    r"|refunds\[\d\]\[refund\]|payment_intent|amount|display_name|percentage|inclusive|country|state|jurisdiction|tax_type"
    r"|mode|allowed_payment_method_types\[\d\]|success_url|cancel_url|client_reference_id"
    r"|setup_intent_data\[metadata\]\[(facility|setup)_id\]|payment\[(type|payment_intent)\]|charge|source"
    r"|expand\[\d+\]|limit|created\[gte\]|delivery_success)"
)
_ID, _SERVICE = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "|".join(sorted(CATALOGUE))
ALLOWED_VALUES = re.compile(
    rf"{_ID}|[0-9a-f]{{32}}|Facility [0-9a-f]{{8}}|facility-[0-9a-f]{{32}}@example\.com|[a-z]{{2,5}}_abcdefgh|-?\d+|usd|eur|jpy"
    r"|true|false|send_invoice|charge_automatically|exclude|payments|setup_intent|(failure_)?balance_transaction|card|us_bank_account|payment_intent"
    r"|invoice_line_item|none|order_change|requested_by_customer|Sales tax|sales_tax|US|US-[A-Z]{2}|[A-Z]{2}|\d+\.\d+|setup"
    rf"|{re.escape(RETURN_URL)}"
    r"|(regular|night|weekend|holiday)(\+(night|weekend|holiday))*|RD-2026-\d{4}"
    rf"|({_SERVICE})(, (night|weekend|holiday)( and (night|weekend|holiday))*)?: (\d+ (h|min|s) ?)+ at [\d.]+ [A-Z]{{3}}/h"
)
ALLOWED_HEADERS = {
    "authorization", "content-type", "idempotency-key", "stripe-version", "user-agent",
    "host", "accept", "accept-encoding", "connection", "content-length",
}  # fmt: skip
LINES = st.lists(
    st.builds(
        DraftLine,
        st.binary(min_size=16, max_size=16).map(bytes.hex),
        st.sampled_from(sorted(CATALOGUE)),
        st.sampled_from(["regular", "night", "weekend", "night+weekend", "holiday"]),
        st.integers(0, 10**6),
        st.decimals("0", "500", places=4),
        st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, derandomize=True, max_examples=12)
@given(UUIDS, UUIDS, st.sampled_from(["USD", "EUR", "JPY"]), st.integers(0, 90), LINES)
async def test_every_byte_that_leaves_is_on_the_list(
    facility: UUID, invoice: UUID, currency: str, days: int, lines: list[DraftLine]
) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"object": "list", "data": [], "has_more": False, "url": "/v1/x"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        gateway = StripeGateway(StripeConnection("sk_test_abc"), CATALOGUE, return_urls=frozenset({RETURN_URL}), http=http)
        draft = InvoiceDraft(invoice, facility, "cus_abcdefgh", currency, days, "RD-2026-0001")
        calls = every_call(gateway, facility, draft, lines)
        assert calls.keys() == {name for name in dir(gateway) if not name.startswith("_")} - {"aclose", "connection"}
        for name, call in calls.items():
            before = len(sent)
            # The empty answer is not what was asked for; what was sent is what matters here.
            with contextlib.suppress(StripeFailure):
                await call()
            assert len(sent) > before, name
    for request in sent:
        assert set(request.headers) <= ALLOWED_HEADERS
        assert request.headers["user-agent"] == "relief-desk"
        assert re.fullmatch(r"/v1/[a-z_]+(/sessions)?(/[a-z]{2,4}(_test)?_abcdefgh(/[a-z_]+)?)?", request.url.path)
        for name, value in [*parse_qsl(request.content.decode()), *request.url.params.multi_items()]:
            assert ALLOWED_PARAMETERS.fullmatch(name), name
            assert ALLOWED_VALUES.fullmatch(value), value


def every_call(gateway: StripeGateway, facility: UUID, draft: InvoiceDraft, lines: list[DraftLine]) -> dict[str, Any]:
    """Every method of the gateway by name, with what it may be given."""
    key = idempotency_key("invoice", draft.invoice_id, "create")
    since = datetime(2026, 11, 1, tzinfo=UTC)
    good: dict[type, Any] = {kind: kind(**fields) for kind, fields in GOOD.items()}
    keyed: dict[str, tuple[Any, ...]] = {
        "ensure_customer": (FacilityCustomer(facility),),
        "create_invoice": (draft,),
        "add_lines": (INVOICE, lines, draft.currency),
        "create_credit_note": (good[CreditNoteDraft],),
        "create_refund": (good[RefundDraft],),
        "create_setup": (good[SetupDraft],),
        "ensure_tax_rate": (good[TaxRateDraft],),
        "set_default_payment_method": ("cus_abcdefgh", PAYMENT_METHOD),
        "detach_payment_method": (PAYMENT_METHOD,),
        "void_credit_note": ("cn_abcdefgh",),
    }
    of_invoice = "finalize_invoice pay_invoice mark_paid_elsewhere send_invoice void_invoice mark_uncollectible delete_draft"
    keyed |= dict.fromkeys(of_invoice.split(), (INVOICE,))
    plain: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "retrieve_customer": (("cus_abcdefgh",), {}),
        "find_customer": ((facility,), {}),
        "list_customers": ((), {}),
        "list_customer_balance_transactions": (("cus_abcdefgh",), {}),
        "retrieve_invoice": ((INVOICE,), {}),
        "list_lines": ((INVOICE,), {}),
        "find_invoice": ((draft.invoice_id, "cus_abcdefgh"), {}),
        "list_invoices": ((), {"customer_id": "cus_abcdefgh", "since": since}),
        "retrieve_setup": (("cs_test_abcdefgh",), {}),
        "find_setup": ((facility, "cus_abcdefgh"), {}),
        "list_payment_methods": (("cus_abcdefgh",), {}),
        "retrieve_payment_method": ((PAYMENT_METHOD,), {}),
        "retrieve_payment": (("pi_abcdefgh",), {}),
        "list_payments_of_invoice": ((INVOICE,), {}),
        "find_invoice_of_payment": (("pi_abcdefgh",), {}),
        "retrieve_charge": (("ch_abcdefgh",), {}),
        "list_charges": ((), {"customer_id": "cus_abcdefgh", "payment_intent_id": "pi_abcdefgh", "since": since}),
        "retrieve_balance": ((), {}),
        "retrieve_balance_transaction": (("txn_abcdefgh",), {}),
        "list_balance_transactions": ((), {"since": since, "source_id": "re_abcdefgh"}),
        "retrieve_credit_note": (("cn_abcdefgh",), {}),
        "list_credit_notes": ((), {"invoice_id": INVOICE, "since": since}),
        "find_credit_note": ((facility, INVOICE), {}),
        "retrieve_refund": (("re_abcdefgh",), {}),
        "list_refunds": ((), {"payment_intent_id": "pi_abcdefgh", "charge_id": "py_abcdefgh", "since": since}),
        "find_refund": ((facility, "pi_abcdefgh"), {}),
        "retrieve_dispute": (("du_abcdefgh",), {}),
        "list_disputes": ((), {"payment_intent_id": "pi_abcdefgh", "charge_id": "ch_abcdefgh", "since": since}),
        "retrieve_tax_rate": ((RATE,), {}),
        "find_tax_rate": ((facility,), {}),
        "retrieve_event": (("evt_abcdefgh",), {}),
        "list_events": ((since,), {"undelivered_only": True}),
        "fetch": ((Subject("dispute", "du_abcdefgh", None, None, None, None),), {}),
    }
    calls = {name: partial(getattr(gateway, name), *given, idempotency_key=key) for name, given in keyed.items()}
    return calls | {name: partial(getattr(gateway, name), *given, **named) for name, (given, named) in plain.items()}


@pytest.mark.parametrize(
    ("seconds", "kind", "rate", "text"),
    [
        (5400, "regular", "48", "Care Plan Management: 1 h 30 min at 48.00 USD/h"),
        (27000, "night", "60.000", "Care Plan Management, night: 7 h 30 min at 60.00 USD/h"),
        (61, "night+weekend", "39.53125", "Care Plan Management, night and weekend: 1 min 1 s at 39.53125 USD/h"),
        (0, "regular", "48", "Care Plan Management: 0 min at 48.00 USD/h"),
        (3600, "overage+night", "60", "Care Plan Management, hours beyond the retainer and night: 1 h at 60.00 USD/h"),
        (0, "true_up", "0", "Care Plan Management, guaranteed minimum"),
    ],
)
def test_what_the_payer_reads(seconds: int, kind: str, rate: str, text: str) -> None:
    line = DraftLine("0" * 32, "Care Plan Management", kind, seconds, Decimal(rate), 1)
    assert describe(line, "USD") == text


def test_every_kind_that_rating_makes_may_stand_on_a_line() -> None:
    fees = {value for name, value in vars(rating_lines).items() if name.isupper() and isinstance(value, str)}
    assert fees <= KINDS.keys()
    assert {REGULAR, Night.kind, Weekend.kind, Holiday.kind, OVERTIME, DOUBLE_TIME} <= KINDS.keys()


def test_a_fee_may_be_about_no_service_and_work_may_not() -> None:
    fee = DraftLine(**{**GOOD[DraftLine], "service": "", "kind": "retainer", "seconds": 0})
    assert BUILDER.lines([fee], "USD")["lines"][0]["description"] == "Retainer"
    with pytest.raises(NotAllowedToLeave):
        BUILDER.lines([DraftLine(**{**GOOD[DraftLine], "service": ""})], "USD")


def test_a_call_takes_1_to_250_lines() -> None:
    builder, line = PayloadBuilder(CATALOGUE), DraftLine(**GOOD[DraftLine])
    for count in (0, 251):
        with pytest.raises(ValueError, match="1 to 250"):
            builder.lines([line] * count, "USD")
    assert len(builder.lines([line] * 250, "USD")["lines"]) == 250


def test_idempotency_keys_name_object_step_attempt_and_part() -> None:
    object_id = UUID(int=7)
    assert idempotency_key("invoice", object_id, "finalize") == f"invoice:{object_id}:finalize:1"
    assert idempotency_key("invoice", object_id, "lines", 2, 3) == f"invoice:{object_id}:lines:2:3"
