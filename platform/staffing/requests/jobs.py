"""Work off the request."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select, update

from staffing import clock
from staffing.persistence import audit
from staffing.persistence.jobs import JobContext, JobKind
from staffing.persistence.tenancy import SYSTEM
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.requests.schedule import CANCELLED, CONFIRMED, assignments

RELEASE_COVER = "requests.release_cover"


async def release_cover(context: JobContext, payload: Mapping[str, str]) -> None:
    """Free the people who were to cover windows that are cancelled: a facility may cancel its request, but assignments are
    the agency's to change. Done twice, the second time finds nothing.
    """
    request_id = UUID(payload["id"])
    async with context.database.transaction(SYSTEM) as tx:
        request = await tx.get(StaffingRequest, request_id)
        if request is None:
            return
        gone = select(CoverageWindow.id).where(CoverageWindow.request_id == request_id, CoverageWindow.cancelled)
        released = await tx.scalars(
            update(assignments)
            .where(assignments.c.window_id.in_(gone), assignments.c.state == CONFIRMED)
            .values(state=CANCELLED, ended_at=clock.now(), ended_reason=f"{request.reference} was cancelled")
            .returning(assignments.c.id)
        )
        for assignment_id in released:
            audit.note(tx, "release", "assignment", assignment_id, facility_id=request.facility_id, detail="request cancelled")


KINDS: list[JobKind] = [JobKind(RELEASE_COVER, release_cover)]
