"""From rows to a problem: wall time, papers, what is already assigned, weeks."""

from dataclasses import replace
from datetime import date, time

import pytest
from support.planning_facts import NORTH, SOUTH, at, credential, facts, person, request, span, window

from matching.formats import check_problem
from matching.problem import Assignment as Pair
from matching.problem import Interval
from matching.verify import rule_violations
from staffing.roster.rules import (
    CredentialStanding,
    WeeklyHours,
    available_intervals,
    credential_standing,
    standing_of,
    valid_until,
    week_bounds,
    week_of,
    without,
)
from staffing.scheduling.facts import Booking, Facts
from staffing.scheduling.problem import layers, remaining, state_problem, window_of


def broken_rules(given: Facts) -> set[str]:
    """The rules that keep the first coordinator from covering everything."""
    stated = state_problem(given)
    assert stated is not None
    pairs = [Pair(stated.coordinators[0].id, one.id) for one in stated.requests[0].windows]
    return {violation.rule for violation in rule_violations(stated, pairs)}


class TestWallTime:
    WEEKLY = (WeeklyHours(6, time(1), time(9)),)

    def test_the_same_wall_time_on_both_sides_of_the_clock_change(self) -> None:
        found = available_intervals(
            tuple(WeeklyHours(day, time(9), time(12)) for day in (5, 6)),
            (),
            "America/New_York",
            date(2026, 3, 7),
            date(2026, 3, 8),
        )
        assert found == (span("2026-03-07T14:00", "2026-03-07T17:00"), span("2026-03-08T13:00", "2026-03-08T16:00"))

    def test_a_night_is_an_hour_shorter_when_the_clocks_go_forward_and_longer_when_they_go_back(self) -> None:
        spring = available_intervals(self.WEEKLY, (), "America/New_York", date(2026, 3, 8), date(2026, 3, 8))
        autumn = available_intervals(self.WEEKLY, (), "America/New_York", date(2026, 11, 1), date(2026, 11, 1))
        assert spring == (span("2026-03-08T06:00", "2026-03-08T13:00"),)
        # 01:00 comes twice: only what both readings allow is offered, from the second one on.
        assert autumn == (span("2026-11-01T06:00", "2026-11-01T14:00"),)

    def test_a_time_that_does_not_exist_is_never_guessed(self) -> None:
        weekly = (WeeklyHours(6, time(0, 30), time(2, 30)), WeeklyHours(6, time(2, 30), time(5)))
        found = available_intervals(weekly, (), "America/New_York", date(2026, 3, 8), date(2026, 3, 8))
        assert found == (span("2026-03-08T05:30", "2026-03-08T06:30"), span("2026-03-08T07:30", "2026-03-08T09:00"))

    @pytest.mark.parametrize("end", [time(0), time(23, 59)])
    def test_an_end_at_midnight_joins_the_next_day(self, end: time) -> None:
        weekly = tuple(WeeklyHours(day, time(0), end) for day in range(7))
        found = available_intervals(weekly, (), "Asia/Manila", date(2026, 3, 4), date(2026, 3, 5))
        assert found == (span("2026-03-03T16:00", "2026-03-05T16:00"),)

    def test_time_off_is_cut_out(self) -> None:
        weekly = (WeeklyHours(2, time(8), time(18)),)
        away = (span("2026-03-04T17:00", "2026-03-04T18:00"),)
        found = available_intervals(weekly, away, "America/New_York", date(2026, 3, 4), date(2026, 3, 4))
        assert found == (span("2026-03-04T13:00", "2026-03-04T17:00"), span("2026-03-04T18:00", "2026-03-04T23:00"))

    def test_cutting_out_everything_leaves_nothing(self) -> None:
        assert without((span("2026-03-04T13:00", "2026-03-04T14:00"),), (span("2026-03-04T12:00", "2026-03-04T15:00"),)) == ()

    def test_the_week_is_the_coordinators_own(self) -> None:
        sunday_night_in_ohio = at("2026-03-09T03:00")
        assert week_of(sunday_night_in_ohio, "America/New_York") == date(2026, 3, 2)
        assert week_of(sunday_night_in_ohio, "Asia/Manila") == date(2026, 3, 9)
        assert week_bounds(date(2026, 3, 2), "America/New_York") == span("2026-03-02T05:00", "2026-03-09T04:00")


