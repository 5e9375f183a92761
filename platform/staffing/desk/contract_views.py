"""What the desk's pages of contracts show."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from staffing.contracts import wording
from staffing.contracts.amounts import day_text
from staffing.contracts.reading import Agreement, Version
from staffing.contracts.samples import Sample
from staffing.contracts.wording import Part, Price
from staffing.desk.contract_sections import Section
from staffing.facilities.queries import FacilityRow
from staffing.invoicing.charge_queries import ChargeRow
from staffing.invoicing.models import BillingAccount
from staffing.web.forms import Field
from staffing.web.pages import Page


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version in words."""

    id: UUID
    heading: str
    state: str
    prices: tuple[Price, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPage(Page):
    template: ClassVar[str] = "desk/contracts/show.html"
    surface: ClassVar[str] = "desk"

    facility: FacilityRow
    versions: tuple[VersionView, ...]
    """The one in force first, then those to come, then those that are over."""
    payment: str
    billed_until: str
    samples: tuple[Sample, ...]
    service: Field
    at: Field
    charges: tuple[ChargeRow, ...]
    waive_reason: Field
    waiving: UUID | None
    """The charge whose waiving went wrong."""
    hire: tuple[Field, ...]
    may_write: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFormPage(Page):
    template: ClassVar[str] = "desk/contracts/form.html"
    surface: ClassVar[str] = "desk"

    facility: FacilityRow
    currency: str
    billed_until: str
    valid_from: Field
    sections: tuple[Section, ...]
    based_on: str
    samples: tuple[Sample, ...]
    sampled: str
    """The service whose hours the samples show."""


def version_views(agreed: Agreement, today: date) -> tuple[VersionView, ...]:
    current = agreed.in_force(today)
    coming = [version for version in agreed.versions if version.valid_from > today]
    over = [version for version in reversed(agreed.versions) if version.valid_from <= today and version is not current]
    found = [(current, "in force")] if current else []
    found += [(version, "to come") for version in coming] + [(version, "over") for version in over]
    return tuple(_view(version, state) for version, state in found)


def _view(version: Version, state: str) -> VersionView:
    return VersionView(version.id, f"From {day_text(version.valid_from)}", state, wording.prices(version), wording.parts(version))


def payment_words(account: BillingAccount) -> str:
    """How the facility pays, as a sentence."""
    due = f"Invoices are in {account.currency} and due {account.terms_days} days after they are issued."
    if account.collection == "charge_automatically":
        return f"{due} They are charged to the facility's saved way to pay."
    return f"{due} The facility pays each on its payment page."
