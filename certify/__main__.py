"""Run the ``certify`` command as ``python -m certify``."""

from certify.cli import main

main()
