"""Every example of docs/rating.md is what the rating does, through the same file form that anybody can use."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from billing.rate_files import rate_file, rating_as_json, read_rate_file

DOCUMENT = Path(__file__).parents[2] / "docs" / "rating.md"
_FLAGS = re.DOTALL | re.MULTILINE
_EXAMPLE = re.compile(
    r"^## (?P<title>.+?)\n(?P<prose>(?:(?!^## ).)*?)```json rate\n(?P<asked>.*?)```\n", re.DOTALL | re.MULTILINE
)
_RESULT = re.compile(r"```json result\n(.*?)```", re.DOTALL)


def examples() -> list[Any]:
    text = DOCUMENT.read_text(encoding="utf-8")
    return [
        pytest.param(found["asked"], _RESULT.search(text, found.end()), id=found["title"]) for found in _EXAMPLE.finditer(text)
    ]


@pytest.mark.parametrize(("asked", "result"), examples())
def test_an_example_of_the_document(asked: str, result: re.Match[str]) -> None:
    file = read_rate_file(asked)
    assert rating_as_json(rate_file(file), file.tax) == json.loads(result[1])


def test_no_example_of_the_document_is_left_out() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count("```json rate") == text.count("```json result") == len(examples()) >= 41
