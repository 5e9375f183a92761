"""The planner's rules in words: what the people who pass one are, and what stops somebody who does not. Pure."""

from matching.rules import sentence_of

_ABLE = {
    "everybody": "are on the roster",
    "service": "offer the service",
    "level": "have the level asked for",
    "language": "speak the language",
    "system": "know the system",
    "credentials": "hold every credential to the end of the work",
    "excluded": "may be sent there",
    "work_country": "work from a country that the facility allows",
    "licence": "are licensed in the state",
    "screening": "have a current exclusion screening",
    "orientation": "are oriented at the facility",
    "forbidden": "have enough hours and facilities left beside what they are assigned to",
    "availability": "are available and free for the whole time",
    "already_there": "are not there already",
    "sharing": "may still share the request",
    "overlap": "can be spared elsewhere at that time",
    "rest": "would have enough rest between two days",
    "span": "would keep within the longest working day",
    "cap": "have hours left under their cap",
    "period_cap": "have hours left in every week of it",
    "facilities": "may serve one more facility",
    "worth": "would make the plan better by taking it",
}
_STOPPED = {
    "service": "does not offer the service",
    "level": "has not reached the level asked for",
    "language": "does not speak the language",
    "system": "does not know the system",
    "credentials": "lacks a credential that lasts to the end of the work",
    "excluded": "must not be sent there",
    "work_country": "works from a country that the facility does not allow",
    "licence": "is not licensed in the state",
    "screening": "needs a new exclusion screening",
    "orientation": "is not oriented at the facility",
    "forbidden": "has too few hours or facilities left beside what they are assigned to",
    "availability": "is not available or free for the whole time",
    "already_there": "is there already",
    "sharing": "would be one too many to share the request",
    "overlap": "is needed elsewhere at that time",
    "rest": "would have too little rest between two days",
    "span": "would have too long a working day",
    "cap": "has no hours left under the cap",
    "period_cap": "has too few hours left in one of its weeks",
    "facilities": "would serve one facility too many",
    "worth": "could take it, but the plan is better without",
}


_SINGULAR = {
    "are": "is", "have": "has", "offer": "offers", "speak": "speaks", "know": "knows", "hold": "holds", "work": "works",
}  # fmt: skip


def able(rule: str, number: int) -> str:
    """Those who pass a rule, counted: "one of them speaks the language", "none of them are …"."""
    phrase = are_able(rule)
    if number != 1:
        return f"{number or 'none'} of them {phrase}"
    verb, _, rest = phrase.partition(" ")
    return f"one of them {_SINGULAR.get(verb, verb)} {rest}"


def are_able(rule: str) -> str:
    """The rule as a phrase about those who pass it: "speak the language"."""
    return _ABLE.get(rule) or sentence_of(rule)


def is_stopped(rule: str) -> str:
    """The rule as a phrase about somebody who does not pass it: "does not speak the language"."""
    return _STOPPED.get(rule) or f"does not pass this rule: {sentence_of(rule)}"
