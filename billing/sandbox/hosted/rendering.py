"""What the hosted pages share: templates, headers, form tokens, and how amounts and days are written. No JavaScript anywhere."""

import hashlib
import hmac
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.response import Redirect

from billing.sandbox.store import Transaction
from billing.sandbox.test_numbers import BANK_ACCOUNTS, CARDS, ROUTING_NUMBER, TestMethod

FOLDER = Path(__file__).parent / "templates"
_LONGEST_FORM = 4096
_NO_DECIMALS = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

SUGGESTED_CARD = "4242 4242 4242 4242"
SUGGESTED_ACCOUNT = "000123456789"


def html(template: str, status: int = 200, **values: Any) -> Response[str]:
    """A page."""
    text = _TEMPLATES.get_template(template).render(**values)
    return Response(text, status_code=status, media_type="text/html", headers=_HEADERS)


def see_other(address: str) -> Redirect:
    """The outcome is shown by a page of its own, so that reloading does nothing twice."""
    return Redirect(address, status_code=303, headers=_HEADERS)


def nothing_here(prefix: str) -> Response[str]:
    """A page for an address that shows nothing."""
    return html("nothing.html", 404, prefix=prefix)


def stylesheet() -> Response[str]:
    """The pages' one style sheet."""
    headers = {"cache-control": "public, max-age=300", "x-content-type-options": "nosniff"}
    return Response((FOLDER / "sandbox.css").read_text(encoding="utf-8"), media_type="text/css", headers=headers)


async def typed(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of a sent form."""
    body = await request.body()
    fields = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def token_for(transaction: Transaction, *content: object) -> str:
    """A form's token: good as long as `content` stays the same."""
    text = ":".join(str(part) for part in content)
    return hmac.new(transaction.setting("form_secret").encode(), text.encode(), hashlib.sha256).hexdigest()


def same(given: str, wanted: str) -> bool:
    """Whether a form's token is the wanted one."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def number_typed(form: dict[str, str]) -> tuple[TestMethod | None, str]:
    """The test card or account that was typed, or None and a sentence that says why not."""
    if "account_number" in form:
        found = BANK_ACCOUNTS.get(_digits(form["account_number"]))
        if found is not None and _digits(form.get("routing_number", "")) == ROUTING_NUMBER:
            return found, ""
        return None, f"This sandbox takes test accounts only, such as {SUGGESTED_ACCOUNT} at {ROUTING_NUMBER}."
    found = CARDS.get(_digits(form.get("card_number", "")))
    return found, "" if found else f"This sandbox takes test cards only, such as {SUGGESTED_CARD}."


def kept_typed(form: dict[str, str], name: str, suggested: str) -> str:
    """What stands in a field when the page comes again: a test number stays, what might be a real one does not."""
    if name not in form:
        return suggested
    return form[name] if _digits(form[name]) in (*CARDS, *BANK_ACCOUNTS, ROUTING_NUMBER) else ""


def money(minor: int, currency: str) -> str:
    """`$1,234.50`, or `1,234.50 EUR`."""
    major = Decimal(minor) if currency in _NO_DECIMALS else Decimal(minor).scaleb(-2)
    sign = "-" if major < 0 else ""
    return f"{sign}${abs(major):,}" if currency == "usd" else f"{major:,} {currency.upper()}"


def day(seconds: int | None) -> str:
    """`November 6, 2026`, in UTC; empty for none."""
    if seconds is None:
        return ""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%B} {moment.day}, {moment.year}"


def _digits(text: str) -> str:
    return "".join(text.split()).replace("-", "")
