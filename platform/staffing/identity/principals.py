"""The caller of one request, frozen: who, which role, which facilities."""

from dataclasses import dataclass
from uuid import UUID

from staffing.errors import NotAllowed, NotFound
from staffing.identity.models import Role
from staffing.identity.permissions import AGENCY_ROLES, ROLE_PERMISSIONS, Permission
from staffing.persistence.audit import Actor
from staffing.persistence.tenancy import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking.

    `facility_ids`: for a facility account the facilities it acts for; for a coordinator those they are or were assigned
    to; empty for
    the agency, which sees all. `care_facility_ids`: where a coordinator may see patients at this moment.
    Queries carry these as an explicit predicate; row-level security holds the same line from below.
    """

    account_id: UUID
    name: str
    email: str
    role: Role
    time_zone: str
    facility_ids: tuple[UUID, ...] = ()
    care_facility_ids: tuple[UUID, ...] = ()
    coordinator_id: UUID | None = None

    @property
    def of_agency(self) -> bool:
        return self.role in AGENCY_ROLES

    def may(self, permission: Permission) -> bool:
        if permission in (Permission.PUBLIC, Permission.SIGNED_IN):
            return True
        return permission in ROLE_PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raise `NotAllowed` unless the role has `permission`."""
        if not self.may(permission):
            raise NotAllowed

    def own_coordinator_id(self) -> UUID:
        """The coordinator behind this account. Raises `NotFound` for everybody else."""
        if self.coordinator_id is None:
            raise NotFound
        return self.coordinator_id

    def scope(self) -> Scope:
        kind = "agency" if self.of_agency else self.role.value
        return Scope(kind, self.facility_ids, self.care_facility_ids, self.coordinator_id)

    def actor(self, request_id: str = "") -> Actor:
        return Actor(self.account_id, self.name, self.role.value, request_id)
