"""The desk's pages of a contract: read in words, agreed anew, tried without agreeing; charges waived; nothing typed is lost."""

import re
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from support.contracts import agree_on
from support.invoices import at, work
from support.visitors import Visitor
from support.world import World, principal

from staffing.contracts.reading import agreement
from staffing.facilities.models import RateCard
from staffing.invoicing import charges, service
from staffing.invoicing.models import Charge
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")

RICH = {
    "premiums": [
        {"kind": "night", "from": "22:00", "to": "06:00", "multiplier": "1.25"},
        {"kind": "weekend", "multiplier": "1.5"},
        {"kind": "holiday", "region": "US-OH", "days": ["2026-12-24"], "multiplier": "2", "observed": False},
    ],
    "premium_rule": "stack",
    "minimum_call_minutes": 15,
    "overtime": {"multiplier": "1.5", "after_weekly_minutes": 2400, "week_starts_on": "sunday"},
    "guaranteed_minimum_minor": 100_000,
    "commitment": {"minimum_minor": 900_000, "from": "2026-01-01", "to": "2026-12-31"},
    "retainer": {
        "fee_minor": 200_000,
        "included_minutes": 2400,
        "overage_per_hour": "45.00",
        "services": ["patient_care_coordinator"],
        "roll_over": {"limit_minutes": 600, "expires_after_periods": 2},
    },
    "late_cancellation": [
        {"kind": "percent", "window_minutes": 1440, "percent": "50"},
        {"kind": "full", "window_minutes": 240},
    ],
    "conversion_fee": {"amount_minor": 500_000, "reduced_by": "hours", "free_after_minutes": 60_000},
    "price_rises": [{"on": "2027-01-01", "percent": "3.5", "round_to": "0.25"}],
    "tax": {"rates": [{"name": "Sales tax", "percent": "5.75", "jurisdiction": "US-OH"}]},
}


def here(world: World) -> str:
    return f"/desk/facilities/{world.north}/contract"


