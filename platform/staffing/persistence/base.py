"""The declarative base of every table, and the tenancy class that each table must declare."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, DateTime, MetaData, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase


class Tenancy(StrEnum):
    """Who can ever reach the rows of a table; row-level security enforces it (see `persistence.policies`)."""

    TENANT = "tenant"
    """Rows of one facility: that facility's people, the coordinators working for it where the table says so, the agency."""
    AGENCY = "agency"
    """The agency's own working papers: its staff and its jobs."""
    SHARED = "shared"
    """Readable by every signed-in person, written by the agency."""
    SYSTEM = "system"
    """Accounts, sessions, queue, audit: reached through one module each, never by a page's query."""


class Base(DeclarativeBase):
    """Text for strings and enums, `timestamptz` for instants, exact numerics for rates."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
            "excl": "excl_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        Decimal: Numeric(12, 4),
        str: Text,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
    }


Minor = BigInteger
"""Column type of money in minor units; the currency stands beside it."""


def table(tenancy: Tenancy) -> dict[str, Any]:
    """The keyword part of `__table_args__`: every table says whose rows it holds."""
    return {"info": {"tenancy": tenancy.value}}


def new_id() -> UUID:
    """A time-ordered identifier (UUID version 7). It is no secret."""
    return uuid_utils.compat.uuid7()
