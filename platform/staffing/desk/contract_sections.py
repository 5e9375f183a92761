"""The form of a contract version in sections, each with its rows of controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staffing.catalogue import service_name
from staffing.contracts.wording import WEEKDAYS
from staffing.desk.contract_form import ROWS
from staffing.web.forms import Field, Typed

__all__ = ["WEEKDAYS", "Control", "Section", "sections"]

_LEVELS = tuple((str(level), f"Level {level}") for level in range(1, 6))
_UNITS = (("0", "the second"), ("1", "1 minute"), ("6", "6 minutes"), ("15", "15 minutes"))
_MEETING = (("highest", "the highest price counts"), ("stack", "they multiply"))
_PASS = (("same_markup", "the multiple above"), ("negotiated", "the price of the service below"))
_FALLS = (("nothing", "never"), ("months", "by the month"), ("hours", "by the hour"))
_KINDS = (
    ("hours", "hours of the booking"),
    ("flat", "a fixed amount"),
    ("percent", "a percentage"),
    ("full", "all of it"),
    ("none", "nothing"),
)


@dataclass(frozen=True, slots=True)
class Control:
    """A field and the macro that shows it; `blank` are the words of a choice that is not made."""

    shape: str
    field: Field
    blank: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together. `is_open`: something in it is agreed, or wrong."""

    heading: str
    hint: str
    rows: tuple[tuple[Control, ...], ...]
    always: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(control.field for row in self.rows for control in row)

    @property
    def is_open(self) -> bool:
        telling = [field for field in self.fields if not field.options or field.name in _TELLING]
        return self.always or any(field.error for field in self.fields) or any(field.value.strip() for field in telling)


_TELLING = frozenset({"conversion_kind", *(f"cancel_kind_{number}" for number in range(1, ROWS + 1))})
"""Choices that say that something is agreed; the others only say how."""


class _Maker:
    def __init__(self, sent: Typed, errors: Mapping[str, str]) -> None:
        self.sent, self.errors = sent, errors

    def text(self, name: str, label: str, hint: str = "") -> Control:
        return Control("text", self.sent.field(name, label, errors=self.errors, hint=hint))

    def day(self, name: str, label: str) -> Control:
        return Control("date", self.sent.field(name, label, errors=self.errors))

    def clock(self, name: str, label: str) -> Control:
        return Control("time", self.sent.field(name, label, errors=self.errors))

    def tick(self, name: str, label: str) -> Control:
        return Control("checkbox", self.sent.field(name, label, errors=self.errors))

    def choice(self, name: str, label: str, options: Sequence[tuple[str, str]], blank: str = "") -> Control:
        return Control("select", self.sent.field(name, label, errors=self.errors, options=options), blank)


def sections(sent: Typed, errors: Mapping[str, str], services: Sequence[str]) -> tuple[Section, ...]:
    """All of the form but the first day, with what was typed."""
    make = _Maker(sent, errors)
    named = tuple((code, service_name(code)) for code in services)
    return (*_pricing(make, named), *_times(make, named), *_promises(make, named), *_fees(make))


def _pricing(make: _Maker, named: Sequence[tuple[str, str]]) -> tuple[Section, ...]:
    prices = tuple((make.text(f"price_{code}", f"{name}, an hour"),) for code, name in named)
    levels = tuple(
        (
            make.choice(f"level_service_{row}", "Service", named, "None"),
            make.choice(f"level_{row}", "Level", _LEVELS, "None"),
            make.text(f"level_price_{row}", "Price an hour"),
        )
        for row in range(1, ROWS + 1)
    )
    return (
        Section("Prices", "Empty: this service is not offered.", prices, always=True),
        Section("Prices of levels", "Where a level that is asked for has its own price.", levels),
    )


