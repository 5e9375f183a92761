"""What looking at the invariants found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class InvariantCheck(Base):
    """One look at every invariant. `broken` is empty when all of them hold."""

    __tablename__ = "invariant_checks"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    checked_at: Mapped[datetime] = mapped_column(index=True)
    looked_at: Mapped[int]
    """How many invariants there were."""
    broken: Mapped[list[Any]]
    """`[{"name", "says", "subject", "found"}, …]`; of each invariant the first few cases."""
