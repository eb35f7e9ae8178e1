"""`python -m meshctl`."""

from meshctl.cli.app import main

main()
