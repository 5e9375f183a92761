"""Invitations: a link for one person, used once. The token is shown once and kept as SHA-256."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from staffing import clock
from staffing.errors import Invalid, NotFound
from staffing.identity import passwords, sessions
from staffing.identity.models import Account, AccountFacility, Invitation, Role
from staffing.identity.permissions import AGENCY_ROLES, Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction

VALID_FOR = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Whom to invite. A facility account names its facility, a coordinator's account its roster entry."""

    email: str
    name: str
    role: Role
    time_zone: str
    facility_id: UUID | None = None
    coordinator_id: UUID | None = None


async def invite(tx: Transaction, principal: Principal, person: NewPerson) -> str:
    """Make an invitation and return its token. Raises `Invalid` when the address is taken or the role lacks its place."""
    principal.require(Permission.DESK_PEOPLE_INVITE)
    email = person.email.strip().lower()
    if person.role in AGENCY_ROLES and principal.role is not Role.OWNER:
        raise Invalid(role="Only the owner invites people of the agency.")
    if (person.role is Role.FACILITY) != (person.facility_id is not None):
        raise Invalid(facility_id="Choose the facility this person works for.")
    if (person.role is Role.COORDINATOR) != (person.coordinator_id is not None):
        raise Invalid(coordinator_id="Choose the coordinator this account is for.")
    if await tx.scalar(select(Account.id).where(func.lower(Account.email) == email)):
        raise Invalid(email="Somebody with this address can already sign in.")
    taken = select(Account.id).where(Account.coordinator_id == person.coordinator_id)
    if person.coordinator_id is not None and await tx.scalar(taken):
        raise Invalid(coordinator_id="This coordinator can already sign in.")
    instant = clock.now()
    await tx.execute(
        update(Invitation)
        .where(Invitation.email == email, Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        .values(withdrawn_at=instant)
    )
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        token_hash=sessions.hashed(token),
        email=email,
        name=person.name.strip(),
        role=person.role.value,
        time_zone=person.time_zone,
        facility_id=person.facility_id,
        coordinator_id=person.coordinator_id,
        invited_by=principal.account_id,
        created_at=instant,
        expires_at=instant + VALID_FOR,
    )
    tx.add(invitation)
    await tx.flush()
    audit.note(tx, "invite", "invitation", invitation.id, facility_id=person.facility_id, detail=person.role.value)
    return token


async def open_invitation(tx: Transaction, token: str) -> Invitation:
    """The invitation behind a link. Raises `NotFound` when it was used, withdrawn, has run out or never was."""
    invitation = await tx.scalar(
        select(Invitation)
        .where(
            Invitation.token_hash == sessions.hashed(token),
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > clock.now(),
        )
        .with_for_update()
    )
    if invitation is None:
        raise NotFound("This invitation was used already or has run out. Ask for a new one.")
    return invitation


async def accept(tx: Transaction, token: str, name: str, password: str) -> Account:
    """Turn an invitation into an account with the password its owner chose."""
    invitation = await open_invitation(tx, token)
    passwords.check_new(password)
    account = Account(
        email=invitation.email,
        name=name.strip(),
        role=invitation.role,
        time_zone=invitation.time_zone,
        password_hash=await passwords.hash_password(password),
        coordinator_id=invitation.coordinator_id,
        created_at=clock.now(),
    )
    tx.add(account)
    await tx.flush()
    if invitation.facility_id is not None:
        tx.add(AccountFacility(account_id=account.id, facility_id=invitation.facility_id))
    invitation.accepted_at = clock.now()
    return account
