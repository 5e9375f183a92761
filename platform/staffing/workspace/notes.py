"""The note and the duty of an entry as a small form, and the choice of a patient with the facility beside every name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from staffing.care.queries import PatientRow
from staffing.catalogue import ACTIVITY_NAMES
from staffing.errors import NotFound
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Field, Typed
from staffing.web.zones import TwoZones, two_zones
from staffing.worklog.cover import Cover
from staffing.worklog.lifecycle import EDITABLE
from staffing.worklog.rows import EntryRow

ACTIVITIES: tuple[tuple[str, str], ...] = tuple((code.value, name) for code, name in ACTIVITY_NAMES.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """An entry in a list of the coordinator's own, with its form where it is still theirs to write."""

    entry: EntryRow
    times: TwoZones
    activity: Field
    note: Field
    editable: bool

    @property
    def key(self) -> str:
        """Sets the controls of this row apart from those of the others."""
        return str(self.entry.id)


def line(
    row: EntryRow,
    zone: str,
    sent: Typed | None = None,
    errors: Mapping[str, str] | None = None,
    *,
    named: bool = True,
    with_day: bool = False,
) -> EntryLine:
    """`sent`: what was typed into this row's form and refused. `named`: times carry the reader's zone, `with_day` the day."""
    form = sent or Typed.of(activity=row.activity, note=row.note)
    return EntryLine(
        entry=row,
        times=two_zones(row.start, row.end, zone, row.facility_zone, named=named, with_day=with_day),
        activity=form.field("activity", "Activity", errors=errors, options=ACTIVITIES, required=True),
        note=form.field("note", "What you did", errors=errors, required=True),
        editable=row.state in EDITABLE,
    )


def who_options(patients: Iterable[PatientRow], covers: Iterable[Cover]) -> list[tuple[str, str]]:
    """One choice for facility and patient together, so that they always belong together: `facility:patient`, or `facility:`."""
    choices = [
        (f"{row.facility_id}:{row.id}", f"{row.family_name}, {row.preferred_name or row.given_name} · {row.facility_name}")
        for row in patients
    ]
    places = {cover.facility_id: cover.facility_name for cover in covers}
    return [*choices, *((f"{place}:", f"No patient · {name}") for place, name in places.items())]


def who_of(choice: str) -> tuple[UUID, UUID | None]:
    """The facility and the patient behind a choice. Raises `NotFound` for what is none."""
    facility, _, patient = choice.partition(":")
    try:
        return UUID(facility), UUID(patient) if patient else None
    except ValueError:
        raise NotFound from None


def note_names_shown(tx: Transaction, principal: Principal, rows: Sequence[EntryRow], page: str) -> None:
    """One line in each facility's access log: so many entries with its patients were on this page."""
    named = [row.facility_id for row in rows if row.patient_id is not None]
    for place in set(named):
        detail = f"{page}: {named.count(place)} entries"
        audit.note(tx, "entry.list", "coordinator", principal.own_coordinator_id(), facility_id=place, detail=detail)
