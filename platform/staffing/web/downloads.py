"""Answers that are files: a PDF in one piece, a CSV as it is read."""

import re
from collections.abc import AsyncIterator

from litestar import Response
from litestar.response import Stream

_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
CSV = "text/csv"


def file_name(*parts: str) -> str:
    """A name that every system takes, made of letters, digits, dots and dashes."""
    return "-".join(filter(None, (_PLAIN.sub("-", part).strip("-.") for part in parts))) or "file"


def pdf_file(content: bytes, name: str) -> Response[bytes]:
    """A PDF to be saved as `name`.pdf."""
    return Response(content, media_type="application/pdf", headers=_headers(f"{name}.pdf"))


def csv_file(lines: AsyncIterator[str], name: str) -> Stream:
    """A CSV to be saved as `name`.csv, sent while it is made."""
    return Stream(lines, media_type=CSV, headers=_headers(f"{name}.csv"))


def _headers(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
