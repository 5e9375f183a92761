"""The fixed vocabulary of the business: services, duties, reasons, systems, languages.

The sixteen services and the six duties are the agency's offer; their categories follow the time mix that the agency measures
(direct contact with patients and families, administration and coordination, other).
"""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """Which share of a coordinator's time a piece of work belongs to."""

    DIRECT = "direct"
    ADMIN = "admin"
    OTHER = "other"


class ServiceLine(StrEnum):
    MEDICAL = "medical"
    DENTAL = "dental"


@dataclass(frozen=True, slots=True)
class Service:
    """One of the sixteen services: its stored code, what people read, its line and default time category."""

    code: str
    name: str
    line: ServiceLine
    category: Category
    summary: str
    patient_linked: bool = True


SERVICES: tuple[Service, ...] = (
    Service(
        "patient_care_coordinator",
        "Patient Care Coordinator",
        ServiceLine.MEDICAL,
        Category.DIRECT,
        "Keeps treatment plans, records, families, the care team and insurers in step for each patient.",
    ),
    Service(
        "prior_authorization",
        "Prior-Authorization",
        ServiceLine.MEDICAL,
        Category.ADMIN,
        "Collects what a payer asks for, submits it, watches the clock and appeals a denial.",
    ),
    Service(
        "medical_receptionist",
        "Medical Virtual Receptionist",
        ServiceLine.MEDICAL,
        Category.DIRECT,
        "Answers calls, books and confirms appointments, passes messages to the right person.",
    ),
    Service(
        "medical_admin_assistant",
        "Virtual Medical Administrative Assistant",
        ServiceLine.MEDICAL,
        Category.ADMIN,
        "Takes over records, forms, referrals and the daily paperwork of a practice.",
    ),
    Service(
        "medical_scribe",
        "Remote Medical Scribe",
        ServiceLine.MEDICAL,
        Category.ADMIN,
        "Writes the note while the clinician looks at the patient; the clinician signs it.",
    ),
    Service(
        "medical_billing_assistant",
        "Medical Billing Virtual Assistant",
        ServiceLine.MEDICAL,
        Category.ADMIN,
        "Prepares claims, follows up denials and posts payments.",
    ),
    Service(
        "executive_assistant",
        "Executive VA & Virtual Office Manager",
        ServiceLine.MEDICAL,
        Category.ADMIN,
        "Runs calendar, inbox, suppliers and staff matters of a practice's management.",
        patient_linked=False,
    ),
    Service(
        "provider_support",
        "Provider Support",
        ServiceLine.MEDICAL,
        Category.ADMIN,
        "Prepares charts and clears the tasks of one named clinician.",
    ),
    Service(
        "telehealth_specialist",
        "Telehealth Specialist",
        ServiceLine.MEDICAL,
        Category.DIRECT,
        "Checks devices before a video visit and gets patients into the room on time.",
    ),
    Service(
        "telephone_triage",
        "Telephone Triage",
        ServiceLine.MEDICAL,
        Category.DIRECT,
        "Licensed professionals take patients' calls and direct them to the right care.",
    ),
    Service(
        "remote_patient_monitoring",
        "Remote Patient Monitoring",
        ServiceLine.MEDICAL,
        Category.DIRECT,
        "Watches readings from home, speaks with patients, reports changes to the clinician.",
    ),
    Service(
        "dental_admin_assistant",
        "Virtual Dental Administrative Assistant",
        ServiceLine.DENTAL,
        Category.ADMIN,
        "Verifies dental plans and keeps the practice's records and forms in order.",
    ),
    Service(
        "dental_receptionist",
        "Dental Virtual Receptionist",
        ServiceLine.DENTAL,
        Category.DIRECT,
        "Answers the dental practice's phone, fills the book and calls patients back for recare.",
    ),
    Service(
        "dental_scribe",
        "Remote Dental Scribe",
        ServiceLine.DENTAL,
        Category.ADMIN,
        "Charts during the examination so that the dentist's hands stay free.",
    ),
    Service(
        "dental_billing_assistant",
        "Dental Billing Virtual Assistant",
        ServiceLine.DENTAL,
        Category.ADMIN,
        "Sends predeterminations and dental claims, follows up what is unpaid.",
    ),
    Service(
        "dental_executive_assistant",
        "Virtual Dental Executive Assistant",
        ServiceLine.DENTAL,
        Category.ADMIN,
        "Supports the owner of a dental practice with calendar, suppliers and reports.",
        patient_linked=False,
    ),
)
SERVICE_BY_CODE: dict[str, Service] = {service.code: service for service in SERVICES}


