"""From plain data to a PDF, by typst: tagged, with selectable text, without any access to network or files but our own sheets.

What people typed reaches a sheet as JSON, never as source: in it `#` and `$` are characters like all others. The same data gives
the same bytes, so a document is kept under the hash of what it says.
"""

import asyncio
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

_SHEETS = Path(__file__).parent / "sheets"
_KEPT = 64
"""Documents that a process remembers; one is some 20 KB."""
_NO_GLYPH = "could not be displayed"
_COMPILING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="typst")
"""Beside the event loop, one at a time: a document takes some 30 ms, and pages go on meanwhile."""
_kept: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be set: a sheet of ours, its data (text, numbers, lists of them) and the instant that it carries."""

    sheet: str
    data: Mapping[str, Any]
    dated: datetime

    @property
    def key(self) -> str:
        """The hash of what it says and of how it is set."""
        said = json.dumps([self.sheet, self.data, self.dated.isoformat(), _sheets_hash()], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


async def pdf(document: Document) -> bytes:
    """The document as PDF/UA-1. It is set in a thread of its own."""
    key = document.key
    if (found := _known(key)) is not None:
        return found
    made = await asyncio.get_running_loop().run_in_executor(_COMPILING, compile_pdf, document)
    with _lock:
        _kept[key] = made
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return made


def compile_pdf(document: Document) -> bytes:
    """Set the document now. A name in letters that our own fonts do not have is tried in those of the machine; where nothing
    has them, they show as boxes and the document makes no claim to be accessible.
    """
    import typst

    attempts: tuple[dict[str, Any], ...] = (
        {"ignore_system_fonts": True, "pdf_standards": ["ua-1"]},
        {"ignore_system_fonts": False, "pdf_standards": ["ua-1"]},
        {"ignore_system_fonts": False},
    )
    for attempt in attempts:
        try:
            return bytes(
                typst.compile(
                    _SHEETS / f"{document.sheet}.typ",
                    root=_SHEETS,
                    format="pdf",
                    sys_inputs={"data": json.dumps(document.data, ensure_ascii=False)},
                    timestamp=int(document.dated.timestamp()),
                    # No package is ever looked for: the sheets stand alone.
                    package_path=_SHEETS,
                    package_cache_path=_SHEETS,
                    **attempt,
                )
            )
        except typst.TypstError as problem:
            if _NO_GLYPH not in str(problem):
                raise
    raise AssertionError("without a standard to keep, missing letters are no error")


def _known(key: str) -> bytes | None:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


@cache
def _sheets_hash() -> str:
    """What the sheets are: another look makes other documents."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_SHEETS.glob("*.typ")))).hexdigest()
