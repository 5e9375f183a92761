"""All pages of the client portal and their entries in the rail."""

from typing import Any

from client_portal import approvals, cover, credit_notes, home, invoices, patients, payments, requests, statements
from staffing.identity.permissions import Permission
from staffing.web.pages import NavItem

NAVIGATION: tuple[NavItem, ...] = (
    NavItem("Today", "/portal", "house", Permission.PORTAL_COVER_READ),
    NavItem("Requests", "/portal/requests", "clipboard-list", Permission.PORTAL_REQUESTS_READ),
    NavItem("Approvals", "/portal/approvals", "list-checks", Permission.PORTAL_ENTRIES_READ),
    NavItem("Invoices", "/portal/invoices", "receipt-text", Permission.PORTAL_INVOICES_READ),
    NavItem("Cover", "/portal/cover", "calendar-days", Permission.PORTAL_COVER_READ),
    NavItem("Patients", "/portal/patients", "users", Permission.PORTAL_PATIENTS_READ),
)
HANDLERS: list[Any] = [
    *home.HANDLERS,
    *requests.HANDLERS,
    *cover.HANDLERS,
    *approvals.HANDLERS,
    *patients.HANDLERS,
    *invoices.HANDLERS,
    *credit_notes.HANDLERS,
    *payments.HANDLERS,
    *statements.HANDLERS,
]
