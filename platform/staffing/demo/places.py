"""The twelve invented facilities, in five time zones of the United States."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    reference: str
    name: str
    initials: str
    city: str
    state: str
    zone: str
    line: str
    ehr_system: str
    offshore: bool
    """Whether its contract lets people abroad work with its patients' data."""
    rounding_minutes: int = 0


PLACES = (
    Place("F-1001", "Northside Family Medicine", "NF", "Columbus", "OH", "America/New_York", "medical", "epic", True),
    Place("F-1002", "Southlake Heart Clinic", "SH", "Austin", "TX", "America/Chicago", "medical", "athena", True),
    Place("F-1003", "Harborview Internal Medicine", "HI", "Portland", "ME", "America/New_York", "medical", "ecw", False),
    Place("F-1004", "Prairie Kidney Center", "PK", "Omaha", "NE", "America/Chicago", "medical", "epic", True, 6),
    Place("F-1005", "Mile High Pediatrics", "MP", "Denver", "CO", "America/Denver", "medical", "athena", True),
    Place("F-1006", "Saguaro Primary Care", "SP", "Mesa", "AZ", "America/Phoenix", "medical", "nextgen", True),
    Place("F-1007", "Golden Gate Neurology", "GN", "Oakland", "CA", "America/Los_Angeles", "medical", "epic", True, 15),
    Place("F-1008", "Cascade Womens Health", "CW", "Salem", "OR", "America/Los_Angeles", "medical", "ecw", False),
    Place("F-1009", "Northern Lights Clinic", "NL", "Juneau", "AK", "America/Anchorage", "medical", "cerner", True),
    Place("F-1010", "Lakeshore Pulmonary Group", "LP", "Milwaukee", "WI", "America/Chicago", "medical", "cerner", True),
    Place("F-1011", "Bluegrass Family Dental", "BD", "Lexington", "KY", "America/New_York", "dental", "dentrix", True),
    Place("F-1012", "Rocky Mountain Dental Arts", "RD", "Boise", "ID", "America/Denver", "dental", "eaglesoft", True),
)
