"""Tables of the machinery itself: the audit chain and the count of job starts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, table


class AccessEvent(Base):
    """One read or change of protected data. Append-only; a trigger links each row to the one before it in its chain."""

    __tablename__ = "access_events"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index("ix_access_events_patient", "patient_id", "happened_at"),
        table(Tenancy.TENANT),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    chain: Mapped[str]
    """The facility's id, or `agency` for what concerns no facility."""
    seq: Mapped[int] = mapped_column(BigInteger)
    facility_id: Mapped[UUID | None] = mapped_column(index=True)
    patient_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    actor: Mapped[str]
    role: Mapped[str]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    detail: Mapped[str]
    request_id: Mapped[str]
    happened_at: Mapped[datetime]
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHead(Base):
    """The last link of each chain. Only the trigger touches it."""

    __tablename__ = "audit_heads"
    __table_args__ = (table(Tenancy.SYSTEM),)

    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class JobStart(Base):
    """How often a job was started. A job that kills its worker is stopped after three starts."""

    __tablename__ = "job_starts"
    __table_args__ = (table(Tenancy.SYSTEM),)

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    starts: Mapped[int]
    first_started_at: Mapped[datetime]
    last_started_at: Mapped[datetime]
    gave_up_at: Mapped[datetime | None]
