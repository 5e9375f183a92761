"""The arithmetic of taking back: parts of a line are together the line, to the cent, with its tax."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.taxes import TaxRate, TaxRounding, TaxRule, taxes
from staffing.crediting.rules import Asked, LineLeft, TooMuch, entry_shares, line_taxes, minor_of, minutes_of, part, settle, take

A, B = UUID(int=1), UUID(int=2)
amounts = st.lists(st.integers(1, 100_000), min_size=1, max_size=6)
percents = st.lists(st.sampled_from(("7", "8.25", "0.3333", "20", "1")), min_size=0, max_size=3, unique=True)


def rates_of(lines: list[int], names: list[str], *, inclusive: bool, once: bool) -> list[dict[str, object]]:
    rule = TaxRule(
        tuple(TaxRate(name, Decimal(name)) for name in names), inclusive, TaxRounding.INVOICE if once else TaxRounding.LINE
    )
    return [
        {"name": one.rate.name, "percent": one.rate.name, "inclusive": inclusive, "tax_minor": one.tax.minor}
        for one in taxes(lines, "USD", rule)
    ]


@given(amounts, percents, st.booleans(), st.booleans())
def test_the_taxes_of_the_lines_are_the_tax_of_the_invoice(
    lines: list[int], names: list[str], inclusive: bool, once: bool
) -> None:
    rates = rates_of(lines, names, inclusive=inclusive, once=once)
    found = line_taxes(lines, rates, "USD")
    for number, rate in enumerate(rates):
        assert sum(line[number] for line in found) == rate["tax_minor"]


@given(st.data(), amounts, percents, st.booleans(), st.booleans())
def test_any_split_of_all_lines_gives_the_invoice_back(
    data: st.DataObject, lines: list[int], names: list[str], inclusive: bool, once: bool
) -> None:
    rates = rates_of(lines, names, inclusive=inclusive, once=once)
    left = {
        UUID(int=number): LineLeft(UUID(int=number), amount, Decimal(60), tax)
        for number, (amount, tax) in enumerate(zip(lines, line_taxes(lines, rates, "USD"), strict=True))
    }
    asked = []
    for line_id, line in left.items():
        cuts = [*data.draw(st.lists(st.integers(1, line.amount_minor), max_size=4, unique=True)), line.amount_minor]
        before = 0
        for cut in sorted(set(cuts)):
            asked.append(Asked(line_id, cut - before))
            before = cut
    taken = take(left, data.draw(st.permutations(asked)), {}, "USD")
    assert sum(one.amount_minor for one in taken) == sum(lines)
    assert sum(one.tax_minor for one in taken) == sum(int(str(rate["tax_minor"])) for rate in rates)
    assert all(one.tax_minor >= 0 for one in taken)


@given(st.integers(0, 10**7), st.lists(st.integers(1, 40_000), min_size=1, max_size=8))
def test_the_shares_of_entries_are_together_the_line(amount: int, seconds: list[int]) -> None:
    shares = entry_shares(amount, [(UUID(int=number), one) for number, one in enumerate(seconds)])
    assert sum(shares.values()) == amount
    exact = [amount * one / sum(seconds) for one in seconds]
    assert all(abs(shares[UUID(int=number)] - one) < 1.001 for number, one in enumerate(exact))


@given(st.integers(10**5, 10**7), st.lists(st.decimals(Decimal("0.25"), Decimal(600), places=2), min_size=1, max_size=6))
def test_all_minutes_in_any_pieces_are_the_line(amount: int, minutes: list[Decimal]) -> None:
    line = LineLeft(A, amount, sum(minutes, Decimal(0)), ())
    taken = take({A: line}, [Asked(A, minutes=one) for one in minutes], {}, "USD")
    assert sum(one.amount_minor for one in taken) == amount


def test_shares_by_hand() -> None:
    # $1.00 over three entries of 20 minutes: 33.3, 66.7, 100 → 33 + 34 + 33.
    assert list(entry_shares(100, [(UUID(int=n), 1200) for n in range(3)]).values()) == [33, 34, 33]
    # An entry with two pieces has both.
    assert entry_shares(100, [(A, 600), (B, 600), (A, 600)]) == {A: 66, B: 34}
    assert part(450, 0, 50, 100) == 225


def test_what_is_owed_is_lowered_first() -> None:
    line = LineLeft(A, 10_000, Decimal(60), (700,))
    taken = take({A: line}, [Asked(A, 5_000)], {}, "USD")
    settled = settle(taken, inclusive=False, owed_minor=4_000, refund=True)
    assert (settled.subtotal_minor, settled.tax_minor, settled.total_minor) == (5_000, 350, 5_350)
    assert (settled.applied_minor, settled.refund_minor, settled.balance_minor) == (4_000, 1_350, 0)
    kept = settle(taken, inclusive=False, owed_minor=-200, refund=False)
    assert (kept.applied_minor, kept.refund_minor, kept.balance_minor) == (0, 0, 5_350)
    inside = settle(taken, inclusive=True, owed_minor=0, refund=True)
    assert (inside.subtotal_minor, inside.total_minor) == (4_650, 5_000)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked(A, 701), "Only $7.00 of this line is left to credit."),
        (Asked(A, 0), "This comes to nothing."),
        (Asked(A, minutes=Decimal(31)), "Only 30 minutes of this line are left to credit."),
        (Asked(A, minutes=Decimal(0)), "Please give more than 0 minutes."),
        (Asked(A, entry_id=B), "This comes to nothing."),
        (Asked(A, 301, entry_id=A), "Only $3.00 of this line is this entry's and not credited yet."),
        (Asked(B), "Nothing of this line is left to credit."),
    ],
)
def test_never_more_than_there_is(asked: Asked, sentence: str) -> None:
    lines = {
        A: LineLeft(A, 1000, Decimal(60), (), credited_minor=300, credited_minutes=Decimal(30)),
        B: LineLeft(B, 500, Decimal(60), (), credited_minor=500),
    }
    with pytest.raises(TooMuch, match=sentence.replace("$", r"\$")):
        take(lines, [asked], {(A, A): 300}, "USD")


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("18.20", 1820),
        ("$1,234.5", 123450),
        ("7", 700),
        (" .5 ", 50),
        ("", None),
        ("-3", None),
        ("1.234", None),
        ("1e3", None),
        ("\u0663", None),
    ],
)
def test_amounts_as_people_type_them(text: str, minor: int | None) -> None:
    assert minor_of(text, "USD") == minor


def test_minutes_as_people_type_them() -> None:
    assert [minutes_of(text) for text in ("90", "7.5", "1.00001", "x", "-1", "")] == [
        Decimal(90),
        Decimal("7.5"),
        None,
        None,
        None,
        None,
    ]
