"""Configuration: read once from the environment, frozen, printed by `relief doctor`. Every value has a working default."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from staffing.errors import ReliefError


class BadSettings(ReliefError):
    """The configuration cannot be used."""


def _setting(variable: str, meaning: str, *, secret: bool = False) -> Any:
    return field(metadata={"variable": variable, "meaning": meaning, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All configuration of one deployment."""

    port: int = _setting("PORT", "port of the web server on this machine")
    host: str = _setting("RELIEF_HOST", "address the web server listens on")
    public_url: str = _setting("RELIEF_PUBLIC_URL", "address people reach it under; https makes cookies secure-only")
    proxies: int = _setting("RELIEF_PROXIES", "proxies in front that add the caller to X-Forwarded-For; 0: it is not believed")
    home: Path = _setting("RELIEF_HOME", "folder of the embedded database, secrets and files")
    database_url: str = _setting("DATABASE_URL", "PostgreSQL 15 or later, as the owning role; empty: bring our own", secret=True)
    stripe_api_key: str = _setting("STRIPE_API_KEY", "Stripe's key; empty: the built-in sandbox", secret=True)
    stripe_webhook_secret: str = _setting("STRIPE_WEBHOOK_SECRET", "signing secret of the webhook endpoint", secret=True)
    secret_key: str = _setting("RELIEF_SECRET_KEY", "key of form tokens; empty: made once and kept in RELIEF_HOME", secret=True)
    demo: bool = _setting("RELIEF_DEMO", "1: invented data and demo logins on the sign-in page")
    clock_file: Path | None = _setting("RELIEF_CLOCK_FILE", "demo only: a file with the instant to take for now")
    failpoint: str = _setting("RELIEF_FAILPOINT", "tests only, in demo mode: where a process dies, see `persistence.failpoints`")
    idle_minutes: int = _setting("RELIEF_IDLE_MINUTES", "minutes without a click before a session ends")
    session_hours: int = _setting("RELIEF_SESSION_HOURS", "hours after which a session ends in any case")
    solver_seconds: int = _setting("RELIEF_SOLVER_SECONDS", "time limit of one planning run")
    solver_helpers: int = _setting(
        "RELIEF_SOLVER_HELPERS", "pieces of a plan that workers on other machines (same RELIEF_SECRET_KEY) solve at once; 0: none"
    )
    database_fast: bool = _setting("RELIEF_DATABASE_FAST", "1: embedded database without fsync, for tests only")

    @property
    def secure(self) -> bool:
        """Whether people reach the site over TLS."""
        return self.public_url.startswith("https://")

    @property
    def uses_sandbox(self) -> bool:
        return not self.stripe_api_key

    @property
    def stripe_mode(self) -> str:
        """`sandbox` (built in, no money), `test` or `live` at Stripe."""
        if self.uses_sandbox:
            return "sandbox"
        return "live" if "_live_" in self.stripe_api_key else "test"

    @property
    def local_url(self) -> str:
        """How our own processes reach the web server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"{self.local_url}/sandbox/stripe"

    def described(self) -> list[tuple[str, str, str]]:
        """(variable, value or a mask, meaning) of every setting, for `relief doctor`."""
        rows = []
        for item in fields(self):
            value = getattr(self, item.name)
            shown = ("set" if value else "not set") if item.metadata["secret"] else str("" if value is None else value)
            rows.append((str(item.metadata["variable"]), shown, str(item.metadata["meaning"])))
        return rows


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises `BadSettings` with one sentence that names the variable."""
    env = os.environ if environ is None else environ
    port = _whole(env, "PORT", 8000, 1, 65535)
    home = Path(env.get("RELIEF_HOME") or ".relief").expanduser().resolve()
    demo = env.get("RELIEF_DEMO", "") in {"1", "true", "yes"}
    clock_file = env.get("RELIEF_CLOCK_FILE") or None
    if clock_file and not demo:
        raise BadSettings("RELIEF_CLOCK_FILE moves the clock and is only for demo mode (RELIEF_DEMO=1).")
    failpoint = env.get("RELIEF_FAILPOINT", "")
    if failpoint and not demo:
        raise BadSettings("RELIEF_FAILPOINT makes processes die and is only for tests in demo mode (RELIEF_DEMO=1).")
    api_key = env.get("STRIPE_API_KEY", "")
    webhook_secret = env.get("STRIPE_WEBHOOK_SECRET", "")
    if api_key and not webhook_secret:
        raise BadSettings("STRIPE_API_KEY is set but STRIPE_WEBHOOK_SECRET is not: payments would never be booked.")
    settings = Settings(
        port=port,
        host=env.get("RELIEF_HOST") or "127.0.0.1",
        public_url=(env.get("RELIEF_PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        proxies=_whole(env, "RELIEF_PROXIES", 0, 0, 9),
        home=home,
        database_url=env.get("DATABASE_URL", ""),
        stripe_api_key=api_key,
        stripe_webhook_secret=webhook_secret or kept_secret(home, "stripe-sandbox-webhook", prefix="whsec_"),
        secret_key=env.get("RELIEF_SECRET_KEY") or kept_secret(home, "form-tokens"),
        demo=demo,
        clock_file=Path(clock_file) if clock_file else None,
        failpoint=failpoint,
        idle_minutes=_whole(env, "RELIEF_IDLE_MINUTES", 15, 1, 720),
        session_hours=_whole(env, "RELIEF_SESSION_HOURS", 12, 1, 72),
        solver_seconds=_whole(env, "RELIEF_SOLVER_SECONDS", 20, 1, 3600),
        solver_helpers=_whole(env, "RELIEF_SOLVER_HELPERS", 0, 0, 64),
        database_fast=env.get("RELIEF_DATABASE_FAST", "") == "1",
    )
    if settings.secure and settings.uses_sandbox:
        raise BadSettings("Behind https a Stripe key is needed: the built-in sandbox takes test cards for real payments.")
    if settings.secure and demo:
        raise BadSettings("Demo mode shows its passwords on the sign-in page and is refused behind https.")
    return settings


def kept_secret(home: Path, name: str, *, prefix: str = "") -> str:
    """A random secret made once and kept readable by its owner only."""
    folder = home / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        # Written whole under another name and linked: a process that starts at the same moment never reads half of it.
        draft = folder / f".{name}.{os.getpid()}"
        draft.touch(0o600)
        draft.write_text(prefix + secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def _whole(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise BadSettings(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
    return int(text)
