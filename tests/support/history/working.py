"""Steps before the money: asking, assigning, calling off, recording, submitting, approving, disputing, settling."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from support.history.telling import WHICH, Telling

from staffing import clock
from staffing.catalogue import RequestReason
from staffing.invoicing import charge_jobs
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.requests import service as requests
from staffing.requests.errors import ClockAsked
from staffing.requests.service import NewRequest
from staffing.requests.weekly import DAY_MINUTES, WeeklyInterval
from staffing.scheduling import applying, calling_off
from staffing.scheduling.call_off_rules import CallOffReason, Reach
from staffing.scheduling.calling_off import NewCallOff
from staffing.scheduling.models import Plan, PlanChoice
from staffing.worklog import service as worklog
from staffing.worklog.models import WorkEntry
from staffing.worklog.recording import Work
from staffing.worklog.rules import Span, local_day, monday_of
from staffing.worklog.sightings import Content, sighting

PLACES = st.sampled_from(["north", "north", "south"])
PEOPLE = st.sampled_from(["maria", "maria", "joseph"])
SERVICES = st.sampled_from(["patient_care_coordinator", "patient_care_coordinator", "prior_authorization"])
HOURS = st.integers(1, 8)


class Working(Telling):
    """What facilities, dispatchers and coordinators do."""

    @rule(place=PLACES, ahead=st.integers(0, 60), hours=HOURS, heads=st.sampled_from([1, 1, 2]), service=SERVICES)
    def ask_for_relief(self, place: str, ahead: int, hours: int, heads: int, service: str) -> None:
        self.attempt("ask for relief", self._ask(place, self.now + timedelta(hours=ahead), hours, heads, service))

    @precondition(lambda self: self.seen.windows)
    @rule(which=WHICH, who=PEOPLE)
    def assign(self, which: int, who: str) -> None:
        self.attempt("assign", self._assign(self.pick(self.seen.windows, which), who))

    @precondition(lambda self: self.seen.ahead)
    @rule(which=WHICH)
    def cancel_request(self, which: int) -> None:
        self.attempt("cancel request", self._cancel(self.pick(self.seen.ahead, which)))

    @precondition(lambda self: self._can_be_called_off())
    @rule(which=WHICH, reach=st.sampled_from([Reach.THIS, Reach.DAY]), themselves=st.booleans())
    def call_off(self, which: int, reach: Reach, themselves: bool) -> None:
        one = self.pick(self._can_be_called_off(), which)
        who = self.stage.coordinator(one.coordinator_id) if themselves else "dora"
        self.attempt("call off", self._call_off(one.id, who, reach))

    @precondition(lambda self: self.seen.call_offs)
    @rule(which=WHICH)
    def come_after_all(self, which: int) -> None:
        self.attempt("come after all", self._withdraw_call_off(self.pick(self.seen.call_offs, which).id))

    @precondition(lambda self: self._begun() or self.seen.entries_in("running"))
    @rule(which=WHICH, hours=st.integers(1, 4))
    def press_timer(self, which: int, hours: int) -> None:
        if running := self.seen.entries_in("running"):
            self.attempt("stop timer", self._stop_timer(self.pick(running, which), hours))
        else:
            one = self.pick(self._begun(), which)
            self.attempt("start timer", self._start_timer(self.stage.coordinator(one.coordinator_id), one))

    @precondition(lambda self: self._begun())
    @rule(
        which=WHICH,
        minutes=st.sampled_from([7, 30, 60, 90, 240, 600]),
        pause=st.sampled_from([0, 0, 10, 600]),
        said=st.booleans(),
    )
    def log_work(self, which: int, minutes: int, pause: int, said: bool) -> None:
        one = self.pick(self._begun(), which)
        self.attempt("log work", self._log(one, timedelta(minutes=minutes), timedelta(minutes=pause), said=said))

    @precondition(lambda self: self.seen.entries_in("draft", "submitted"))
    @rule(which=WHICH, how=st.sampled_from(["describe", "edit", "edit", "take back"]), minutes=st.sampled_from([5, 45, 180]))
    def correct_work(self, which: int, how: str, minutes: int) -> None:
        one = self.pick(self.seen.entries_in("draft", "submitted"), which)
        steps = {"describe": self._describe, "take back": self._take_back}
        done = self._edit(one, timedelta(minutes=minutes)) if how == "edit" else steps[how](one)
        self.attempt(f"{how} {one.state} work", done)

    @precondition(lambda self: self.seen.entries_in("draft"))
    @rule(which=WHICH)
    def submit(self, which: int) -> None:
        self.attempt("submit", self._submit(self.pick(self.seen.entries_in("draft"), which)))

    @precondition(lambda self: self.seen.entries_in("submitted"))
    @rule(which=WHICH, everything=st.booleans())
    def approve(self, which: int, everything: bool) -> None:
        self.attempt("approve", self._approve(self.pick(self.seen.entries_in("submitted"), which), everything=everything))

    @precondition(lambda self: self._just_approved())
    @rule(which=WHICH)
    def undo_approval(self, which: int) -> None:
        self.attempt("undo approval", self._undo(self.pick(self._just_approved(), which)))

    @precondition(lambda self: self.seen.entries_in("submitted", "approved", "invoiced"))
    @rule(which=WHICH)
    def dispute_work(self, which: int) -> None:
        one = self.pick(self.seen.entries_in("submitted", "approved", "invoiced"), which)
        self.attempt(f"dispute {one.state} work", self._dispute(one))

    @precondition(lambda self: self._disputed())
    @rule(which=WHICH, how=st.sampled_from(["withdraw", "keep", "write off"]))
    def settle_dispute(self, which: int, how: str) -> None:
        """The facility takes it back, or the agency decides."""
        one = self.pick(self._disputed(), which)
        work = self._withdraw_dispute(one) if how == "withdraw" else self._settle(one, keep=how == "keep")
        self.attempt(f"settle dispute: {how}", work)

    @rule(place=PLACES, hours=HOURS, service=SERVICES)
    def a_day_of_work(self, place: str, hours: int, service: str) -> None:
        """All of the above once, as on a day on which nothing goes wrong: what there is to invoice must not be rare."""
        who = "maria" if place == "south" else self.pick(["maria", "joseph"], hours)
        asked = self.attempt("a day: ask", self._ask(place, self.now + timedelta(hours=1), hours, 1, service))
        self.seen = self.stage.do(self.stage.look())
        windows = [one for one in self.seen.windows if one.request_id == asked]
        if not windows or self.attempt("a day: assign", self._assign(windows[0], who)) is None:
            return
        self.stage.pass_time(timedelta(hours=hours + 2))
        self.seen = self.stage.do(self.stage.look())
        mine = [
            one for one in self.seen.assignments if one.start == windows[0].start and one.facility_id == windows[0].facility_id
        ]
        for one in mine[-1:]:
            logged = self.attempt("a day: log", self._log(one, timedelta(hours=12), timedelta(), said=True))
            for entry in logged or ():
                self.attempt("a day: submit", self._submit(entry))
                self.attempt("a day: approve", self._approve(entry, everything=False))

    def _can_be_called_off(self) -> list[Any]:
        return [one for one in self.seen.assignments if one.state == "confirmed" and one.end > self.now]

    def _begun(self) -> list[Any]:
        since = self.now - timedelta(days=5)
        return [one for one in self.seen.assignments if since < one.start < self.now]

    def _just_approved(self) -> list[Any]:
        return [one for one in self.seen.entries_in("approved") if self.now - one.decided_at < timedelta(minutes=30)]

    def _disputed(self) -> list[Any]:
        return [one for one in self.seen.entries if one.state == "disputed" or one.disputed_at]

    async def _ask(self, place: str, at: datetime, hours: int, heads: int, service: str) -> UUID:
        facility_id = self.place(place)
        local = at.astimezone(self.zone_of(facility_id)).replace(minute=0)
        first = local.hour * 60
        wanted = NewRequest(
            form_id=new_id(), facility_id=facility_id, service=service, reason=RequestReason.SURGE, starts_on=local.date(),
            ends_on=local.date(), pattern=(WeeklyInterval(local.weekday(), first, min(first + hours * 60, DAY_MINUTES)),),
            headcount=heads, ehr_system="epic",
        )  # fmt: skip
        answers: dict[str, str] = {}
        while True:
            try:
                async with self.stage.as_(self.stage.manager_of(facility_id)) as (tx, caller):
                    return (await requests.submit_request(tx, caller, replace(wanted, clock_answers=answers))).id
            except ClockAsked as asked:
                answers = {one.key: "later" for one in asked.questions}
                self.count("ask for relief", "clock asked")

    async def _assign(self, window: Any, who: str) -> bool:
        """A plan with this one choice is applied, which looks at every rule again. The choice is ours and not the solver's,
        who may find another one the next time.
        """
        async with self.stage.database.transaction(SYSTEM) as tx:
            number = (await tx.scalar(select(func.coalesce(func.max(Plan.number), 0)))) + 1
            plan = Plan(
                id=new_id(), number=number, state="proposed", horizon=Range(self.now, self.now + timedelta(days=7)),
                time_limit_seconds=5, requested_by=self.stage.world.dora, requested_at=clock.now(),
            )  # fmt: skip
            tx.add(plan)
            await tx.flush()
            choice = PlanChoice(
                id=new_id(), plan_id=plan.id, facility_id=window.facility_id, window_id=window.id,
                coordinator_id=self.place(who), why={"sentences": ["Is free."], "knows_facility": True},
            )  # fmt: skip
            tx.add(choice)
        async with self.stage.as_("dora") as (tx, caller):
            return bool(await applying.apply_plan(tx, caller, plan.id))

    async def _cancel(self, request: Any) -> None:
        async with self.stage.as_(self.stage.manager_of(request.facility_id)) as (tx, caller):
            await requests.cancel_request(tx, caller, request.id, "We closed that day.")
            await charge_jobs.soon(tx, request.facility_id)

    async def _call_off(self, assignment_id: UUID, who: str, reach: Reach) -> None:
        async with self.stage.as_(who) as (tx, caller):
            await calling_off.call_off(
                tx, caller, NewCallOff(assignment_id=assignment_id, reach=reach, reason=CallOffReason.ILLNESS)
            )

    async def _withdraw_call_off(self, call_off_id: UUID) -> None:
        async with self.stage.as_("dora") as (tx, caller):
            await calling_off.withdraw(tx, caller, call_off_id)

    async def _start_timer(self, who: str, assignment: Any) -> None:
        async with self.stage.as_(who) as (tx, caller):
            await worklog.start_timer(tx, caller, assignment.facility_id, service=assignment.service)

    async def _stop_timer(self, entry: Any, hours: int) -> None:
        async with self.stage.as_(self.stage.coordinator(entry.coordinator_id)) as (tx, caller):
            await worklog.stop_timer(tx, caller, min(entry.start + timedelta(hours=hours), self.now))

    async def _log(self, assignment: Any, length: timedelta, pause: timedelta, *, said: bool) -> list[Any]:
        """Work after what is recorded of this assignment already, to the end of it or until now at most."""
        mine = [one for one in self.seen.entries if one.coordinator_id == assignment.coordinator_id and one.end]
        after = [one.end for one in mine if assignment.start < one.end < assignment.end]
        start = max([assignment.start, *after]) + pause
        end = min(start + length, assignment.end, self.now)
        work = Work(
            facility_id=assignment.facility_id,
            patient_id=self.stage.world.rosa if assignment.facility_id == self.stage.world.north else self.stage.world.tom,
            service=assignment.service,
            activity="insurance_approval" if said else None,
            note="Called the payer." if said else "",
        )
        async with self.stage.as_(self.stage.coordinator(assignment.coordinator_id)) as (tx, caller):
            return await worklog.add_entry(tx, caller, work, Span(start, end), "The timer was not on.")

    async def _describe(self, entry: Any) -> None:
        async with self.stage.as_(self.stage.coordinator(entry.coordinator_id)) as (tx, caller):
            await worklog.describe(tx, caller, entry.id, activity="follow_up", note="Called the patient back.")

    async def _edit(self, entry: Any, length: timedelta) -> None:
        """What is submitted is withdrawn first; then another time takes its place."""
        work = Work(
            facility_id=entry.facility_id, service=entry.service, activity=entry.activity or "follow_up", note="As corrected."
        )
        async with self.stage.as_(self.stage.coordinator(entry.coordinator_id)) as (tx, caller):
            if entry.state == "submitted":
                await worklog.withdraw(tx, caller, entry.id)
            span = Span(entry.start, min(entry.start + length, self.now))
            await worklog.add_entry(tx, caller, work, span, "It was another length.", instead_of=entry.id)

    async def _take_back(self, entry: Any) -> None:
        async with self.stage.as_(self.stage.coordinator(entry.coordinator_id)) as (tx, caller):
            await worklog.take_back(tx, caller, entry.id)

    async def _submit(self, entry: Any) -> None:
        start = entry.start if hasattr(entry, "start") else entry.during.lower
        async with self.stage.as_(self.stage.coordinator(entry.coordinator_id)) as (tx, caller):
            await worklog.submit_week(tx, caller, monday_of(local_day(start, caller.time_zone)))

    async def _approve(self, entry: Any, *, everything: bool) -> None:
        async with self.stage.as_(self.stage.manager_of(entry.facility_id)) as (tx, caller):
            rows = await self.stage.system(lambda tx: _submitted(tx, entry.facility_id))
            seen = [(one.id, _mark(one)) for one in rows if everything or one.id == entry.id]
            await worklog.approve(tx, caller, seen)

    async def _undo(self, entry: Any) -> None:
        async with self.stage.as_(self.stage.manager_of(entry.facility_id)) as (tx, caller):
            await worklog.undo_approval(tx, caller, entry.decided_at)

    async def _dispute(self, entry: Any) -> None:
        async with self.stage.as_(self.stage.manager_of(entry.facility_id)) as (tx, caller):
            await worklog.dispute(tx, caller, entry.id, "That was not agreed.")

    async def _withdraw_dispute(self, entry: Any) -> None:
        async with self.stage.as_(self.stage.manager_of(entry.facility_id)) as (tx, caller):
            await worklog.withdraw_dispute(tx, caller, entry.id)

    async def _settle(self, entry: Any, *, keep: bool) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await worklog.resolve(tx, caller, entry.id, keep=keep, reason="We talked about it.")


async def _submitted(tx: Any, facility_id: UUID) -> list[Any]:
    found = await tx.scalars(
        select(WorkEntry).where(WorkEntry.facility_id == facility_id, WorkEntry.state == "submitted").order_by(WorkEntry.id)
    )
    return list(found)


def _mark(entry: Any) -> str:
    """What the approver's page showed."""
    content = Content(
        start=entry.during.lower, end=entry.during.upper, patient_id=entry.patient_id, service=entry.service,
        activity=entry.activity, note=entry.note,
    )  # fmt: skip
    return sighting(content)
