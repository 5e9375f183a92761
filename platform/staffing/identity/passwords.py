"""Passwords: Argon2id, off the event loop, a few at a time because each takes memory and a core."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type

from staffing.errors import Invalid

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 200
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
"""OWASP's second recommended setting (19 MiB, 2 passes, 1 lane)."""
_turnstile = asyncio.Semaphore(2)
_COMMON = frozenset({"password1234", "123456789012", "qwertyuiop12", "letmein12345", "reliefdesk12", "passwordpassword"})


def check_new(password: str) -> None:
    """Raise `Invalid` with the reason when a password must not be used. No rule about which characters."""
    if len(password) < MINIMUM_LENGTH:
        raise Invalid(password=f"Use at least {MINIMUM_LENGTH} characters. A sentence is fine.")
    if len(password) > MAXIMUM_LENGTH:
        raise Invalid(password=f"Use at most {MAXIMUM_LENGTH} characters.")
    if password.lower() in _COMMON or len(set(password)) < 4:
        raise Invalid(password="This password is among the first ones guessed. Choose another.")  # noqa: S106


async def hash_password(password: str) -> str:
    async with _turnstile:
        return await asyncio.to_thread(_hasher.hash, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. With no account (None) the same work is done, so that the time tells nothing."""
    async with _turnstile:
        return await asyncio.to_thread(_verify, password_hash or _nobody(), password) and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerifyMismatchError:
        return False


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
