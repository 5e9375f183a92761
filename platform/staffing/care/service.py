"""Looking at patients. Every look is written to the facility's access log."""

from uuid import UUID

from staffing.care import queries
from staffing.care.queries import Chart, Patients
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction


async def open_patient(tx: Transaction, principal: Principal, patient_id: UUID) -> Chart:
    """A patient's background, noted in the access log. Raises `NotFound` for one that the caller may not see now."""
    chart = await queries.chart(tx, principal, patient_id)
    audit.note(
        tx, "patient.read", "patient", patient_id, facility_id=chart.patient.facility_id, patient_id=patient_id, detail="history"
    )
    return chart


async def list_patients(
    tx: Transaction,
    principal: Principal,
    *,
    search: str = "",
    facility_id: UUID | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Patients:
    """A page of patients; one note in the access log of each facility that is on it."""
    found = await queries.patients(tx, principal, search=search, facility_id=facility_id, limit=limit, offset=offset)
    for place in {row.facility_id for row in found.rows}:
        here = sum(row.facility_id == place for row in found.rows)
        audit.note(tx, "patient.list", "facility", place, facility_id=place, detail=f"{here} patients")
    return found
