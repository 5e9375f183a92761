"""Requests for relief and the dated windows they ask to have covered."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table

NUMBERS = Sequence("staffing_request_numbers", start=1001, metadata=Base.metadata)
"""Where references come from. A number that a refused request took is not given out again: references may have gaps."""


class RequestState(StrEnum):
    """What somebody decided; how far a request is, completed included, is derived (see `requests.lifecycle`)."""

    OPEN = "open"
    CANCELLED = "cancelled"


class StaffingRequest(Base):
    """A facility's request for relief: one service, a span of days, a weekly pattern in the facility's zone."""

    __tablename__ = "staffing_requests"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="order"),
        CheckConstraint("headcount between 1 and 20", name="headcount"),
        CheckConstraint("priority between 1 and 5", name="priority"),
        Index("ix_staffing_requests_facility_state", "facility_id", "state"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    reference: Mapped[str] = mapped_column(unique=True, server_default=text("next_request_reference()"))
    """R-1042: leave it out and the database gives the next one that is free."""
    form_id: Mapped[UUID] = mapped_column(unique=True)
    """Made with the blank form; the same form sent twice makes one request."""
    service: Mapped[str]
    level: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    pattern: Mapped[list[Any]]
    """`[[weekday, "HH:MM", "HH:MM"], …]`, weekday 0 is Monday, local time of the facility."""
    headcount: Mapped[int]
    max_coordinators: Mapped[int] = mapped_column(default=1)
    """1: each head covers all windows alone; k: at most k people share each head's windows."""
    skills: Mapped[list[str]]
    language: Mapped[str]
    ehr_system: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(default=RequestState.OPEN.value)
    submitted_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    submitted_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


class CoverageWindow(Base):
    """One dated interval of a request, `[start, end)` in UTC, that `headcount` people must cover."""

    __tablename__ = "coverage_windows"
    __table_args__ = (
        CheckConstraint("not isempty(during) and not lower_inf(during) and not upper_inf(during)", name="bounded"),
        Index("ix_coverage_windows_during", "during", postgresql_using="gist"),
        Index("ix_coverage_windows_request_id", "request_id"),
        Index("ix_coverage_windows_facility_id", "facility_id"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    request_id: Mapped[UUID] = mapped_column(ForeignKey("staffing_requests.id", ondelete="CASCADE"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    headcount: Mapped[int]
    cancelled: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
