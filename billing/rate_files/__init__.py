"""Rate files: contracts and work as plain JSON in, a rating as plain JSON out. The form is in docs/rating.md.

file = read_rate_file(text)                       # or read_card(...), read_terms(...) for a card alone
print(rating_as_json(rate_file(file), file.tax))
"""

from billing.rate_files.cards import CARD_KEYS, read_card, read_terms
from billing.rate_files.places import InvalidRateFile
from billing.rate_files.reading import RateFile, rate_file, read_rate_file, read_tax
from billing.rate_files.writing import rating_as_json

__all__ = [
    "CARD_KEYS",
    "InvalidRateFile",
    "RateFile",
    "rate_file",
    "rating_as_json",
    "read_card",
    "read_rate_file",
    "read_tax",
    "read_terms",
]
