"""Six hundred invented patients with plausible histories, fifty to a facility."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert

from staffing.care.models import HistoryItem, Patient
from staffing.demo.people import PATIENT_FAMILY, PATIENT_GIVEN
from staffing.demo.places import PLACES, Place
from staffing.demo.stage import Stage
from staffing.persistence.transactions import Transaction

PATIENTS_PER_FACILITY = 50
PAYERS = ("Medicare", "Medicare Advantage", "Medicaid", "Commercial plan", "Marketplace plan", "Self-funded plan")
PICTURES: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "medical": (
        ("Type 2 diabetes", ("Metformin 500 mg twice daily", "Lisinopril 10 mg daily"), "Foot examination"),
        ("High blood pressure", ("Amlodipine 5 mg daily",), "Home blood pressure log"),
        ("Heart failure", ("Furosemide 40 mg daily", "Carvedilol 6.25 mg twice daily"), "Echocardiogram"),
        ("Chronic obstructive pulmonary disease", ("Tiotropium inhaler daily",), "Spirometry"),
        ("Chronic kidney disease, stage 3", ("Losartan 50 mg daily",), "Kidney function panel"),
        ("Osteoarthritis of the knee", ("Acetaminophen 500 mg as needed",), "Physical therapy, eight visits"),
        ("Hypothyroidism", ("Levothyroxine 75 mcg daily",), "Thyroid panel"),
        ("Migraine", ("Sumatriptan 50 mg as needed",), "Headache diary"),
        ("Asthma", ("Albuterol inhaler as needed", "Fluticasone inhaler daily"), "Asthma action plan"),
    ),
    "dental": (
        ("Gum disease", ("Chlorhexidine rinse twice daily",), "Scaling and root planing"),
        ("Cracked molar", (), "Crown, lower left"),
        ("Missing tooth", (), "Implant consultation"),
    ),
}
ALLERGIES = ("Penicillin", "Latex", "Sulfa drugs", "Codeine")


async def add_patients(tx: Transaction, stage: Stage) -> None:
    patients: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for place in PLACES:
        names = _names(stage)
        stage.patients[place.reference] = []
        for number, (given, family) in enumerate(names):
            patient = _patient(stage, place, number, given, family)
            patients.append(patient)
            stage.patients[place.reference].append(patient["id"])
            items += _history(stage, place, patient)
    await tx.execute(insert(Patient), patients)
    await tx.execute(insert(HistoryItem), items)


def _names(stage: Stage) -> list[tuple[str, str]]:
    pairs = [(given, family) for given in PATIENT_GIVEN for family in PATIENT_FAMILY]
    return stage.dice.some(pairs, PATIENTS_PER_FACILITY)


def _patient(stage: Stage, place: Place, number: int, given: str, family: str) -> dict[str, Any]:
    return {
        "id": stage.dice.id(),
        "facility_id": stage.facilities[place.reference],
        "record_number": f"{place.initials}-{4001 + number * 7}",
        "given_name": given,
        "family_name": family,
        "preferred_name": "",
        "birth_date": date(stage.dice.whole(1936, 2004), stage.dice.whole(1, 12), stage.dice.whole(1, 28)),
        "language": stage.dice.one(("en", "en", "en", "en", "es", "es", "vi", "zh")),
        "payer": stage.dice.one(PAYERS),
        "created_at": stage.now - timedelta(days=stage.dice.whole(60, 280)),
    }


def _history(stage: Stage, place: Place, patient: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []

    def add(kind: str, text: str, years: int) -> None:
        since = stage.monday - timedelta(days=stage.dice.whole(60, 365 * years))
        rows.append(
            {
                "id": stage.dice.id(),
                "facility_id": patient["facility_id"],
                "patient_id": patient["id"],
                "kind": kind,
                "text": text,
                "since_on": since,
                "ended_on": None,
                "reconciled_on": stage.monday - timedelta(days=stage.dice.whole(3, 55)),
            }
        )

    for condition, medications, treatment in stage.dice.some(PICTURES[place.line], stage.dice.whole(1, 3)):
        add("condition", condition, 12)
        for medication in medications:
            add("medication", medication, 6)
        add("treatment", treatment, 2)
    if stage.dice.chance(30):
        add("allergy", stage.dice.one(ALLERGIES), 30)
    return rows
