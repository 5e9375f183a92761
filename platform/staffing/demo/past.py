"""Four weeks of work as it was recorded: requests, assignments, entries with their stories."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import Range

from staffing.catalogue import SERVICE_BY_CODE, Activity
from staffing.demo.logins import LOGINS
from staffing.demo.stage import WEEKS_OF_PAST, Duty, Stage
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.scheduling.models import Assignment
from staffing.worklog.models import EntryEvent, WorkEntry

WEEKS_AHEAD = 2
NOTES: dict[Activity, tuple[str, ...]] = {
    Activity.TREATMENT_PLAN: ("Booked the follow-up and sent the preparation sheet", "Moved two tests to the same morning"),
    Activity.RECORDS: ("Requested outside records and filed them", "Reconciled the medication list with the pharmacy"),
    Activity.PATIENT_FAMILY: ("Went through the instructions and heard them back", "Called the daughter with the new date"),
    Activity.CARE_TEAM: ("Asked the clinician about the dose and noted the answer", "Prepared the huddle list"),
    Activity.INSURANCE_APPROVAL: ("Submitted the authorization with the last two notes", "Checked benefits, reference noted"),
    Activity.FOLLOW_UP: ("Asked how the week went, no new symptoms", "Reminded about the visit, transport is arranged"),
}
DUTIES = tuple(NOTES)
BY_HAND = ("The timer was not running when the patient called.", "Recorded after a power cut.")
DISPUTES = ("We had no appointment with this patient that day.", "This call was ended by us after five minutes.")


class Past:
    """Collects rows while duties are walked through, then writes them in a few statements."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.requests: list[dict[str, Any]] = []
        self.windows: list[dict[str, Any]] = []
        self.assignments: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self._reference = 1000
        self._manager = {login.facility: login for login in LOGINS if login.facility}
        self._dispatcher = next(stage.accounts[login.email] for login in LOGINS if login.role.value == "dispatcher")

    async def write(self, tx: Transaction) -> None:
        for kind, rows in (
            (StaffingRequest, self.requests),
            (CoverageWindow, self.windows),
            (Assignment, self.assignments),
            (WorkEntry, self.entries),
            (EntryEvent, self.events),
        ):
            await tx.execute(insert(kind), rows)

    def serve(self, duty: Duty) -> None:
        """The standing need, covered by its coordinator, with the work recorded so far."""
        first = self.stage.monday - timedelta(weeks=WEEKS_OF_PAST)
        days = 7 * (WEEKS_OF_PAST + WEEKS_AHEAD)
        request_id = self._request(duty, first, days)
        for start, end in duty.windows(first, days):
            window_id = self._window(duty, request_id, start, end)
            self._assign(duty, request_id, window_id, start, end)
            self._work(duty, start, end)

    def _request(self, duty: Duty, first: Any, days: int) -> UUID:
        self._reference += 1
        request_id = self.stage.dice.id()
        manager = self._manager[duty.place.reference]
        self.requests.append(
            {
                "id": request_id,
                "facility_id": self.stage.facilities[duty.place.reference],
                "reference": f"R-{self._reference}",
                "form_id": self.stage.dice.id(),
                "service": duty.service,
                "level": 1,
                "reason": "ongoing",
                "starts_on": first,
                "ends_on": first + timedelta(days=days - 1),
                "pattern": [[day, f"{duty.starts:%H:%M}", f"{duty.ends:%H:%M}"] for day in duty.weekdays],
                "headcount": 1,
                "max_coordinators": 1,
                "skills": [],
                "language": "en",
                "ehr_system": duty.place.ehr_system,
                "note": "",
                "priority": 3,
                "state": "open",
                "submitted_by": self.stage.accounts[manager.email],
                "submitted_at": self.stage.now - timedelta(weeks=WEEKS_OF_PAST, days=9),
                "closed_reason": "",
                "version": 1,
            }
        )
        return request_id

    def _window(self, duty: Duty, request_id: UUID, start: datetime, end: datetime) -> UUID:
        window_id = self.stage.dice.id()
        self.windows.append(
            {
                "id": window_id,
                "facility_id": self.stage.facilities[duty.place.reference],
                "request_id": request_id,
                "during": Range(start, end),
                "headcount": 1,
                "cancelled": False,
            }
        )
        return window_id

    def _assign(self, duty: Duty, request_id: UUID, window_id: UUID, start: datetime, end: datetime) -> None:
        self.assignments.append(
            {
                "id": self.stage.dice.id(),
                "facility_id": self.stage.facilities[duty.place.reference],
                "request_id": request_id,
                "window_id": window_id,
                "coordinator_id": self.stage.coordinators[duty.person.reference],
                "during": Range(start, end),
                "seat": 1,
                "state": "confirmed",
                "created_by": self._dispatcher,
                "created_at": self.stage.now - timedelta(weeks=WEEKS_OF_PAST, days=7),
                "ended_reason": "",
            }
        )

    def _work(self, duty: Duty, start: datetime, end: datetime) -> None:
        """Entries of six to forty minutes until the window ends or the demo's present is reached."""
        dice, now = self.stage.dice, self.stage.now
        cursor = start + timedelta(minutes=dice.whole(0, 6))
        while cursor < end:
            stop = min(cursor + timedelta(minutes=dice.whole(6, 40), seconds=dice.whole(0, 59)), end)
            # The last half hour stays free: whoever tries the demo starts a timer there.
            if stop > now - timedelta(minutes=30) or stop - cursor < timedelta(minutes=4):
                return
            self._entry(duty, cursor, stop)
            cursor = stop + timedelta(minutes=dice.whole(0, 9))

    def _entry(self, duty: Duty, start: datetime, end: datetime) -> None:
        stage, dice = self.stage, self.stage.dice
        activity = dice.one(DUTIES)
        state = self._state(end)
        linked = SERVICE_BY_CODE[duty.service].patient_linked
        # A few entries were typed in afterwards: those are what an approver is asked to look at.
        by_hand = dice.chance(3)
        entry_id = dice.id()
        submitted, decided = self._handled(state, end)
        manager = self._manager[duty.place.reference]
        dispute = dice.one(DISPUTES) if state == "disputed" else ""
        ids = {
            "facility_id": stage.facilities[duty.place.reference],
            "coordinator_id": stage.coordinators[duty.person.reference],
        }
        self.entries.append(
            {
                "id": entry_id,
                **ids,
                "patient_id": dice.one(stage.patients[duty.place.reference]) if linked else None,
                "service": duty.service,
                "activity": activity.value,
                "note": dice.one(NOTES[activity]) + ".",
                "during": Range(start, end),
                "state": state,
                "source": "manual" if by_hand else "timer",
                "manual_reason": dice.one(BY_HAND) if by_hand else "",
                "performed_from_country": duty.person.base.country,
                "dispute_reason": dispute,
                "created_at": start,
                "submitted_at": submitted,
                "decided_at": decided,
                "decided_by": stage.accounts[manager.email] if decided else None,
                "version": 1,
            }
        )
        story = [("added", end, duty.person.name, "")] if by_hand else _timed(duty, start, end)
        if submitted:
            story.append(("submitted", submitted, duty.person.name, ""))
        if decided:
            story.append((state, decided, manager.name, dispute))
        self.events += [
            {"id": dice.id(), **ids, "entry_id": entry_id, "happened_at": at, "actor": actor, "step": step, "reason": reason}
            for step, at, actor, reason in story
        ]

    def _handled(self, state: str, end: datetime) -> tuple[datetime | None, datetime | None]:
        """When an entry was submitted and when it was decided: some hours and days after the work, never in the future."""
        dice, now = self.stage.dice, self.stage.now
        submitted = decided = None
        if state != "draft":
            submitted = min(end + timedelta(hours=dice.whole(1, 20)), now - timedelta(minutes=5))
        if state in ("approved", "disputed"):
            decided = min(end + timedelta(days=dice.whole(1, 3)), now - timedelta(minutes=2))
        return submitted, decided

    def _state(self, end: datetime) -> str:
        """Old work is approved; last week's waits in part; this week's is being recorded."""
        week_starts = datetime(*self.stage.monday.timetuple()[:3], 5, tzinfo=end.tzinfo)
        if end < week_starts - timedelta(weeks=1):
            return "approved"
        if end < week_starts:
            if self.stage.dice.chance(1):
                return "disputed"
            return "approved" if self.stage.dice.chance(70) else "submitted"
        if end > self.stage.now - timedelta(days=2):
            return "draft"
        return "approved" if self.stage.dice.chance(40) else "submitted"


def _timed(duty: Duty, start: datetime, end: datetime) -> list[tuple[str, datetime, str, str]]:
    return [("started", start, duty.person.name, ""), ("stopped", end, duty.person.name, "")]
