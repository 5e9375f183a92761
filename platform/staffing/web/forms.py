"""Forms: every mistake is named beside its field, and nothing typed is lost.

`typed(request)` keeps what was sent; `bind(Model, typed)` turns it into a checked value or raises `Invalid` with one
sentence per field;
`typed.field(...)` gives the template's field with the typed text and the sentence.
"""

import re
import types
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Bounds
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from staffing.errors import Invalid
from staffing.web.csrf import FIELD as CSRF_FIELD
from staffing.web.http import Request

M = TypeVar("M", bound="Form")
LONGEST = 4000
UNSTORABLE = "This has characters that cannot be stored. Please type it again."
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]")
"""Control characters and bidirectional overrides: no text that a person means to type has them."""


FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
Day = Annotated[date, Bounds(ge=FIRST_DAY, le=LAST_DAY)]
"""A day that clocks of every zone can show; at the ends of the calendar they cannot."""


class Form(BaseModel):
    """Base of every form: text is trimmed, fields that the form does not have are not taken."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore", frozen=True, str_max_length=LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field as the form macros show it."""

    name: str
    label: str
    value: str = ""
    values: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    autocomplete: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, per field, as text."""

    data: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, **values: Any) -> "Typed":
        """A form as if somebody had typed these values."""
        return cls({name: _texts(value) for name, value in values.items()})

    def text(self, name: str) -> str:
        return (self.data.get(name) or ("",))[-1]

    def storable(self, name: str) -> str:
        """The text of a field that is kept or looked up as it is. Raises `Invalid` for characters nobody means to type."""
        text = self.text(name)
        if _FORBIDDEN.search(text):
            raise Invalid("Please look at the marked fields.", **{name: UNSTORABLE})
        return text

    def texts(self, name: str) -> tuple[str, ...]:
        return self.data.get(name, ())

    def field(
        self,
        name: str,
        label: str,
        *,
        errors: Mapping[str, str] | None = None,
        hint: str = "",
        required: bool = False,
        options: Iterable[tuple[str, str]] = (),
        autocomplete: str = "",
    ) -> Field:
        return Field(
            name=name,
            label=label,
            value=self.text(name),
            values=self.texts(name),
            error=(errors or {}).get(name, ""),
            hint=hint,
            required=required,
            options=tuple(options),
            autocomplete=autocomplete,
        )


async def typed(request: Request) -> Typed:
    """The form of this request."""
    form = await request.form()
    return Typed(
        {
            name: tuple(unicodedata.normalize("NFC", str(value)) for value in form.getall(name))
            for name in form
            if name != CSRF_FIELD
        }
    )


def bind(model: type[M], typed: Typed) -> M:
    """The checked form. Raises `Invalid` whose `fields` name every mistake at once."""
    raw: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, info in model.model_fields.items():
        values = typed.texts(name)
        if any(_FORBIDDEN.search(value) for value in values):
            errors[name] = UNSTORABLE
        if _is_list(info):
            raw[name] = [value for value in values if value.strip()]
        elif values and values[-1].strip():
            raw[name] = values[-1]
        elif values and not _may_be_missing(info) and _is_plain_text(info):
            raw[name] = ""
    try:
        bound = model.model_validate(raw)
    except ValidationError as problem:
        for error in problem.errors():
            where = str(error["loc"][0]) if error["loc"] else ""
            errors.setdefault(where, sentence(error))
    if errors:
        raise Invalid("Please look at the marked fields.", **errors)
    return bound


def sentence(error: ErrorDetails) -> str:
    """What is wrong and what to do, for the person who typed it."""
    context = error.get("ctx") or {}
    match error["type"]:
        case "missing" | "string_too_short":
            return "Please fill this in."
        case "too_short":
            return "Please choose at least one."
        case "string_too_long":
            return f"Please shorten this to {context.get('max_length', LONGEST)} characters."
        case "greater_than_equal" | "greater_than":
            return f"This must be {context.get('ge', context.get('gt'))} or more."
        case "less_than_equal" | "less_than":
            return f"This must be {context.get('le', context.get('lt'))} or less."
        case "int_parsing" | "int_from_float" | "decimal_parsing" | "float_parsing" | "finite_number":
            return "Please type a number."
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            return "Please give a date like 2026-11-24."
        case "time_parsing" | "time_type":
            return "Please give a time like 09:00."
        case "enum" | "literal_error":
            return "Please choose one of the options."
        case "uuid_parsing" | "uuid_type":
            return "Please choose one of the options."
        case "value_error":
            return str(context.get("error", error["msg"]))
        case _:
            return "Please check this."


def _is_list(info: FieldInfo) -> bool:
    return any(get_origin(option) in (list, tuple, frozenset, set) for option in _options(info))


def _is_plain_text(info: FieldInfo) -> bool:
    return str in _options(info)


def _may_be_missing(info: FieldInfo) -> bool:
    return not info.is_required()


def _options(info: FieldInfo) -> tuple[Any, ...]:
    annotation = info.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(_text(one) for one in value)
    return (_text(value),)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, (date, UUID)):
        return str(value)
    return str(value)
