"""What can be done, named `place:thing:action`, and which role may do it. Every route names exactly one."""

from enum import StrEnum

from staffing.identity.models import Role


class Permission(StrEnum):
    """Alphabetical within each place."""

    PUBLIC = "public"
    """No sign-in needed: the public site, sign-in, invitations, assets, health, signed webhooks."""
    SIGNED_IN = "signed-in"
    """Any account, for itself: sign-out, staying signed in."""

    PORTAL_COVER_READ = "portal:cover:read"
    PORTAL_ENTRIES_DECIDE = "portal:entries:decide"
    PORTAL_ENTRIES_READ = "portal:entries:read"
    PORTAL_INVOICES_READ = "portal:invoices:read"
    PORTAL_PATIENTS_READ = "portal:patients:read"
    PORTAL_PAYMENTS_READ = "portal:payments:read"
    PORTAL_PAYMENTS_WRITE = "portal:payments:write"
    PORTAL_REQUESTS_READ = "portal:requests:read"
    PORTAL_REQUESTS_WRITE = "portal:requests:write"

    DESK_AUDIT_READ = "desk:audit:read"
    DESK_CALL_OFFS_RECORD = "desk:call_offs:record"
    DESK_CONTRACTS_READ = "desk:contracts:read"
    DESK_CONTRACTS_WRITE = "desk:contracts:write"
    DESK_CREDITS_ISSUE = "desk:credits:issue"
    DESK_ENTRIES_SETTLE = "desk:entries:settle"
    DESK_EXPORTS_READ = "desk:exports:read"
    DESK_INVOICES_FINALIZE = "desk:invoices:finalize"
    DESK_INVOICES_READ = "desk:invoices:read"
    DESK_INVOICES_RUN = "desk:invoices:run"
    DESK_INVOICES_WRITE = "desk:invoices:write"
    DESK_INVOICES_WRITE_OFF = "desk:invoices:write_off"
    DESK_PAYMENTS_READ = "desk:payments:read"
    DESK_PAYMENTS_WRITE = "desk:payments:write"
    DESK_PEOPLE_INVITE = "desk:people:invite"
    DESK_PLANS_APPLY = "desk:plans:apply"
    DESK_PLANS_READ = "desk:plans:read"
    DESK_PLANS_RUN = "desk:plans:run"
    DESK_RECEIVABLES_READ = "desk:receivables:read"
    DESK_RECEIVABLES_WRITE = "desk:receivables:write"
    DESK_REFUNDS_REQUEST = "desk:refunds:request"
    DESK_REPORTS_READ = "desk:reports:read"
    DESK_REQUESTS_READ = "desk:requests:read"
    DESK_ROSTER_READ = "desk:roster:read"

    WORKSPACE_CALL_OFFS_RECORD = "workspace:call_offs:record"
    WORKSPACE_ENTRIES_READ = "workspace:entries:read"
    WORKSPACE_ENTRIES_WRITE = "workspace:entries:write"
    WORKSPACE_PATIENTS_READ = "workspace:patients:read"
    WORKSPACE_SCHEDULE_READ = "workspace:schedule:read"


_PORTAL = frozenset(one for one in Permission if one.startswith("portal:"))
_WORKSPACE = frozenset(one for one in Permission if one.startswith("workspace:"))
_DESK = frozenset(one for one in Permission if one.startswith("desk:"))
_PLANNING = frozenset(
    {
        Permission.DESK_CALL_OFFS_RECORD,
        Permission.DESK_ENTRIES_SETTLE,
        Permission.DESK_REQUESTS_READ,
        Permission.DESK_ROSTER_READ,
        Permission.DESK_PLANS_READ,
        Permission.DESK_PLANS_RUN,
        Permission.DESK_PLANS_APPLY,
        Permission.DESK_PEOPLE_INVITE,
    }
)
_MONEY = frozenset(
    {
        Permission.DESK_CONTRACTS_READ,
        Permission.DESK_CONTRACTS_WRITE,
        Permission.DESK_CREDITS_ISSUE,
        Permission.DESK_ENTRIES_SETTLE,
        Permission.DESK_EXPORTS_READ,
        Permission.DESK_INVOICES_READ,
        Permission.DESK_INVOICES_WRITE,
        Permission.DESK_INVOICES_FINALIZE,
        Permission.DESK_INVOICES_RUN,
        Permission.DESK_INVOICES_WRITE_OFF,
        Permission.DESK_PAYMENTS_READ,
        Permission.DESK_PAYMENTS_WRITE,
        Permission.DESK_RECEIVABLES_READ,
        Permission.DESK_RECEIVABLES_WRITE,
        Permission.DESK_REFUNDS_REQUEST,
        Permission.DESK_REQUESTS_READ,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.FACILITY: _PORTAL,
    Role.COORDINATOR: _WORKSPACE,
    Role.DISPATCHER: _PLANNING,
    Role.BILLING: _MONEY,
    Role.OWNER: _DESK,
}

ROLE_NAMES: dict[Role, str] = {
    Role.FACILITY: "Practice manager",
    Role.COORDINATOR: "Coordinator",
    Role.DISPATCHER: "Dispatcher",
    Role.BILLING: "Billing",
    Role.OWNER: "Owner",
}

HOME: dict[Role, str] = {
    Role.FACILITY: "/portal",
    Role.COORDINATOR: "/workspace",
    Role.DISPATCHER: "/desk",
    Role.BILLING: "/desk/invoices",
    Role.OWNER: "/desk/report",
}
"""Where each role starts its day."""

AGENCY_ROLES = frozenset({Role.DISPATCHER, Role.BILLING, Role.OWNER})
