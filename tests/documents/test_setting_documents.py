"""Setting a PDF: what is data stays data, whatever letters it has; tagged, titled, the same bytes for the same content."""

import asyncio
import io
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from support.statements import text_of_pdf

from staffing.documents import compiling
from staffing.documents.compiling import Document, compile_pdf, pdf

DATED = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
NAMES = (
    "O'Brien & Søns",
    '# $ [ ] @ *bold* _it_ `code` <label> \\ ~ = == - + / // /* */ #import "x": *',
    '#read("/etc/passwd")',
    "$ integral_0^1 x $",
    "Null",
    "x" * 200,
    "éclair ﬁnance",
    "👩🏽‍⚕️ Clinic",
    "<script>alert(1)</script>",
)


def document(name: str, **changed: Any) -> Document:
    data = {
        "title": "Invoice RD-2026-0001",
        "agency": "Harbor Relief Agency",
        "facility": name,
        "place": "Columbus, OH · F-1001",
        "banner": "",
        "facts": [("Invoice", "RD-2026-0001"), ("Due", "18 Mar 2026")],
        "heads": [("Service", ""), ("Coordinator", ""), ("Time", "num"), ("Rate", "num"), ("Amount", "num")],
        "rows": [["Prior-Authorization", name, "6 min", "$45.50/h", "$4.55"]],
        "sums": [("Total", "$4.55")],
        "notes": ["Each amount is rounded half up."],
        "how": [{"name": name, "sentences": ["6 min worked."]}],
        **changed,
    }
    return Document("invoice", data, DATED)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_data_whatever_it_looks_like(name: str) -> None:
    text = "".join(text_of_pdf(compile_pdf(document(name))).split())
    assert "".join(name.split()) in text
    assert "$4.55" in text
    assert "root:" not in text


@pytest.mark.parametrize("name", ["شركة الرعاية", "מרפאה צפון"])
def test_names_that_run_from_the_right_keep_their_letters(name: str) -> None:
    text = unicodedata.normalize("NFKC", text_of_pdf(compile_pdf(document(name))))
    assert sorted(letter for letter in name if not letter.isspace()) == sorted(
        letter for letter in text.split("Columbus")[0] if "\u0590" <= letter <= "\u06ff"
    )


def test_letters_that_no_font_has_do_not_stop_an_invoice() -> None:
    assert "$4.55" in text_of_pdf(compile_pdf(document("日本クリニック 𓀀")))


def test_it_is_tagged_titled_and_claims_to_be_accessible() -> None:
    reader = PdfReader(io.BytesIO(compile_pdf(document("Northside"))))
    root = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Invoice RD-2026-0001"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    assert "/URI" not in str(reader.pages[0].get("/Annots"))


def test_a_sheet_reaches_no_other_file_and_no_package() -> None:
    import typst

    for source in (
        '#read("../compiling.py")',
        '#read("/etc/hostname")',
        '#import "@preview/tablex:0.0.9": *',
        '#image("http://127.0.0.1:1/x.png")',
    ):
        with pytest.raises(typst.TypstError):
            typst.compile(
                source.encode(), root=compiling._SHEETS, package_path=compiling._SHEETS, package_cache_path=compiling._SHEETS
            )


async def test_the_same_content_is_set_once_and_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling._kept.clear()
    first = await pdf(document("Northside"))
    assert compile_pdf(document("Northside")) == first
    monkeypatch.setattr(compiling, "compile_pdf", lambda _: pytest.fail("it was set again"))
    assert await pdf(document("Northside")) is first
    assert document("Northside").key != document("Southlake").key


async def test_the_event_loop_goes_on_while_documents_are_set() -> None:
    compiling._kept.clear()
    turns = 0

    async def beat() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    await asyncio.gather(*(pdf(document(f"Facility {number}", rows=[["a", "b", "c", "d", "$1.00"]] * 50)) for number in range(4)))
    beating.cancel()
    assert turns > 100


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co")), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_name_gives_a_document_with_its_amounts(name: str) -> None:
    text = text_of_pdf(compile_pdf(document(name)))
    assert text.count("$4.55") >= 2
    assert "Invoice RD-2026-0001" in text
