"""Steps that nobody takes: time passes, webhooks come, come twice or not at all, workers work and die, Stripe is out of order."""

from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from support.history.telling import WHICH, Telling

from staffing.dunning.jobs import LOOK
from staffing.payments import back_filling, names

TROUBLE = st.sampled_from(
    [
        "a worker dies", "a worker dies", "an answer is lost",
        "timeout_before", "timeout_after", "error_before", "error_after", "rate_limit", "lock",
    ]
)  # fmt: skip
"""The last six are the sandbox's own faults."""
PATHS = st.sampled_from(["/v1/invoices", "/v1/invoices/in_", "/v1/refunds", "/v1/credit_notes", "/v1/customers"])
CHANGES = (date(2026, 3, 8), date(2026, 11, 1), date(2027, 3, 14), date(2027, 11, 7))
"""When the clocks change in America, at two in the night."""


class Happening(Telling):
    """Time, the network, the machines."""

    told: set[str]
    """Events that reached us."""
    lost: set[str]
    """Events whose webhook never comes."""

    @rule(how=st.sampled_from(["hours", "hours", "days", "the month ends", "the clocks change"]), much=st.integers(1, 9))
    def time_passes(self, how: str, much: int) -> None:
        length = {"hours": timedelta(hours=3 * much), "days": timedelta(days=much)}.get(how)
        if how == "the month ends":
            # To the first of next month, in the morning in New York.
            first = (self.now.date().replace(day=1) + timedelta(days=32)).replace(day=1)
            length = datetime.combine(first, time(13), self.now.tzinfo) - self.now
        change = self._next_change()
        if how == "the clocks change" and change is not None:
            length = max(change + timedelta(hours=much - 6) - self.now, timedelta(minutes=30))
        self.stage.pass_time(length or timedelta(minutes=30))
        self.count("time passes", how if length else "a little")

    @precondition(lambda self: self._coming() or self.told)
    @rule(how=st.sampled_from(["comes", "comes", "comes again", "is lost"]), which=WHICH)
    def a_webhook(self, how: str, which: int) -> None:
        """Any of those on the way: the last may be the first."""
        if how == "comes again":
            some = [event for event in self.stage.events if event["id"] in self.told][-12:]
        else:
            some = self._coming()
        if some and how == "is lost":
            self.lost.add(self.pick(some, which)["id"])
            self.count("a webhook", how)
        elif some:
            self._deliver(self.pick(some, which), f"a webhook {how}")

    @precondition(lambda self: self._coming())
    @rule(backwards=st.booleans())
    def all_webhooks_come(self, backwards: bool) -> None:
        for event in reversed(self._coming()) if backwards else self._coming():
            self._deliver(event, "all webhooks, backwards" if backwards else "all webhooks")
        self.stage.do(self.stage.work_off())

    @precondition(lambda self: self.seen.jobs or self.stage.later)
    @rule(most=st.integers(1, 6))
    def a_worker_works(self, most: int) -> None:
        for kind in self.stage.do(self.stage.work_off(most)):
            self.count("job", kind)

    @precondition(lambda self: self.seen.jobs)
    @rule(kind=TROUBLE, path=PATHS, uses=st.integers(1, 2))
    def trouble(self, kind: str, path: str, uses: int) -> None:
        """While workers work: one dies, a connection breaks after what was said has arrived, Stripe is out of order."""
        if kind == "a worker dies":
            self.stage.do(self.stage.die_at_work())
        elif kind == "an answer is lost":
            self.stage.sandbox.lose = 0
            self.stage.do(self.stage.work_off(2))
            self.stage.sandbox.lose = -1
        else:
            self.stage.do(self.stage.sandbox.fault(kind, path, uses))
            self.stage.do(self.stage.work_off(3))
        self.count("trouble", kind)

    @precondition(lambda self: self._something_is_missing())
    @rule(which=st.sampled_from(["janitor", "back-fill", "reminders"]))
    def what_comes_by_itself(self, which: str) -> None:
        """The jobs that the worker's clock begins."""
        if which == "janitor":
            self.stage.pass_time(timedelta(minutes=6))
            self.stage.do(self.stage.enqueue(names.LOOK_AFTER))
        elif which == "back-fill":
            self.stage.do(self._back_fill())
        else:
            self.stage.do(self.stage.enqueue(LOOK))
        self.stage.do(self.stage.work_off())
        self.count("by itself", which)

    def calm_down(self) -> None:
        """Everything arrives: Stripe answers again, the janitor and the back-fill come round, workers are up."""
        self.stage.do(self._clear_faults())
        self.stage.do(self.stage.work_off())
        # What is older is looked at each hour and each day only: at the hour, at midnight.
        midnight = (self.now + timedelta(days=1)).replace(hour=0, minute=1, second=0, microsecond=0)
        for moment in (self.now + timedelta(minutes=20), midnight):
            self.stage.pass_time(moment - self.now)
            self.stage.do(self.stage.enqueue(names.LOOK_AFTER))
            self.stage.do(self._back_fill())
            self.stage.do(self.stage.work_off())
        self.stage.pass_time(timedelta(minutes=20))
        for _ in range(8):
            self.seen = self.stage.do(self.stage.look())
            # A bank debit takes four business days, and holds up what corrects its invoice.
            if not any(one.state == "processing" for one in self.seen.payments):
                break
            self.stage.pass_time(midnight + timedelta(days=1) - self.now)
            midnight += timedelta(days=1)
            self.stage.do(self._back_fill())
            self.stage.do(self.stage.work_off())
            self.stage.do(self.stage.enqueue(names.LOOK_AFTER))
            self.stage.do(self.stage.work_off())
        # What was due at the bank by now is told, too; from here on no time passes.
        self.stage.do(self._back_fill())
        self.stage.do(self.stage.work_off())

    def _next_change(self) -> datetime | None:
        ahead = [datetime.combine(day, time(7), self.now.tzinfo) for day in CHANGES]
        return next((one for one in ahead if timedelta(hours=8) < one - self.now < timedelta(days=12)), None)

    def _something_is_missing(self) -> bool:
        return bool(self.lost or self.seen.invoices_in("finalized", "sent"))

    def _coming(self) -> list[Any]:
        return [event for event in self.stage.events if event["id"] not in self.told | self.lost]

    def _deliver(self, event: Any, what: str) -> None:
        status = self.stage.do(self.stage.post_webhook(event))
        assert status == 200, f"the webhook {event['type']} was answered with {status}"
        self.told.add(event["id"])
        self.count(what, "done")

    async def _back_fill(self) -> None:
        self.told |= set(await back_filling.back_fill(self.stage.database, self.stage.sandbox.gateway))

    async def _clear_faults(self) -> None:
        async with self.stage.sandbox.client() as http:
            await http.delete("/_control/faults")
