"""What docs/planning.md says the weights do is what they do."""

from support.planning_page import PAGE, ROWS, planned, written


def test_the_page_shows_the_plans_that_its_weights_give() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "write it again: python tests/support/planning_page.py, and read what it says of each row"


def test_every_row_differs_from_the_weights_as_they_are() -> None:
    """A weight whose row shows the same plan explains nothing; the pair's row stands beside the one before it."""
    plans = {setting: planned(problem).assignments for setting, problem, _seen in ROWS}
    beside = {"`new_facility` 0, `pair` 300": "`new_facility` 0"}
    first = ROWS[0][0]
    for setting in list(plans)[1:]:
        assert plans[setting] != plans[beside.get(setting, first)], setting
