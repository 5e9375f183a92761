"""A statement of account as its page shows it."""

from typing import Any

from staffing.contracts.amounts import day_text, money_text
from staffing.documents.compiling import Document
from staffing.reporting.statements import AccountStatement, Statement
from staffing.wall_clock import start_of_day

HEADS = (("Day", ""), ("What", ""), ("Document", ""), ("Charged", "num"), ("Credited", "num"), ("Balance", "num"))
NOTES = (
    "Derived from the ledger: every line is one booking. A negative balance is in the facility's favour.",
    "Days are those of the facility's clock.",
)


def statement_document(found: Statement, agency: str) -> Document:
    """The document of a statement."""
    last = found.accounts[-1]
    data: dict[str, Any] = {
        "title": f"Statement {found.period}",
        "agency": agency,
        "facility": found.facility_name,
        "place": f"{found.facility_city}, {found.facility_state} · {found.facility_reference}",
        "facts": [
            ("Period", found.period),
            ("Balance at the start", money_text(last.opening_minor, last.currency)),
            ("Balance at the end", money_text(last.closing_minor, last.currency)),
        ]
        if len(found.accounts) == 1
        else [("Period", found.period)],
        "heads": HEADS,
        "accounts": [_account(found, account) for account in found.accounts],
        "notes": NOTES,
    }
    return Document("statement", data, start_of_day(found.end_on, found.zone))


def _account(found: Statement, account: AccountStatement) -> dict[str, Any]:
    def amount(minor: int) -> str:
        return money_text(minor, account.currency) if minor else "–"

    opening = [day_text(found.start_on), "Balance at the start", "", "", "", money_text(account.opening_minor, account.currency)]
    rows = [
        [
            day_text(row.on),
            row.what,
            row.reference,
            amount(row.charged_minor),
            amount(row.credited_minor),
            money_text(row.balance_minor, account.currency),
        ]
        for row in account.rows
    ]
    return {
        "name": f"Account in {account.currency}",
        "rows": [opening, *rows],
        "sums": [
            ("Charged in the period", money_text(account.charged_minor, account.currency)),
            ("Credited in the period", money_text(account.credited_minor, account.currency)),
            (f"Balance on {day_text(found.end_on)}", money_text(account.closing_minor, account.currency)),
        ],
    }
