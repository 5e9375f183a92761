"""Our books beside Stripe's, object by object: every difference named, none when all is well. Pure.

Both sides are brought into the same plain facts first. What Stripe has and we do not is a difference as well as the reverse.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fact:
    """One object as one side holds it. `state` in the words that both sides share; amounts in minor units of `currency`.

    Without a currency where a side does not say it.

    `reference` is what people call it: an invoice's number, a facility's name here, Stripe's id there.
    """

    id: str
    reference: str
    state: str
    amount_minor: int
    currency: str
    more: Mapping[str, int] = field(default_factory=dict)
    """Other amounts of it by what they are, for example what is paid."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is a sentence; amounts where the difference is one of money."""

    kind: str
    id: str
    reference: str
    what: str
    ours_minor: int | None = None
    theirs_minor: int | None = None
    currency: str = ""

    def as_row(self) -> dict[str, object]:
        """As `Reconciliation.differences` keeps it."""
        return {
            "kind": self.kind, "id": self.id, "reference": self.reference, "what": self.what,
            "ours_minor": self.ours_minor, "theirs_minor": self.theirs_minor, "currency": self.currency,
        }  # fmt: skip


Side = Mapping[str, Iterable[Fact]]
"""Facts by kind: `customer`, `invoice`, `payment`, `refund`, `credit_note`, `dispute`, `fee`, `balance`."""

KINDS = ("customer", "invoice", "payment", "refund", "credit_note", "dispute", "fee", "balance")
_NAMES = {"customer": "facility", "credit_note": "credit note"}
BALANCE = "The account for what Stripe holds, beside Stripe's balance"
"""What people call a `balance`: one for each currency, whose code is its id."""


def compare(ours: Side, theirs: Side) -> list[Difference]:
    """Every difference, by kind and reference."""
    found: list[Difference] = []
    for kind in KINDS:
        here, there = _by_id(ours.get(kind, ())), _by_id(theirs.get(kind, ()))
        name = _NAMES.get(kind, kind)
        for key, fact in here.items():
            if key not in there:
                found.append(_missing(kind, fact, f"Stripe does not have this {name}.", ours=True))
            else:
                found += _unlike(kind, fact, there[key])
        found += [
            _missing(kind, fact, f"Stripe has this {name}, our books do not.", ours=False)
            for key, fact in there.items()
            if key not in here
        ]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.reference, one.id, one.what))


def compared(ours: Side, theirs: Side) -> int:
    """How many objects there are on either side."""
    return sum(len(_by_id(ours.get(kind, ())).keys() | _by_id(theirs.get(kind, ())).keys()) for kind in KINDS)


def _unlike(kind: str, ours: Fact, theirs: Fact) -> list[Difference]:
    found = []
    if theirs.currency and ours.currency != theirs.currency:
        return [Difference(kind, ours.id, ours.reference, f"The currency is {ours.currency} here, {theirs.currency} at Stripe.")]
    if ours.state != theirs.state:
        found.append(Difference(kind, ours.id, ours.reference, f"It is {ours.state} here, {theirs.state} at Stripe."))
    amounts = {"amount": (ours.amount_minor, theirs.amount_minor)}
    amounts |= {what: (ours.more.get(what, 0), theirs.more.get(what, 0)) for what in {**ours.more, **theirs.more}}
    for what, (here, there) in amounts.items():
        if here != there:
            said = f"The {what} differs."
            found.append(Difference(kind, ours.id, ours.reference, said, here, there, ours.currency))
    return found


def _missing(kind: str, fact: Fact, what: str, *, ours: bool) -> Difference:
    here, there = (fact.amount_minor, None) if ours else (None, fact.amount_minor)
    return Difference(kind, fact.id, fact.reference, what, here, there, fact.currency)


def _by_id(facts: Iterable[Fact]) -> dict[str, Fact]:
    return {fact.id: fact for fact in facts}
