"""How a call to Stripe can fail, in our own words: what matters is whether the work may have been done.

Nothing here imports the Stripe library, so that callers can name these types without the cost of loading it.
"""

from __future__ import annotations

from typing import ClassVar


class StripeFailure(Exception):
    """A call to Stripe did not do what was asked.

    `retry_same_key` says whether sending the same request again with the same idempotency key is safe and may help.
    Where it is not, look the object up first (the gateway's `find_…`); only then is a new attempt, under a new
    key, in order.
    """

    retry_same_key: bool = False
    retry_after: float | None = None
    """Seconds that Stripe asks to wait (`Retry-After`), where it does."""
    should_retry: bool | None = None
    """What Stripe says about repeating the request (`Stripe-Should-Retry`), where it does."""
    in_words: ClassVar[str] = "The payment provider did not do what was asked."

    def __init__(self, message: str = "", *, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message or self.in_words)
        self.code = code
        self.request_id = request_id

    @property
    def message(self) -> str:
        """A sentence for logs and the billing desk; it may quote Stripe."""
        return str(self.args[0])


class StripeUnreachable(StripeFailure):
    """No connection: the request never left. Nothing was done."""

    retry_same_key = True
    in_words = "The payment provider cannot be reached; nothing was charged."


class StripeBusy(StripeFailure):
    """Too many requests, or another request with this key is at work. Wait, then send the same again."""

    retry_same_key = True
    in_words = "The payment provider is busy."


class StripeOutcomeUnknown(StripeFailure):
    """A time-out or a failure inside Stripe: the work may or may not have been done.

    The same key may be sent again, which never doubles the work. When the failure itself was a saved answer played back
    (`replayed`), it will be played back for as long as the key lives: then look the object up. `answered` tells a failure
    inside Stripe (5xx) from no answer at all.
    """

    retry_same_key = True
    in_words = "It is not known whether the payment provider did the work."

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        request_id: str | None = None,
        replayed: bool = False,
        answered: bool = False,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.replayed = replayed
        self.answered = answered
        self.retry_same_key = not replayed


class StripeDeclined(StripeFailure):
    """The payer's bank or card said no. `decline_code` is Stripe's word for why."""

    in_words = "The payment was declined."

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        request_id: str | None = None,
        decline_code: str | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.decline_code = decline_code


class StripeRefused(StripeFailure):
    """Stripe understood and said no: a wrong parameter, state, key or permission. Repeating it cannot help.

    `code` is Stripe's: `resource_missing`, `parameter_unknown`, `invoice_not_editable`, `idempotency_error` …
    """

    in_words = "The payment provider refused the request."

    def __init__(
        self, message: str = "", *, code: str | None = None, request_id: str | None = None, parameter: str | None = None
    ) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.parameter = parameter


class StripeMisconfigured(ValueError):
    """The keys and addresses do not fit together: start-up stops with this message."""