class TestPapers:
    def test_a_credential_lasts_to_the_end_of_its_last_day_where_the_coordinator_lives(self) -> None:
        assert valid_until(date(2026, 3, 5), "America/New_York") == at("2026-03-06T05:00")
        assert valid_until(date(2026, 3, 5), "Asia/Manila") == at("2026-03-05T16:00")
        assert valid_until(None, "Asia/Manila") is None

    def test_the_last_day_counts_the_day_after_does_not(self) -> None:
        day = window("2026-03-05T20:00", "2026-03-05T22:00")
        edge = (credential("hipaa_training", date(2026, 3, 5)), *person().credentials[1:])
        assert broken_rules(facts([request(day)], [person(credentials=edge)])) == set()
        past = (credential("hipaa_training", date(2026, 3, 4)), *person().credentials[1:])
        assert broken_rules(facts([request(day)], [person(credentials=past)])) == {"credentials"}

    def test_standing_credentials_are_always_asked_for(self) -> None:
        day = window("2026-03-05T20:00", "2026-03-05T22:00")
        without_background = tuple(one for one in person().credentials if one.kind != "background_check")
        assert broken_rules(facts([request(day)], [person(credentials=without_background)])) == {"credentials"}

    @pytest.mark.parametrize(("verified_on", "current"), [(date(2026, 2, 1), True), (date(2026, 1, 31), False)])
    def test_a_screening_is_good_for_31_days(self, verified_on: date, current: bool) -> None:
        papers = (*person().credentials[::2], credential("exclusion_screening", verified_on=verified_on))
        far = window("2026-03-25T14:00", "2026-03-25T16:00")
        # It is repeated monthly, so work further out is planned on a screening that is current today.
        assert broken_rules(facts([request(far)], [person(credentials=papers)])) == (set() if current else {"screening"})

    def test_somebody_without_a_screening_is_not_planned(self) -> None:
        day = window("2026-03-05T20:00", "2026-03-05T22:00")
        assert "screening" in broken_rules(facts([request(day)], [person(credentials=person().credentials[::2])]))

    def test_standing_on_a_day(self) -> None:
        today = date(2026, 3, 4)
        assert standing_of(None, today) is CredentialStanding.VERIFIED
        assert standing_of(date(2026, 4, 4), today) is CredentialStanding.VERIFIED
        assert standing_of(date(2026, 4, 3), today) is CredentialStanding.EXPIRING
        assert standing_of(today, today) is CredentialStanding.EXPIRING
        assert standing_of(date(2026, 3, 3), today) is CredentialStanding.EXPIRED

    def test_a_screening_counts_for_31_days_whatever_end_was_written_down(self) -> None:
        def standing(verified_on: date, expires_on: date | None = None) -> CredentialStanding:
            return credential_standing("exclusion_screening", expires_on, verified_on, date(2026, 3, 4))

        assert standing(date(2026, 1, 31), date(2027, 1, 1)) is CredentialStanding.EXPIRED
        assert standing(date(2026, 2, 1)) is CredentialStanding.EXPIRING
        assert standing(date(2026, 2, 6)) is CredentialStanding.EXPIRING
        assert standing(date(2026, 2, 7)) is CredentialStanding.VERIFIED
        assert standing(date(2026, 3, 1), date(2026, 3, 3)) is CredentialStanding.EXPIRED


