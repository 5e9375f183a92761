"""Rating: approved work and what is agreed in, invoice lines out. Pure; the same input always gives the same lines.

    rating = rate(entries, contract, "America/Chicago", "USD", period=Period(date(2026, 11, 1), date(2026, 11, 30)))
    assert rating.total_minor == sum(line.amount_minor for line in rating.lines)

Each entry is cut where a premium begins or ends on the facility's wall clock and where overtime does, rounded as the
contract says, raised to the minimum call, and added to the line of its service, coordinator and kind of time. A line's
amount is rounded once. Every line keeps the entries it came from with their raw and billed seconds and the rules that made
its price; what cannot be billed is held, with a reason. All rules with worked numbers: docs/rating.md.
"""

from billing.rating.entries import ALREADY_BILLED, APPROVED, Cancellation, Hire, InvalidEntry, WorkedEntry
from billing.rating.fees import conversion_fee
from billing.rating.lines import Applied, Carried, Figure, Held, Line, PayLine, Rating, RetainerUse, Share
from billing.rating.periods import NOTHING_BEFORE, Before, Period, true_up
from billing.rating.rater import rate

__all__ = [
    "ALREADY_BILLED",
    "APPROVED",
    "NOTHING_BEFORE",
    "Applied",
    "Before",
    "Cancellation",
    "Carried",
    "Figure",
    "Held",
    "Hire",
    "InvalidEntry",
    "Line",
    "PayLine",
    "Period",
    "Rating",
    "RetainerUse",
    "Share",
    "WorkedEntry",
    "conversion_fee",
    "rate",
    "true_up",
]
