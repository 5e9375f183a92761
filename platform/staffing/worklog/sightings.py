"""What an approver saw, as a short mark in the form: only content that was seen can be approved. Pure.

A sighting holds one digest for each part that an approver reads. When an entry reads differently by the time the form arrives,
comparing the digests names the parts that changed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

_PARTS = ("the time", "the patient", "the service", "the activity", "the note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an approver reads and pays for."""

    start: datetime
    end: datetime | None
    patient_id: UUID | None
    service: str
    activity: str | None
    note: str


def sighting(content: Content) -> str:
    """The mark of what an entry says now."""
    return ".".join(_digests(content))


def changes(seen: str, content: Content) -> tuple[str, ...]:
    """Which parts read differently now, in words; all of them for a mark that is none."""
    before, now = seen.split("."), _digests(content)
    if len(before) != len(now):
        return _PARTS
    return tuple(part for part, old, new in zip(_PARTS, before, now, strict=True) if old != new)


def _digests(content: Content) -> list[str]:
    span = f"{content.start.timestamp()}–{content.end.timestamp() if content.end else ''}"
    parts = (span, str(content.patient_id or ""), content.service, content.activity or "", content.note)
    return [hashlib.sha256(part.encode()).hexdigest()[:16] for part in parts]
