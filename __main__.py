"""`python -m mendflow` is the command line."""

from .service.cli import main

main()
