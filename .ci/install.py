#!/usr/bin/env python3
"""Install Relief Desk into `.venv`: `python3 .ci/install.py [--dev]`. Standard library only; the Makefile calls it.

Every package comes from a lock file with hashes: what builds the program, what it needs at run time and, with `--dev`, what
its tests and checks need. A stamp in `.venv` remembers what is installed, so that a second call costs next to nothing.
This file stays readable for any Python 3, so that an old one can be told in words that it is too old.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = str(ENVIRONMENT / "bin" / "python")
MADE_FOR = ENVIRONMENT / ".made-for"  # a checkout that was moved or copied has commands that name the old place
INSTALLER_LOCK = ".ci/installer.lock"
BUILD_LOCK = ".ci/build.lock"
RUNTIME_LOCK = "requirements.lock"
DEVELOPMENT_LOCK = "requirements-dev.lock"  # holds everything of the runtime lock as well


def main(arguments):
    if sys.version_info < OLDEST:
        use_newer_python(arguments)
    os.chdir(str(ROOT))
    development = "--dev" in arguments
    make_environment()
    if stamp(DEVELOPMENT_LOCK).is_file() or (not development and stamp(RUNTIME_LOCK).is_file()):
        return
    install(DEVELOPMENT_LOCK if development else RUNTIME_LOCK)


def use_newer_python(arguments):
    """Go on with a newer interpreter where PATH has one, otherwise say what is needed."""
    for minor in range(15, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer and subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(newer, [newer, str(Path(__file__).resolve()), *arguments])
    sys.exit(
        f"Relief Desk needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is {sys.version.split()[0]}.\n"
        "Install a newer one, or name it: make PYTHON=/path/to/python3.12 ..."
    )


def make_environment():
    """A virtual environment that works; one that was moved, or whose Python is gone, is made anew."""
    if environment_works():
        return
    try:
        import ensurepip  # noqa: F401 - Debian and Ubuntu ship it in a package of its own
        import venv
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments: its modules 'venv' and 'ensurepip' are not all there.\n"
            "On Debian and Ubuntu: apt-get install python3-venv"
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(str(ENVIRONMENT))
    MADE_FOR.write_text(str(ROOT))


def environment_works():
    """Whether the environment's interpreter runs, is new enough and has pip, and its commands name this directory."""
    if not Path(PYTHON).exists() or (MADE_FOR.exists() and MADE_FOR.read_text() != str(ROOT)):
        return False
    script = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    return subprocess.call([PYTHON, "-c", script], stderr=subprocess.DEVNULL) == 0


def install(lock):
    """Install what the lock names, then the program itself from this directory, and stamp it."""
    say(f"Installing the packages of {lock} (about 15 seconds the first time; a slow line takes longer)")
    installers = available_installers()
    run_first_that_works(installers, ["--require-hashes", "-r", BUILD_LOCK, "-r", lock])
    run_first_that_works(installers, ["--no-deps", "--no-build-isolation", "--editable", "."])
    for stale in ENVIRONMENT.glob(".installed-*"):
        stale.unlink()
    stamp(lock).touch()


def available_installers():
    """uv where it can be had (several times faster), and pip, which always can."""
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.call([*pip, "--require-hashes", "-r", INSTALLER_LOCK]) == 0:
        return [[PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON], pip]
    say("uv cannot be installed here; pip does it, more slowly")
    return [pip]


def run_first_that_works(installers, arguments):
    """Run the first installer; where it fails, go on with the next for good."""
    while subprocess.call(installers[0] + arguments) != 0:
        failed = installers.pop(0)
        if not installers:
            sys.exit("The packages could not be installed; the reason is above. Is the package registry within reach?")
        say(f"{failed[2]} failed; trying {installers[0][2]}")


def stamp(lock):
    """The file whose presence says: all that `lock` and the project's own description ask for is installed."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    described = {name: project.get(name) for name in ("build-system", "project")}
    described["packages"] = project["tool"]["hatch"]
    text = json.dumps(described, sort_keys=True) + (ROOT / BUILD_LOCK).read_text() + (ROOT / lock).read_text()
    return ENVIRONMENT / f".installed-{Path(lock).stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def say(sentence):
    print("install: " + sentence, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
