"""Lets `python -m usher_cli` stand for `usher`."""

from usher_cli.app import main

main()