class TestWhoMayGo:
    DAY = "2026-03-05T15:00", "2026-03-05T17:00"

    def test_a_us_only_facility_takes_nobody_abroad(self) -> None:
        asked = request(window(*self.DAY), offshore_allowed=False)
        abroad = person(work_country="PH")
        assert broken_rules(facts([asked], [abroad])) == {"work_country"}
        assert broken_rules(facts([asked], [person()])) == set()

    def test_an_excluded_coordinator_stays_away(self) -> None:
        assert broken_rules(facts([request(window(*self.DAY))], [person(excluded=frozenset({NORTH}))])) == {"excluded"}

    def test_nursing_needs_the_licence_of_the_facilitys_state(self) -> None:
        asked = request(window(*self.DAY), skills=("nursing_licence",))
        papers = (*person().credentials, credential("nursing_licence"))
        assert broken_rules(facts([asked], [person(credentials=papers)])) == {"licence"}
        assert broken_rules(facts([asked], [person(credentials=papers, licence_states=("OH",))])) == set()

    def test_a_request_that_asks_for_no_system_or_language_takes_anybody(self) -> None:
        asked = request(window(*self.DAY), ehr_system="", language="")
        assert broken_rules(facts([asked], [person(ehr_systems=(), languages=())])) == set()

    def test_who_has_left_is_not_in_the_team_and_who_leaves_works_to_the_last_day(self) -> None:
        asked = [request(window(*self.DAY))]
        gone = state_problem(facts(asked, [person(left_on=date(2026, 3, 3))]))
        assert gone is not None
        assert gone.coordinators == ()
        assert broken_rules(facts(asked, [person(left_on=date(2026, 3, 4))])) == {"availability"}
        assert broken_rules(facts(asked, [person(left_on=date(2026, 3, 5))])) == set()

    def test_known_are_those_oriented_there_or_who_have_served_there(self) -> None:
        for known in ({"oriented": frozenset({NORTH})}, {"served": frozenset({NORTH})}):
            stated = state_problem(facts([request(window(*self.DAY))], [person(**known)]))
            assert stated is not None
            assert stated.coordinators[0].known_facilities == {str(NORTH)}

    def test_money_is_whole_units_half_up(self) -> None:
        stated = state_problem(facts([request(window(*self.DAY))], [person()]))
        assert stated is not None
        assert (stated.requests[0].bill_per_hour, stated.coordinators[0].pay_per_hour) == (43, 24)


class TestWhatIsAssigned:
    DAY = "2026-03-05T15:00", "2026-03-05T17:00"

    def test_assigned_time_is_not_free(self) -> None:
        maria = person()
        busy = Booking(maria.id, SOUTH, span("2026-03-05T16:00", "2026-03-05T18:00"))
        stated = state_problem(facts([request(window(*self.DAY))], [maria], [busy]))
        assert stated is not None
        free = stated.coordinators[0].available
        assert span("2026-03-05T13:00", "2026-03-05T15:00") not in free
        assert broken_rules(facts([request(window(*self.DAY))], [maria], [busy])) == {"availability"}
        touching = Booking(maria.id, SOUTH, span("2026-03-05T17:00", "2026-03-05T19:00"))
        assert broken_rules(facts([request(window(*self.DAY))], [maria], [touching])) == set()

    def test_assigned_minutes_of_the_week_come_off_cap_and_target_even_before_now(self) -> None:
        maria = person()
        monday = Booking(maria.id, NORTH, span("2026-03-02T14:00", "2026-03-02T22:00"))
        last_week = Booking(maria.id, NORTH, span("2026-02-27T14:00", "2026-02-27T22:00"))
        stated = state_problem(facts([request(window(*self.DAY))], [maria], [monday, last_week]))
        assert stated is not None
        planned = stated.coordinators[0]
        assert (planned.cap_minutes, planned.target_minutes) == (2400 - 480, 2000 - 480)
        assert planned.limits == ()

    def test_a_week_that_is_full_takes_no_whole_request_that_needs_it(self) -> None:
        maria = person(weekly_cap_minutes=600)
        full = Booking(maria.id, NORTH, span("2026-03-02T14:00", "2026-03-02T23:00"))
        both_weeks = request(window("2026-03-05T15:00", "2026-03-05T17:00"), window("2026-03-12T15:00", "2026-03-12T17:00"))
        assert broken_rules(facts([both_weeks], [maria], [full])) == {"period_cap"}
        assert broken_rules(facts([both_weeks], [person(weekly_cap_minutes=660)], [])) == set()

    def test_facilities_already_served_count(self) -> None:
        maria = person(max_facilities=1)
        south = Booking(maria.id, SOUTH, span("2026-03-06T15:00", "2026-03-06T17:00"))
        assert broken_rules(facts([request(window(*self.DAY))], [maria], [south])) == {"forbidden"}
        asked = request(window(*self.DAY), facility_id=SOUTH)
        assert broken_rules(facts([asked], [maria], [south])) == set()


