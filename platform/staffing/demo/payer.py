"""Somebody who pays: opens the hosted invoice page as a browser would, types a test card and sends the form."""

import re
from urllib.parse import urljoin

import httpx

from staffing.errors import ReliefError

TEST_CARD = "4242 4242 4242 4242"
_TOKEN = re.compile(r'name="form_token"\s+value="([^"]+)"')
_ACTION = re.compile(r'<form method="post" action="([^"]+)"')


class NotPaid(ReliefError):
    """The hosted payment page did not take the card."""


async def pay(hosted_url: str, card: str = TEST_CARD) -> None:
    """Pay an invoice of the sandbox on its hosted page. Raises `NotPaid`."""
    async with httpx.AsyncClient(timeout=20, follow_redirects=True) as browser:
        page = await browser.get(hosted_url)
        token, action = _TOKEN.search(page.text), _ACTION.search(page.text)
        if token is None or action is None:
            raise NotPaid("The hosted payment page has no form: the invoice is not open there.")
        address = urljoin(str(page.url), action[1])
        answer = await browser.post(address, data={"form_token": token[1], "card_number": card})
        if answer.status_code >= 400:
            raise NotPaid