def _times(make: _Maker, named: Sequence[tuple[str, str]]) -> tuple[Section, ...]:
    rounding = (
        make.choice("rounding_unit", "Time is rounded to", _UNITS),
        make.choice("rounding_mode", "Which way", (("nearest", "to the nearest"), ("up", "up"))),
        make.choice("rounding_scope", "What is rounded", (("line", "an invoice line's time"), ("entry", "each entry"))),
    )
    premiums = (
        (make.clock("night_from", "Night from"), make.clock("night_to", "to"), make.text("night_multiplier", "costs ×")),
        (make.text("weekend_multiplier", "Saturday and Sunday cost ×"),),
        (
            make.text("holiday_region", "Public holidays of", "US, or a state such as US-OH."),
            make.text("holiday_days", "Other days", "Such as 2026-12-24, 2026-12-31."),
            make.text("holiday_multiplier", "cost ×"),
        ),
        (make.choice("premium_rule", "Where several hold", _MEETING),),
    )
    overtime = (
        (
            make.text("overtime_weekly", "Hours in a week from Monday"),
            make.text("overtime_daily", "Hours in a day"),
            make.text("overtime_multiplier", "what is beyond costs ×"),
        ),
        (
            make.text("overtime_double_daily", "Hours in a day"),
            make.text("overtime_double_multiplier", "beyond it costs ×"),
        ),
        (make.tick("overtime_seventh", "The seventh day worked in a row is overtime"),),
        (make.choice("overtime_pass", "An hour of overtime costs the facility", _PASS),),
    )
    dearer = tuple((make.text(f"overtime_{code}", f"{name}, an hour of overtime"),) for code, name in named)
    return (
        Section("Rounding", "Worked time is kept to the second; this is how it is billed.", (rounding,), always=True),
        Section("Shortest entry", "", ((make.text("minimum_call", "Each entry is billed for at least, in minutes"),),)),
        Section("Premiums", "On the facility's clock. ×1.5 is half as much again.", premiums),
        Section("Overtime", "Hours of one coordinator at this facility.", overtime),
        Section("Prices of overtime", "Where an hour of overtime has a price of its own.", dearer),
    )


def _promises(make: _Maker, named: Sequence[tuple[str, str]]) -> tuple[Section, ...]:
    hours = tuple(
        (make.choice(f"hours_service_{row}", "Service", named, "None"), make.text(f"hours_{row}", "Hours guaranteed a period"))
        for row in range(1, ROWS)
    )
    covered = make.sent.field("retainer_services", "For these services only", errors=make.errors, options=named)
    retainer = (
        (
            make.text("retainer_fee", "Fee a period"),
            make.text("retainer_hours", "Hours included"),
            make.text("retainer_overage", "Price an hour beyond", "Empty: the service's price."),
        ),
        (
            make.choice("retainer_rolls", "Hours that are not used", (("1", "roll over"),), "are lost"),
            make.text("retainer_limit", "Roll over at most, in hours"),
            make.text("retainer_periods", "for so many further periods"),
        ),
        (Control("checkboxes", covered),),
    )
    commitment = (
        make.text("commitment_amount", "At least"),
        make.day("commitment_from", "from"),
        make.day("commitment_to", "to"),
    )
    return (
        Section(
            "Minimums",
            "A period is what one invoice covers.",
            ((make.text("guaranteed_minimum", "Each period comes to at least"),), *hours, commitment),
        ),
        Section("Retainer", "A fixed fee a period with hours included.", retainer),
    )


def _fees(make: _Maker) -> tuple[Section, ...]:
    cancellations = tuple(
        (
            make.text(f"cancel_window_{row}", "Cancelled less than so many hours before"),
            make.choice(f"cancel_kind_{row}", "costs", _KINDS, "–"),
            make.text(f"cancel_value_{row}", "Hours, amount or percent"),
        )
        for row in range(1, ROWS + 1)
    )
    conversion = (
        (
            make.choice("conversion_kind", "Fee", (("amount", "an amount"), ("percent", "percent of a salary")), "none"),
            make.text("conversion_value", "of"),
        ),
        (
            make.choice("conversion_reduced", "It falls", _FALLS),
            make.text("conversion_free", "to nothing after so many"),
        ),
    )
    rises = tuple(
        (make.day(f"rise_on_{row}", "From"), make.text(f"rise_percent_{row}", "prices rise by (percent)"))
        for row in range(1, ROWS + 1)
    )
    taxes = tuple(
        (
            make.text(f"tax_name_{row}", "Name", "Such as Sales tax."),
            make.text(f"tax_percent_{row}", "Percent"),
            make.text(f"tax_region_{row}", "State", "Such as US-TX."),
        )
        for row in range(1, ROWS)
    )
    return (
        Section("Cancelling late", "", cancellations),
        Section("Hiring a coordinator", "", conversion),
        Section("Price rises", "Agreed ahead, for all services.", rises),
        Section("Tax", "", (*taxes, (make.tick("tax_inside", "The prices hold the tax"),))),
    )
