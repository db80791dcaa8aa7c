"""`python -m contracts COMMAND`: generate, check, lint, breaking or accept."""

import sys

from contracts.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
