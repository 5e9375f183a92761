"""What an hour of a piece costs, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from billing.rates import REGULAR, OvertimeStep, PassThrough, PremiumRule, RateCard, ServiceRate
from billing.rates.checks import ONE, product
from billing.rating.lines import Applied
from billing.rating.pieces import Piece


@dataclass(frozen=True, slots=True)
class Price:
    """One hour: `kind` of time, whole currency units per hour, and the rules that made it."""

    kind: str
    per_hour: Decimal
    applied: tuple[Applied, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule that holds for a piece. `own` is a price of its own instead of a multiple of the rate."""

    kind: str
    multiplier: Decimal
    own: Decimal | None = None

    def of(self, per_hour: Decimal) -> Decimal:
        return product(per_hour, self.multiplier) if self.own is None else self.own

    @property
    def applied(self) -> Applied:
        return Applied(self.kind, self.multiplier if self.own is None else None)


def bill_price(piece: Piece, card: RateCard, rate: ServiceRate) -> Price:
    """What the facility pays for an hour of `piece`."""

    def overtime(step: OvertimeStep) -> _Rule:
        negotiated = card.overtime is not None and card.overtime.pass_through is PassThrough.NEGOTIATED
        return _Rule(step.kind, step.multiplier, rate.overtime_bill_per_hour if negotiated else None)

    premiums = [_Rule(premium.kind, premium.multiplier) for premium in piece.premiums]
    return _price(rate.bill_per_hour, _rules(premiums, piece, overtime), card.premium_rule)


def pay_price(piece: Piece, card: RateCard, pay_per_hour: Decimal) -> Price:
    """What the coordinator earns for an hour of `piece`."""
    premiums = [_Rule(premium.kind, premium.pay_multiplier or premium.multiplier) for premium in piece.premiums]
    rules = _rules(premiums, piece, lambda step: _Rule(step.kind, step.multiplier))
    return _price(pay_per_hour, rules, card.premium_rule)


def overage_price(piece: Piece, card: RateCard, rate: ServiceRate, overage_per_hour: Decimal | None) -> Price:
    """What an hour beyond a retainer's included minutes costs: the overage rate, raised by the same rules."""
    if overage_per_hour is None:
        return bill_price(piece, card, rate)
    premiums = [_Rule(premium.kind, premium.multiplier) for premium in piece.premiums]
    rules = _rules(premiums, piece, lambda step: _Rule(step.kind, step.multiplier))
    return _price(overage_per_hour, rules, card.premium_rule)


def _rules(premiums: list[_Rule], piece: Piece, overtime: Callable[[OvertimeStep], _Rule]) -> list[_Rule]:
    """Premiums as they stand on the card, then overtime."""
    return [*premiums, overtime(piece.overtime)] if piece.overtime else premiums


def _price(per_hour: Decimal, rules: list[_Rule], meeting: PremiumRule) -> Price:
    if not rules:
        return Price(REGULAR, per_hour, ())
    if meeting is PremiumRule.HIGHEST:
        # Of equal prices the rule named first gives the kind; at a rate of 0 the multipliers decide.
        highest = max(rules, key=lambda rule: (rule.of(per_hour), rule.multiplier))
        return Price(highest.kind, highest.of(per_hour), (highest.applied,))
    own = next((rule.own for rule in rules if rule.own is not None), None)
    multipliers = [rule.multiplier if rule.own is None else ONE for rule in rules]
    stacked = product(per_hour if own is None else own, *multipliers)
    return Price("+".join(rule.kind for rule in rules), stacked, tuple(rule.applied for rule in rules))
