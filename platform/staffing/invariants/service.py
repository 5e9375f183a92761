"""Looking whether the invariants hold."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import delete, text

from staffing import clock
from staffing.invariants.models import InvariantCheck
from staffing.invariants.statements import ALL, Invariant
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction

MOST_CASES = 20
"""So many cases of one broken invariant are kept: whoever mends it starts with the first."""
KEPT = timedelta(days=7)
"""How long a look that found nothing is kept; what was broken stays."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A case in which an invariant does not hold: what it is about, and what is there."""

    name: str
    says: str
    subject: str
    found: str

    def __str__(self) -> str:
        return f"{self.says} But {self.subject}: {self.found}"


async def broken(tx: Transaction, invariants: Iterable[Invariant] = ALL) -> list[Broken]:
    """Every case in which one of `invariants` does not hold now. The caller sees all facilities."""
    cases = []
    for one in invariants:
        # All of it is our own text: nothing that anybody typed is in it.
        statement = text(f"select * from ({one.breaks}) cases(subject, found) order by subject limit {MOST_CASES}")  # noqa: S608
        values = {"now": clock.now()} if ":now" in one.breaks else {}
        cases += [Broken(one.name, one.says, subject, found) for subject, found in await tx.execute(statement, values)]
    return cases


async def look(tx: Transaction) -> InvariantCheck:
    """Look at all of them and write down what was found. Earlier looks that found nothing are forgotten after a week."""
    found = await broken(tx)
    check = InvariantCheck(id=new_id(), checked_at=clock.now(), looked_at=len(ALL), broken=[asdict(one) for one in found])
    tx.add(check)
    old = delete(InvariantCheck).where(InvariantCheck.broken == [], InvariantCheck.checked_at < clock.now() - KEPT)
    await tx.execute(old)
    await tx.flush()
    return check
