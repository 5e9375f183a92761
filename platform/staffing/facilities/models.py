"""Facilities, the agency's clients, and the dated prices agreed with each."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class OffshorePolicy(StrEnum):
    """Whether a facility lets people outside the United States work with its patients' data. A hard rule of planning."""

    ALLOWED = "allowed"
    US_ONLY = "us_only"


class Facility(Base):
    """A client: the tenant. Nothing of one facility is ever visible to another."""

    __tablename__ = "facilities"
    __table_args__ = (CheckConstraint("colour between 1 and 8", name="colour"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    initials: Mapped[str]
    city: Mapped[str]
    state: Mapped[str]
    time_zone: Mapped[str]
    line: Mapped[str]
    ehr_system: Mapped[str]
    offshore_policy: Mapped[str]
    colour: Mapped[int]
    baa_signed_on: Mapped[date | None]
    created_at: Mapped[datetime]


class RateCard(Base):
    """The prices in force at a facility from a day on, with the contract's rounding of billed time."""

    __tablename__ = "rate_cards"
    __table_args__ = (
        UniqueConstraint("facility_id", "valid_from"),
        CheckConstraint("rounding_unit_minutes in (0, 1, 6, 15)", name="rounding_unit"),
        CheckConstraint("rounding_mode in ('nearest', 'up')", name="rounding_mode"),
        CheckConstraint("rounding_scope in ('entry', 'line')", name="rounding_scope"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    valid_from: Mapped[date]
    currency: Mapped[str] = mapped_column(default="USD")
    rounding_unit_minutes: Mapped[int] = mapped_column(default=0)
    rounding_mode: Mapped[str] = mapped_column(default="nearest")
    rounding_scope: Mapped[str] = mapped_column(default="line")
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """The rest of the contract, keyed as in the card of `python -m billing rate`: premiums, overtime, minimum call and so on."""


class ServiceRate(Base):
    """The hourly bill rate of one service, at one level, on one rate card. Level 0 is the rate of every level without its own."""

    __tablename__ = "service_rates"
    __table_args__ = (
        CheckConstraint("bill_per_hour > 0", name="positive"),
        CheckConstraint("level between 0 and 5", name="level"),
        table(Tenancy.TENANT),
    )

    rate_card_id: Mapped[UUID] = mapped_column(ForeignKey("rate_cards.id", ondelete="CASCADE"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=0, server_default=text("0"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    bill_per_hour: Mapped[Decimal]