def typed(page: str) -> dict[str, str]:
    """Every control of the form as a browser would send it."""
    form = page.rsplit('<form method="post"', maxsplit=1)[-1]
    sent: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            sent[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        first = re.search(r'value="([^"]*)"', options)
        sent[name] = chosen[1] if chosen else first[1] if first else ""
    sent.pop("csrf_token", None)
    return sent


async def test_every_term_is_a_sentence(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, RICH, rounding=(6, "up", "line"))
    page = (await (await sign_in("bella")).get(here(world))).text.replace("&#39;", "'")
    for words in (
        "From 1 Jun 2025, in force",
        "$42.00",
        "The time of each invoice line is rounded up to full 6 min; an exact multiple stays as it is.",
        "Each entry is billed for at least 15 min.",
        "Nights, 22:00 to 06:00 on the facility's clock, cost ×1.25.",
        "Saturdays and Sundays cost ×1.5.",
        "Public holidays of US-OH and 24 Dec 2026 cost ×2.",
        "Where several hold at once, they multiply.",
        "What one coordinator works here beyond 40 h in a week from Sunday costs ×1.5.",
        "Each invoice period comes to at least $1,000.00; what is missing is added as a line.",
        "From 1 Jan 2026 to 31 Dec 2026 at least $9,000.00 are billed together",
        "Each invoice period costs $2,000.00 and includes 40 h of Patient Care Coordinator.",
        "What is beyond costs $45.00 an hour.",
        "Included time that is not used rolls over for 2 further periods, 10 h at most.",
        "A booking cancelled less than 4 h before it begins costs as much as if it had been worked.",
        "A booking cancelled less than 24 h before it begins costs 50 % of what was booked.",
        "Hiring one of our coordinators costs $5,000.00.",
        "The fee falls evenly to nothing over 1,000 h of work here.",
        "From 1 Jan 2027 all prices rise by 3.5 %, rounded to $0.25.",
        "Sales tax of 5.75 % (US-OH) is added to each line.",
    ):
        assert words in page, words


async def test_an_hour_at_a_chosen_moment_is_worked_out(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, RICH)
    bella = await sign_in("bella")
    page = (await bella.get(f"{here(world)}?service=prior_authorization&at=2026-03-10T22:00")).text
    # 45.50 x 1.25 = 56.875
    assert "Tuesday 10 Mar 2026, 22:00" in page
    assert "$45.50, night ×1.25" in page
    assert "$56.88" in page
    assert "$85.31" in page, "Saturday night: 45.50 x 1.25 x 1.5 = 85.3125"
    wrong = await bella.get(f"{here(world)}?at=soon")
    assert wrong.status_code == 422
    assert "Please give a day and a time" in wrong.text


async def test_what_the_form_opens_with_is_what_it_agrees_on(database: Database, world: World, sign_in: SignIn) -> None:
    """Sent back as it is, from another day on, it gives the same terms: nothing that it does not show is lost."""
    async with database.transaction(SYSTEM) as tx:
        prices = {"patient_care_coordinator": "42.00", ("patient_care_coordinator", 3): "48.125"}
        await agree_on(tx, world.north, RICH, prices=prices, rounding=(15, "nearest", "entry"))
    bella = await sign_in("bella")
    opened = await bella.get(f"{here(world)}/new")
    assert opened.status_code == 200, opened.text[:3000]
    sent = typed(opened.text)
    assert sent["valid_from"] == "2026-03-04"
    sent |= {"retainer_services": "patient_care_coordinator"}
    answer = await bella.post(here(world), sent, follow=False)
    assert answer.status_code == 303, re.findall(r"field-error.*?<span>(.*?)</span>", answer.text)
    async with database.transaction(SYSTEM) as tx:
        first, second = (await agreement(tx, world.north)).versions
    assert (second.valid_from, second.card, second.tax) == (date(2026, 3, 4), first.card, first.tax)


async def test_prices_and_terms_are_agreed_from_a_day_on(database: Database, world: World, sign_in: SignIn) -> None:
    bella = await sign_in("bella")
    sent = typed((await bella.get(f"{here(world)}/new")).text)
    sent |= {"valid_from": "2026-04-01", "price_patient_care_coordinator": "$44.50", "weekend_multiplier": "1.5"}
    sent |= {"cancel_window_1": "24", "cancel_kind_1": "hours", "cancel_value_1": "2.5"}
    tried = await bella.post(here(world), {**sent, "try": "1"})
    assert tried.status_code == 200
    assert "$66.75" in tried.text, "Saturday: 44.50 x 1.5"
    async with database.transaction(SYSTEM) as tx:
        assert len((await agreement(tx, world.north)).versions) == 1
    assert (await bella.post(here(world), sent, follow=False)).status_code == 303
    async with database.transaction(SYSTEM) as tx:
        card = (await tx.scalars(select(RateCard).where(RateCard.valid_from == date(2026, 4, 1)))).one()
        version = (await agreement(tx, world.north)).in_force(date(2026, 4, 1))
    assert card.terms == {
        "premiums": [{"kind": "weekend", "multiplier": "1.5"}],
        "late_cancellation": [{"kind": "hours", "window_minutes": 1440, "minutes": 150}],
    }
    assert version is not None
    assert version.card.services["patient_care_coordinator"].bill_per_hour == Decimal("44.50")
    assert "From 1 Apr 2026, to come" in (await bella.get(here(world))).text


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"valid_from": ""}, "valid_from", "from which day on"),
        ({"price_patient_care_coordinator": "a lot"}, "price_patient_care_coordinator", "price an hour above 0"),
        ({"night_from": "22:00", "night_multiplier": "1.2"}, "night_to", "Please fill this in"),
        ({"night_from": "22:00", "night_to": "22:00", "night_multiplier": "1.2"}, "night_multiplier", "has no length"),
        ({"weekend_multiplier": "0.5"}, "weekend_multiplier", "between 1 and 10"),
        ({"holiday_region": "US-XX", "holiday_multiplier": "2"}, "holiday_multiplier", "not a holiday region"),
        ({"overtime_weekly": "40"}, "overtime_multiplier", "Please fill this in"),
        ({"cancel_kind_1": "percent", "cancel_window_1": "24"}, "cancel_value_1", "Please fill this in"),
        ({"retainer_fee": "2000"}, "retainer_hours", "Please fill this in"),
        ({"rise_on_1": "2026-03-01", "rise_percent_1": "3"}, "rise_on_1", "comes after the first day"),
        ({"tax_name_1": "Sales tax", "tax_percent_1": "101"}, "tax_percent_1", "0 to 100"),
        ({"level_service_1": "patient_care_coordinator", "level_price_1": "50"}, "level_1", "choose a level"),
        (
            {"overtime_weekly": "40", "overtime_multiplier": "1.5", "overtime_pass": "negotiated"},
            "overtime_patient_care_coordinator",
            "price of an hour of overtime",
        ),
    ],
)
async def test_each_mistake_stands_beside_its_field_and_nothing_typed_is_lost(
    database: Database, world: World, sign_in: SignIn, change: dict[str, str], field: str, said: str
) -> None:
    bella = await sign_in("bella")
    sent = typed((await bella.get(f"{here(world)}/new")).text) | {"valid_from": "2026-04-01", "tax_region_2": "US-WI"} | change
    answer = await bella.post(here(world), sent)
    assert answer.status_code == 422
    beside = re.search(rf'id="f-{field}-error".*?</p>', answer.text, re.DOTALL)
    assert beside is not None, re.findall(r"field-error.{0,300}", answer.text, re.DOTALL)
    assert said in beside[0].replace("&#39;", "'")
    kept = typed(answer.text)
    assert {name: kept.get(name) for name in change} == change
    assert kept["tax_region_2"] == "US-WI"
    async with database.transaction(SYSTEM) as tx:
        assert len((await agreement(tx, world.north)).versions) == 1


