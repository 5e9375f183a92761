"""`python -m staffing` is the same as `relief`."""

from staffing.cli import main

main()
