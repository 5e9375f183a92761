"""What Stripe keeps: a fee of each payment and for each dispute, booked as the agency's cost.

Each movement of our balance at Stripe has one fee at most and never changes, so its id is what books once. A charge may be there
a moment before its movement is: whoever looks at the invoice next books the fee.
"""

from billing.ledger import JournalEntry, fee_charged, fee_returned
from billing.money import Money
from staffing.payments.at_stripe import PaymentAtStripe


def entries(facility: str, one: PaymentAtStripe) -> list[JournalEntry]:
    """The fees of a payment and of its disputes; what came back with a dispute that was won, too."""
    booked = []
    for movement in one.movements:
        if movement.fee_minor > 0:
            booked.append(fee_charged(facility, movement.id, Money(movement.fee_minor, movement.currency)))
        elif movement.fee_minor < 0:
            booked.append(fee_returned(facility, movement.id, Money(-movement.fee_minor, movement.currency)))
    return booked
