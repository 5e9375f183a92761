"""Reads about the agency and its people, for pages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from staffing.identity.models import Account, Agency, Invitation
from staffing.persistence.transactions import Transaction


@dataclass(frozen=True, slots=True)
class AgencyRow:
    name: str
    time_zone: str
    demo: bool


@dataclass(frozen=True, slots=True)
class AccountRow:
    name: str
    email: str
    role: str
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class InvitationRow:
    name: str
    email: str
    role: str
    expires_at: datetime


async def agency(tx: Transaction) -> AgencyRow | None:
    """The agency, or None on an empty database."""
    row = (await tx.execute(select(Agency.name, Agency.time_zone, Agency.demo))).one_or_none()
    return AgencyRow(*row) if row else None


async def accounts(tx: Transaction) -> list[AccountRow]:
    """Everybody who can sign in, by role and name. For the agency's pages only."""
    rows = await tx.execute(
        select(Account.name, Account.email, Account.role, Account.created_at, Account.disabled_at).order_by(
            Account.role, Account.name
        )
    )
    return [AccountRow(*row) for row in rows]


async def open_invitations(tx: Transaction, at: datetime) -> list[InvitationRow]:
    rows = await tx.execute(
        select(Invitation.name, Invitation.email, Invitation.role, Invitation.expires_at)
        .where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None), Invitation.expires_at > at)
        .order_by(Invitation.expires_at)
    )
    return [InvitationRow(*row) for row in rows]


async def database_version(tx: Transaction) -> str:
    return str(await tx.scalar(text("show server_version")))
