"""`python -m matching`: plan a week from a file, check a plan, explain it. Exit codes are in `matching.commands.exits.Exit`."""

from __future__ import annotations

import sys

from matching.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
