"""What credit notes and the rest of an invoice's money are called on pages. Pure."""

from collections.abc import Iterable, Mapping

from staffing.contracts.amounts import listed, money_text
from staffing.crediting.models import CreditReason
from staffing.crediting.rules import Outcome

REASON_WORDS: Mapping[str, str] = {
    CreditReason.DISPUTED_WORK: "Disputed work",
    CreditReason.WRONG_RATE: "Wrong rate",
    CreditReason.DUPLICATE: "Billed twice",
    CreditReason.SERVICE_ISSUE: "Something was wrong with the service",
    CreditReason.GOODWILL: "Goodwill",
}


def outcome(found: Outcome, left_minor: int, facility: str, number: str, currency: str, back_to: Iterable[str] = ()) -> str:
    """What happens, before it is confirmed: $18.20 lowers what Riverside owes on RD-2026-0001 to $91.35; nothing is refunded."""
    said = []
    if found.applied_minor:
        applied, left = money_text(found.applied_minor, currency), money_text(left_minor, currency)
        said.append(f"{applied} lowers what {facility} owes on {number} to {left}")
    if found.refund_minor:
        to = listed(list(dict.fromkeys(label for label in back_to if label))) or "the way it was paid"
        said.append(f"{money_text(found.refund_minor, currency)} goes back to {facility}: {to}")
    if found.balance_minor:
        kept = money_text(found.balance_minor, currency)
        said.append(f"{kept} was paid already and is kept as credit: it comes off {facility}'s next invoices")
    if not found.refund_minor:
        said.append("nothing is refunded")
    return "; ".join(said) + "."


def settled(applied_minor: int, refund_minor: int, balance_minor: int, currency: str) -> str:
    """What became of a credit note's amount, where there is little room."""
    parts = [
        f"{money_text(minor, currency)} {words}"
        for minor, words in (
            (applied_minor, "off what was owed"),
            (refund_minor, "refunded"),
            (balance_minor, "kept for next invoices"),
        )
        if minor
    ]
    return ", ".join(parts)
