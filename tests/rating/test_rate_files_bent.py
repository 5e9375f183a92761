"""The examples of docs/rating.md, mixed with each other and bent at any place: rated with sums that hold, or refused in words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rate_files import InvalidRateFile, RateFile, rate_file, rating_as_json, read_rate_file
from billing.rating import Rating

DOCUMENT = (Path(__file__).parents[2] / "docs" / "rating.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [json.loads(found) for found in re.findall(r"```json rate\n(.*?)```", DOCUMENT, re.DOTALL)]
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 5, 10**30, 1.5, "", "x", "0", "1", "10", "0.000001", "100000", "10.000001", [], {}, [1], ["x"],
    {"a": 1}, [[]], "2026-11-03", "1970-01-01", "2100-12-31", "1970-01-01T00:00:00+14:00", "2100-12-31T23:59:59-12:00",
    "9999-12-31T00:00:00+00:00", "22:00", "24:00", "nothing", "full", "stack", "negotiated", "sunday", "US-CA", "é\ud800",
]  # fmt: skip
OPTIONAL = ("period", "before", "cancellations", "hires", "tax")


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*path, key))


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    one, other = draw(st.sampled_from(EXAMPLES)), draw(st.sampled_from(EXAMPLES))
    file = {**one, **{key: other[key] for key in OPTIONAL if key in other and draw(st.booleans())}}
    if "card" in one and "card" in other:
        kept = {key: value for key, value in other["card"].items() if key != "services" and draw(st.booleans())}
        file["card"] = {**one["card"], **kept}
    content: dict[str, Any] = json.loads(json.dumps(file))
    for _ in range(draw(st.integers(0, 2))):
        *steps, last = draw(st.sampled_from(list(paths(content))))
        inside: Any = content
        for step in steps:
            inside = inside[step]
        inside[last] = json.loads(json.dumps(draw(st.sampled_from(ODD))))
    return content


@settings(deadline=None, derandomize=True, max_examples=300)
@given(files())
def test_a_bent_file_is_rated_or_refused(content: dict[str, Any]) -> None:
    try:
        file = read_rate_file(json.dumps(content))
        rating = rate_file(file)
    except InvalidRateFile as refused:
        problems = refused.problems
    else:
        problems = ()
        check(file, rating)
    assert all(problems)


def check(file: RateFile, rating: Rating) -> None:
    output = rating_as_json(rating, file.tax, explain=True)
    json.dumps(output)
    assert output["total_minor"] == sum(line["amount_minor"] for line in output["lines"])
    billed = {entry for line in output["lines"] for entry in line["entries"]}
    held = {held["id"] for held in output["held"]}
    assert billed | held >= {entry.id for entry in file.entries}
    assert not billed & held
    assert len({line.key for line in rating.lines}) == len(rating.lines)