def service_name(code: str) -> str:
    """What people read for a service's code; a code that is not offered any more reads as its own words."""
    service = SERVICE_BY_CODE.get(code)
    return service.name if service else code.replace("_", " ")


class Activity(StrEnum):
    """The six duties of a patient care coordinator, and work that is none of them."""

    TREATMENT_PLAN = "treatment_plan"
    RECORDS = "records"
    PATIENT_FAMILY = "patient_family"
    CARE_TEAM = "care_team"
    INSURANCE_APPROVAL = "insurance_approval"
    FOLLOW_UP = "follow_up"
    OTHER = "other"


ACTIVITY_NAMES: dict[Activity, str] = {
    Activity.TREATMENT_PLAN: "Treatment plan",
    Activity.RECORDS: "Records and health history",
    Activity.PATIENT_FAMILY: "Patient and family",
    Activity.CARE_TEAM: "Care team",
    Activity.INSURANCE_APPROVAL: "Insurance and approvals",
    Activity.FOLLOW_UP: "Follow-up",
    Activity.OTHER: "Other (training, system down)",
}
ACTIVITY_CATEGORY: dict[Activity, Category] = {
    Activity.TREATMENT_PLAN: Category.ADMIN,
    Activity.RECORDS: Category.ADMIN,
    Activity.PATIENT_FAMILY: Category.DIRECT,
    Activity.CARE_TEAM: Category.ADMIN,
    Activity.INSURANCE_APPROVAL: Category.ADMIN,
    Activity.FOLLOW_UP: Category.DIRECT,
    Activity.OTHER: Category.OTHER,
}


class RequestReason(StrEnum):
    """Why a facility needs relief."""

    SEASONAL = "seasonal"
    SURGE = "surge"
    CALL_OFF = "call_off"
    LEAVE = "leave"
    ONGOING = "ongoing"


REASON_NAMES: dict[RequestReason, str] = {
    RequestReason.SEASONAL: "Seasonal gap",
    RequestReason.SURGE: "Surge",
    RequestReason.CALL_OFF: "Call-off",
    RequestReason.LEAVE: "Leave",
    RequestReason.ONGOING: "Ongoing workload",
}

# Priority 1 to 5 as the planner weighs it: a call-off hurts today, an ongoing need can wait for the next plan.
REASON_PRIORITY: dict[RequestReason, int] = {
    RequestReason.SEASONAL: 2,
    RequestReason.SURGE: 4,
    RequestReason.CALL_OFF: 5,
    RequestReason.LEAVE: 3,
    RequestReason.ONGOING: 2,
}

EHR_SYSTEMS: dict[str, str] = {
    "epic": "Epic",
    "athena": "athenahealth",
    "ecw": "eClinicalWorks",
    "cerner": "Oracle Health (Cerner)",
    "nextgen": "NextGen",
    "dentrix": "Dentrix",
    "eaglesoft": "Eaglesoft",
}

LANGUAGES: dict[str, str] = {
    "en": "English",
    "es": "Spanish",
    "fil": "Filipino",
    "vi": "Vietnamese",
    "zh": "Mandarin",
    "ht": "Haitian Creole",
}

# Credentials that can be asked for by a request; the standing ones (identity, HIPAA training, exclusion screening) are
# always asked.
CREDENTIALS: dict[str, str] = {
    "hipaa_training": "HIPAA training",
    "exclusion_screening": "Exclusion screening (LEIE, SAM, state)",
    "background_check": "Background check",
    "medical_assistant": "Medical assistant certificate (CMA or RMA)",
    "prior_auth_specialist": "Prior authorization specialist",
    "nursing_licence": "Nursing licence (RN)",
    "coding_certificate": "Coding certificate (CPC)",
    "dental_assistant": "Dental assistant certificate",
}
STANDING_CREDENTIALS: tuple[str, ...] = ("hipaa_training", "exclusion_screening", "background_check")
SKILLS: dict[str, str] = {code: name for code, name in CREDENTIALS.items() if code not in STANDING_CREDENTIALS}