class TestWeeks:
    def test_each_week_of_the_horizon_has_its_own_cap_beside_what_is_assigned_in_it(self) -> None:
        maria = person(weekly_cap_minutes=240)
        booked = Booking(maria.id, SOUTH, span("2026-03-06T15:00", "2026-03-06T16:00"))
        asked = [
            request(window("2026-03-05T13:00", "2026-03-05T16:00")),
            request(window("2026-03-12T13:00", "2026-03-12T16:00")),
        ]
        stated = state_problem(facts(asked, [maria], [booked]))
        assert stated is not None
        (planned,) = stated.coordinators
        assert planned.cap_minutes == 180 + 240
        assert [(limit.during, limit.cap_minutes) for limit in planned.limits] == [
            (span("2026-03-02T05:00", "2026-03-09T04:00"), 180),
            (span("2026-03-09T04:00", "2026-03-16T04:00"), 240),
        ]
        assert check_problem(stated) == ()

    def test_a_plan_beyond_one_weeks_cap_breaks_a_rule_although_the_weeks_together_would_allow_it(self) -> None:
        maria = person(weekly_cap_minutes=240)
        asked = [request(window(f"2026-03-05T{hour}:00", f"2026-03-05T{hour + 3}:00")) for hour in (13, 17)]
        stated = state_problem(facts([*asked, request(window("2026-03-12T15:00", "2026-03-12T16:00"))], [maria]))
        assert stated is not None
        pairs = [Pair(str(maria.id), one.id) for one_asked in stated.requests[:2] for one in one_asked.windows]
        assert {violation.rule for violation in rule_violations(stated, pairs)} == {"period_cap"}
        assert list(rule_violations(stated, pairs[1:])) == []


class TestLayers:
    def test_a_request_nobody_covers_is_one_layer_with_its_headcount(self) -> None:
        windows = (window("2026-03-05T13:00", "2026-03-05T15:00", 2), window("2026-03-06T13:00", "2026-03-06T15:00", 2))
        assert layers(windows) == [(2, windows)]

    def test_windows_that_lack_different_numbers_are_told_apart(self) -> None:
        one, two = window("2026-03-05T13:00", "2026-03-05T15:00", 1), window("2026-03-06T13:00", "2026-03-06T15:00", 3)
        assert layers((two, one)) == [(1, (one, two)), (2, (two,))]
        stated = state_problem(facts([request(one, two)], [person(), person()]))
        assert stated is not None
        assert [(asked.headcount, len(asked.windows)) for asked in stated.requests] == [(1, 2), (2, 1)]
        assert {window_of(name.id) for asked in stated.requests for name in asked.windows} == {one.id, two.id}
        assert check_problem(stated) == ()

    def test_people_already_sharing_count(self) -> None:
        asked = request(window("2026-03-05T13:00", "2026-03-05T15:00", 1), headcount=2, max_coordinators=2)
        for people, sharers in ((0, 2), (2, 2), (3, 1), (4, 1)):
            stated = state_problem(facts([replace(asked, people=people)], [person()]))
            assert stated is not None
            assert stated.requests[0].max_coordinators == sharers


def test_nothing_open_is_no_problem() -> None:
    assert state_problem(facts([], [person()])) is None


def test_of_a_window_under_way_what_is_left_counts_from_the_next_quarter_of_an_hour() -> None:
    during = span("2026-03-04T14:30", "2026-03-04T17:00")
    assert remaining(during, at("2026-03-04T14:30")) == during
    assert remaining(during, at("2026-03-04T14:31")) == span("2026-03-04T14:45", "2026-03-04T17:00")
    assert remaining(during, at("2026-03-04T15:00")) == span("2026-03-04T15:00", "2026-03-04T17:00")
    assert remaining(during, at("2026-03-04T16:50")) == Interval(during.end, during.end)


def test_odd_lengths_set_the_grid() -> None:
    stated = state_problem(facts([request(window("2026-03-04T15:00", "2026-03-04T15:55"))], [person()]))
    assert stated is not None
    assert stated.slot_minutes == 5
    assert check_problem(stated) == ()
