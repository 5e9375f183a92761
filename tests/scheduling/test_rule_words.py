"""Every rule that the planner can name has words for people who pass it and for people who do not."""

import pytest

from matching.rules import SENTENCES, sentence_of
from staffing.scheduling.rule_words import able, are_able, is_stopped

RULES = tuple(SENTENCES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_said_of_those_who_pass_it(rule: str) -> None:
    assert are_able(rule) != sentence_of(rule)
    assert able(rule, 3) == f"3 of them {are_able(rule)}"


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "everybody"])
def test_a_rule_is_said_of_somebody_who_does_not_pass_it(rule: str) -> None:
    assert sentence_of(rule) not in is_stopped(rule)


def test_one_person_and_nobody_are_said_as_people_say_them() -> None:
    assert able("language", 1) == "one of them speaks the language"
    assert able("overlap", 1) == "one of them can be spared elsewhere at that time"
    assert able("service", 0) == "none of them offer the service"
