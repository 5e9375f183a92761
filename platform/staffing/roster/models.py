"""The roster: coordinators, what they can do, when they are available, what they are paid."""

from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class Coordinator(Base):
    """A remote patient care coordinator. Caps and targets are minutes a week."""

    __tablename__ = "coordinators"
    __table_args__ = (
        CheckConstraint("weekly_target_minutes <= weekly_cap_minutes", name="target_within_cap"),
        table(Tenancy.SHARED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    work_country: Mapped[str]
    time_zone: Mapped[str]
    credential_class: Mapped[str]
    education: Mapped[str] = mapped_column(default="")
    languages: Mapped[list[str]]
    ehr_systems: Mapped[list[str]]
    licence_states: Mapped[list[str]]
    weekly_cap_minutes: Mapped[int]
    weekly_target_minutes: Mapped[int]
    max_facilities: Mapped[int]
    joined_on: Mapped[date]
    left_on: Mapped[date | None]


class CoordinatorService(Base):
    """A service that a coordinator can deliver, with the level reached (1 learning to 5 teaches it)."""

    __tablename__ = "coordinator_services"
    __table_args__ = (CheckConstraint("level between 1 and 5", name="level"), table(Tenancy.SHARED))

    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int]


class Credential(Base):
    """A verified credential. An expired one blocks planning from the day after `expires_on`."""

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("coordinator_id", "kind"), table(Tenancy.SHARED))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"))
    kind: Mapped[str]
    issued_on: Mapped[date]
    expires_on: Mapped[date | None]
    verified_on: Mapped[date]
    verified_by: Mapped[str]


class AvailabilityRule(Base):
    """A weekly interval in the coordinator's own zone. `weekday` 0 is Monday; an interval never crosses midnight.

    An end of 00:00 is the midnight that ends the day.
    """

    __tablename__ = "availability_rules"
    __table_args__ = (
        CheckConstraint("weekday between 0 and 6", name="weekday"),
        CheckConstraint("ends_at_time = '00:00' or starts_at_time < ends_at_time", name="order"),
        table(Tenancy.SHARED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int]
    starts_at_time: Mapped[time]
    ends_at_time: Mapped[time]


class TimeOff(Base):
    """An interval in which a coordinator is away."""

    __tablename__ = "time_off"
    __table_args__ = (table(Tenancy.SHARED),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), index=True)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


class Orientation(Base):
    """A coordinator has been oriented at a facility: the warm bench."""

    __tablename__ = "orientations"
    __table_args__ = (table(Tenancy.TENANT),)

    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), primary_key=True)
    oriented_on: Mapped[date]


class FacilityExclusion(Base):
    """A coordinator who must not be sent to a facility, and why. The agency's own note."""

    __tablename__ = "facility_exclusions"
    __table_args__ = (table(Tenancy.AGENCY),)

    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), primary_key=True)
    reason: Mapped[str]


class PayRate(Base):
    """What the agency pays a coordinator per hour from a day on. Never shown to a facility."""

    __tablename__ = "pay_rates"
    __table_args__ = (table(Tenancy.AGENCY),)

    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    pay_per_hour: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(default="USD")
