"""What the parts of the demo hand to each other while it is being invented."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from staffing.demo.dice import Dice
from staffing.demo.people import DemoCoordinator
from staffing.demo.places import Place

WEEKS_OF_PAST = 4


@dataclass(slots=True)
class Stage:
    """Ids of what was made so far, and the day the demo stands at."""

    now: datetime
    dice: Dice
    accounts: dict[str, UUID] = field(default_factory=dict)
    """By e-mail."""
    facilities: dict[str, UUID] = field(default_factory=dict)
    """By reference, like all below."""
    coordinators: dict[str, UUID] = field(default_factory=dict)
    patients: dict[str, list[UUID]] = field(default_factory=dict)
    duties: list["Duty"] = field(default_factory=list)

    @property
    def monday(self) -> date:
        """The Monday of this week, in the agency's zone."""
        today = self.now.astimezone(ZoneInfo("America/New_York")).date()
        return today - timedelta(days=today.weekday())


@dataclass(frozen=True, slots=True)
class Duty:
    """A standing need of a facility and the coordinator who has served it: a weekly pattern in the facility's zone."""

    place: Place
    person: DemoCoordinator
    service: str
    weekdays: tuple[int, ...]
    starts: time
    ends: time

    def windows(self, first: date, days: int) -> list[tuple[datetime, datetime]]:
        """The dated windows, in UTC. The hours lie in the day, where no clock change ever happens."""
        zone = ZoneInfo(self.place.zone)
        found = []
        for offset in range(days):
            day = first + timedelta(days=offset)
            if day.weekday() in self.weekdays:
                start = datetime.combine(day, self.starts, zone).astimezone(UTC)
                end = datetime.combine(day, self.ends, zone).astimezone(UTC)
                found.append((start, end))
        return found
