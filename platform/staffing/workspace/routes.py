"""All pages of the workspace and their entries in the rail."""

from typing import Any

from staffing.identity.permissions import Permission
from staffing.web.pages import NavItem
from staffing.workspace import entries, patients, schedule, timer, today, week

NAVIGATION: tuple[NavItem, ...] = (
    NavItem("Today", "/workspace", "sun", Permission.WORKSPACE_ENTRIES_READ),
    NavItem("Schedule", "/workspace/schedule", "calendar-clock", Permission.WORKSPACE_SCHEDULE_READ),
    NavItem("Week", "/workspace/week", "calendar-days", Permission.WORKSPACE_ENTRIES_READ),
    NavItem("Patients", "/workspace/patients", "users", Permission.WORKSPACE_PATIENTS_READ),
)
HANDLERS: list[Any] = [
    *today.HANDLERS,
    *timer.HANDLERS,
    *entries.HANDLERS,
    *schedule.HANDLERS,
    *week.HANDLERS,
    *patients.HANDLERS,
]
