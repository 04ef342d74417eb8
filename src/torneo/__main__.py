"""`python -m torneo` is the command line."""

from torneo.cli import main

main()
