"""All pages of the desk and their entries in the rail."""

from typing import Any

from staffing.desk import (
    billing_runs,
    board,
    call_offs,
    contracts,
    disputes,
    documents,
    invoices,
    people,
    plans,
    receivables,
    reconciliation,
    relief,
    reports,
    roster,
)
from staffing.identity.permissions import Permission
from staffing.web.pages import NavItem

NAVIGATION: tuple[NavItem, ...] = (
    NavItem("Requests", "/desk", "clipboard-list", Permission.DESK_REQUESTS_READ),
    NavItem("Plans", "/desk/plans", "columns-3", Permission.DESK_PLANS_READ),
    NavItem("Roster", "/desk/roster", "users", Permission.DESK_ROSTER_READ),
    NavItem("Disputes", "/desk/disputes", "scale", Permission.DESK_ENTRIES_SETTLE),
    NavItem("Invoices", "/desk/invoices", "receipt-text", Permission.DESK_INVOICES_READ),
    NavItem("Receivables", "/desk/receivables", "banknote", Permission.DESK_RECEIVABLES_READ),
    NavItem("Reconcile", "/desk/reconciliation", "check", Permission.DESK_PAYMENTS_READ),
    NavItem("People", "/desk/people", "user-round-check", Permission.DESK_PEOPLE_INVITE),
    NavItem("Report", "/desk/report", "chart-line", Permission.DESK_REPORTS_READ),
    NavItem("Access log", "/desk/audit", "shield-check", Permission.DESK_AUDIT_READ),
)
HANDLERS: list[Any] = [
    *board.HANDLERS,
    *call_offs.HANDLERS,
    *relief.HANDLERS,
    *disputes.HANDLERS,
    *plans.HANDLERS,
    *invoices.HANDLERS,
    *billing_runs.HANDLERS,
    *contracts.HANDLERS,
    *roster.HANDLERS,
    *receivables.HANDLERS,
    *documents.HANDLERS,
    *reconciliation.HANDLERS,
    *people.HANDLERS,
    *reports.HANDLERS,
]
