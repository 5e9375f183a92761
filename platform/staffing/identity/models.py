"""The agency, its accounts and who is signed in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class Role(StrEnum):
    """What an account is for. One account has one role."""

    FACILITY = "facility"
    DISPATCHER = "dispatcher"
    COORDINATOR = "coordinator"
    BILLING = "billing"
    OWNER = "owner"


class Agency(Base):
    """The staffing agency that this deployment serves: exactly one row."""

    __tablename__ = "agency"
    __table_args__ = (CheckConstraint("id = 1", name="single"), table(Tenancy.SHARED))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    name: Mapped[str]
    time_zone: Mapped[str]
    demo: Mapped[bool] = mapped_column(default=False)


class Account(Base):
    """A person who can sign in. A coordinator's account names its roster entry, a facility's its facilities."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index("uq_accounts_email_lower", text("lower(email)"), unique=True),
        CheckConstraint("(role = 'coordinator') = (coordinator_id is not null)", name="coordinator_role"),
        table(Tenancy.SYSTEM),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    time_zone: Mapped[str]
    password_hash: Mapped[str]
    coordinator_id: Mapped[UUID | None] = mapped_column(ForeignKey("coordinators.id"), unique=True)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class AccountFacility(Base):
    """A facility that a facility account acts for."""

    __tablename__ = "account_facilities"
    __table_args__ = (table(Tenancy.SYSTEM),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), primary_key=True)


class LoginSession(Base):
    """One signed-in browser. Only the SHA-256 of its token is kept; a new row is made at every sign-in."""

    __tablename__ = "login_sessions"
    __table_args__ = (table(Tenancy.SYSTEM),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")


class SignInAttempt(Base):
    """A failed sign-in, kept to slow guessing down: counted per account name and per network address."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_email_at", "email", "attempted_at"),
        Index("ix_sign_in_attempts_address_at", "address", "attempted_at"),
        table(Tenancy.SYSTEM),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    address: Mapped[str]
    attempted_at: Mapped[datetime]


class Invitation(Base):
    """An open door for one person: the link's token is kept as SHA-256, used once, and runs out."""

    __tablename__ = "invitations"
    __table_args__ = (table(Tenancy.SYSTEM),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    time_zone: Mapped[str]
    facility_id: Mapped[UUID | None] = mapped_column(ForeignKey("facilities.id"))
    coordinator_id: Mapped[UUID | None] = mapped_column(ForeignKey("coordinators.id"))
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
