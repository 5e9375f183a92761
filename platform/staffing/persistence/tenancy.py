"""Whose rows a transaction may reach. PostgreSQL's row-level security reads these settings; unset means no row at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """The database's view of the caller.

    `kind` is `''` (nobody), `agency`, `facility`, `coordinator` or `system` (jobs and commands).
    `facility_ids`: a facility account's own facilities; for a coordinator those they are or were assigned to.
    `care_facility_ids`: facilities whose patients a coordinator may see at this moment.
    """

    kind: str = ""
    facility_ids: tuple[UUID, ...] = ()
    care_facility_ids: tuple[UUID, ...] = ()
    coordinator_id: UUID | None = None

    def settings(self) -> dict[str, str]:
        return {
            "app.scope": self.kind,
            "app.facilities": _joined(self.facility_ids),
            "app.care_facilities": _joined(self.care_facility_ids),
            "app.coordinator": str(self.coordinator_id or ""),
        }


def _joined(ids: Iterable[UUID]) -> str:
    return ",".join(str(one) for one in ids)


NOBODY = Scope()
SYSTEM = Scope("system")
"""Jobs and commands: every facility, on nobody's behalf. A page never runs under it."""
