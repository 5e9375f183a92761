"""Rate cards: what an hour of a service costs, when it costs more, and what is owed besides hours.

    card = RateCard({"Care Plan Management": ServiceRate(Decimal("48.00"))}, RoundingRule(15))
    contract = Contract((DatedCard(card, valid_from=date(2026, 1, 1)),))

Pure values: a card is checked when it is made and never changes. `billing.rating` applies it.
"""

from billing.rates.cards import REGULAR, Contract, DatedCard, RateCard
from billing.rates.checks import InvalidRateCard
from billing.rates.commitments import Commitment, GuaranteedHours, Retainer, RollOver
from billing.rates.fees import CancellationKind, ConversionFee, LateCancellation, ReducedBy
from billing.rates.overtime import Overtime, OvertimeStep, PassThrough
from billing.rates.premiums import Holiday, Night, Premium, PremiumRule, Weekend
from billing.rates.rounding import RoundingMode, RoundingRule, RoundingScope
from billing.rates.services import PriceRise, ServiceRate

__all__ = [
    "REGULAR",
    "CancellationKind",
    "Commitment",
    "Contract",
    "ConversionFee",
    "DatedCard",
    "GuaranteedHours",
    "Holiday",
    "InvalidRateCard",
    "LateCancellation",
    "Night",
    "Overtime",
    "OvertimeStep",
    "PassThrough",
    "Premium",
    "PremiumRule",
    "PriceRise",
    "RateCard",
    "ReducedBy",
    "Retainer",
    "RollOver",
    "RoundingMode",
    "RoundingRule",
    "RoundingScope",
    "ServiceRate",
    "Weekend",
]
