"""A period of days in an address: `?start_on=2026-03-01&end_on=2026-03-31`."""

from staffing.web.forms import Day, Form, Typed, bind
from staffing.web.http import Request


class PeriodForm(Form):
    """Both ends included; either may be left out."""

    start_on: Day | None = None
    end_on: Day | None = None


def typed_period(request: Request) -> Typed:
    """The period as it was asked for."""
    return Typed.of(**{name: request.query_params.get(name, "") for name in PeriodForm.model_fields})


def asked_period(request: Request) -> PeriodForm:
    """The same, checked. Raises `Invalid`."""
    return bind(PeriodForm, typed_period(request))