async def test_what_was_billed_does_not_change(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    billing = principal(world, "bella")
    async with database.transaction(billing.scope()) as tx:
        drafted = await service.draft_invoice(tx, billing, world.north, date(2026, 3, 1), date(2026, 3, 3))
        await service.review(tx, billing, drafted.id)
        await service.finalize(tx, billing, drafted.id)
    bella = await sign_in("bella")
    sent = typed((await bella.get(f"{here(world)}/new")).text)
    refused = await bella.post(here(world), {**sent, "valid_from": "2026-03-03"})
    assert refused.status_code == 422
    assert "Days up to 3 Mar 2026 are on an invoice already" in refused.text
    assert (await bella.post(here(world), {**sent, "valid_from": "2026-03-04"}, follow=False)).status_code == 303


async def test_a_charge_is_waived_with_a_reason(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, {"conversion_fee": {"amount_minor": 500_000}})
        work(tx, world, at(2, 9))
    bella = await sign_in("bella")
    hired = {"coordinator_id": str(world.maria), "hired_on": "2026-03-04"}
    wrong = await bella.post(f"/desk/facilities/{world.north}/conversions", {**hired, "hired_on": "soon"})
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    done = await bella.post(f"/desk/facilities/{world.north}/conversions", hired)
    assert "The conversion fee of $5,000.00 goes on the next invoice." in done.text
    async with database.transaction(SYSTEM) as tx:
        charge = (await tx.scalars(select(Charge))).one()
    assert (await bella.post(f"/desk/charges/{charge.id}/waive", {"reason": " "})).status_code == 422
    page = (await bella.post(f"/desk/charges/{charge.id}/waive", {"reason": "Part of the new contract."})).text
    assert "Waived by Bella Quint: “Part of the new contract.”" in page


async def test_billing_and_the_owner_agree_others_do_not_see_it(database: Database, world: World, sign_in: SignIn) -> None:
    for name, status in (("olga", 200), ("bella", 200), ("dora", 403), ("alice", 404), ("charlie", 404), ("maria", 404)):
        visitor = await sign_in(name)
        assert (await visitor.get(here(world))).status_code in ({status, 403, 404} if status != 200 else {200}), name
        if status != 200:
            assert (await visitor.post(here(world), {"valid_from": "2026-04-01"})).status_code in (403, 404)
    async with database.transaction(SYSTEM) as tx:
        assert len((await agreement(tx, world.north)).versions) == 1
        caller = principal(world, "dora")
    with pytest.raises(Exception, match="may not"):
        async with database.transaction(caller.scope()) as tx:
            await charges.waive(tx, caller, world.north, "x")
