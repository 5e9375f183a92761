"""Open requests of the demo: most can be filled, three cannot, each for another reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import Range

from staffing.catalogue import REASON_PRIORITY, RequestReason
from staffing.demo.bench import place_of
from staffing.demo.logins import LOGINS
from staffing.demo.stage import Stage
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, StaffingRequest


@dataclass(frozen=True, slots=True)
class Opening:
    place: str
    service: str
    reason: RequestReason
    weekdays: tuple[int, ...]
    hours: tuple[int, int]
    headcount: int = 1
    share: int = 1
    skills: tuple[str, ...] = ()
    language: str = "en"
    note: str = ""


OPENINGS = (
    Opening("F-1001", "patient_care_coordinator", RequestReason.SURGE, (0, 1, 2, 3, 4), (13, 16), note="Flu season calls."),
    Opening("F-1002", "prior_authorization", RequestReason.LEAVE, (0, 2, 4), (9, 12), skills=("prior_auth_specialist",)),
    Opening("F-1003", "medical_receptionist", RequestReason.SEASONAL, (0, 1, 2, 3), (13, 17)),
    Opening("F-1004", "medical_billing_assistant", RequestReason.ONGOING, (1, 3), (10, 14)),
    Opening("F-1005", "patient_care_coordinator", RequestReason.SURGE, (0, 1, 2, 3, 4), (12, 15), 2, 2, language="es"),
    Opening("F-1006", "medical_admin_assistant", RequestReason.CALL_OFF, (0, 1), (9, 13), note="Our assistant is ill."),
    Opening("F-1007", "provider_support", RequestReason.LEAVE, (1, 2, 3), (8, 11)),
    Opening("F-1010", "telehealth_specialist", RequestReason.SEASONAL, (2, 3, 4), (14, 17)),
    Opening("F-1011", "dental_receptionist", RequestReason.SURGE, (0, 3), (13, 16)),
    # Nobody on the roster is a licensed nurse who speaks Haitian Creole.
    Opening("F-1002", "telephone_triage", RequestReason.SURGE, (4, 5), (17, 20), skills=("nursing_licence",), language="ht"),
    # More people than know the system.
    Opening("F-1012", "dental_scribe", RequestReason.SEASONAL, (0, 1, 2, 3, 4), (9, 15), 6),
    # Nights in Alaska: those who are awake are at their cap or have never learnt the system.
    Opening("F-1009", "medical_scribe", RequestReason.CALL_OFF, (5, 6), (21, 23), skills=("coding_certificate",)),
)


async def add_openings(tx: Transaction, stage: Stage) -> None:
    first = stage.monday + timedelta(days=7)
    managers = {login.facility: login.email for login in LOGINS if login.facility}
    for number, opening in enumerate(OPENINGS):
        request = _request(stage, opening, f"R-{1101 + number}", first, stage.accounts[managers[opening.place]])
        tx.add(request)
        await tx.flush()
        tx.add_all(_windows(stage, opening, request))
    await tx.flush()


def _request(stage: Stage, opening: Opening, reference: str, first: date, manager: UUID) -> StaffingRequest:
    starts, ends = opening.hours
    return StaffingRequest(
        id=stage.dice.id(),
        facility_id=stage.facilities[opening.place],
        reference=reference,
        form_id=stage.dice.id(),
        service=opening.service,
        reason=opening.reason.value,
        starts_on=first,
        ends_on=first + timedelta(days=6),
        pattern=[[day, f"{starts:02}:00", f"{ends:02}:00"] for day in opening.weekdays],
        headcount=opening.headcount,
        max_coordinators=opening.share,
        skills=list(opening.skills),
        language=opening.language,
        ehr_system=place_of(opening.place).ehr_system,
        note=opening.note,
        priority=REASON_PRIORITY[opening.reason],
        submitted_by=manager,
        submitted_at=stage.now - timedelta(hours=stage.dice.whole(2, 70)),
    )


def _windows(stage: Stage, opening: Opening, request: StaffingRequest) -> Iterator[CoverageWindow]:
    """The week's windows. The hours lie in the day, where no clock change ever happens."""
    zone = ZoneInfo(place_of(opening.place).zone)
    days = [request.starts_on + timedelta(days=number) for number in range(7)]
    for day in (one for one in days if one.weekday() in opening.weekdays):
        start, end = (datetime.combine(day, time(hour), zone).astimezone(UTC) for hour in opening.hours)
        yield CoverageWindow(
            id=stage.dice.id(),
            facility_id=request.facility_id,
            request_id=request.id,
            during=Range(start, end),
            headcount=opening.headcount,
        )
