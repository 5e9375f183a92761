"""One work entry: its note and duty while it is a draft, its story, taking it back."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Typed, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other
from staffing.web.zones import TwoZones, two_zones
from staffing.worklog import flags, lifecycle, queries, service, wording
from staffing.worklog.lifecycle import Step
from staffing.worklog.rows import EntryRow
from staffing.workspace import new_entries
from staffing.workspace.notes import EntryLine, line
from staffing.workspace.timers import running


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage(Page):
    template: ClassVar[str] = "workspace/entry.html"
    surface: ClassVar[str] = "workspace"

    zone: str
    entry: EntryRow
    form: EntryLine
    times: TwoZones
    state_words: str
    story: tuple[tuple[str, str, str], ...]
    flags: tuple[str, ...]
    may_take_back: bool
    may_withdraw: bool


@get("/workspace/entries/{entry_id:uuid}", permission=Permission.WORKSPACE_ENTRIES_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[str]:
    return render(request, await _page(tx, principal, entry_id))


@post("/workspace/entries/{entry_id:uuid}", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def describe(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    sent = await typed(request)
    try:
        await service.describe(tx, principal, entry_id, activity=sent.text("activity"), note=sent.storable("note"))
    except Invalid as problem:
        return render(request, await _page(tx, principal, entry_id, sent, problem), status=422)
    return see_other(request, _back(sent), "Saved.")


@post("/workspace/entries/{entry_id:uuid}/take-back", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def take_back(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    await service.take_back(tx, principal, entry_id)
    return see_other(request, "/workspace", "The entry is taken back; its time is free again.")


@post("/workspace/entries/{entry_id:uuid}/withdraw", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def withdraw(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    await service.withdraw(tx, principal, entry_id)
    return see_other(request, f"/workspace/entries/{entry_id}", "It is a draft again. Correct it and submit it once more.")


async def _page(
    tx: Transaction, principal: Principal, entry_id: UUID, sent: Typed | None = None, problem: Invalid | None = None
) -> EntryPage:
    row = await queries.own_entry(tx, principal, entry_id)
    lines = await queries.story(tx, entry_id)
    audit.note(tx, "entry.read", "work_entry", entry_id, facility_id=row.facility_id, patient_id=row.patient_id)
    return EntryPage(
        title="Work entry",
        timer=await running(tx, principal),
        zone=principal.time_zone,
        entry=row,
        form=line(row, principal.time_zone, sent, problem.fields if problem else None),
        times=two_zones(row.start, row.end, principal.time_zone, row.facility_zone, with_day=True),
        state_words=lifecycle.STATE_WORDS[row.state],
        story=tuple(wording.story(lines, principal.time_zone)),
        flags=flags.reasons(row) if row.end else (),
        may_take_back=lifecycle.possible(row.state, Step.TAKEN_BACK),
        may_withdraw=lifecycle.possible(row.state, Step.WITHDRAWN),
    )


def _back(sent: Typed) -> str:
    """The page that the small form stood on."""
    asked = sent.text("back")
    return asked if asked in ("/workspace", "/workspace/week") or asked.startswith("/workspace/week?start=") else "/workspace"


HANDLERS: list[Any] = [show, describe, take_back, withdraw, *new_entries.HANDLERS]
