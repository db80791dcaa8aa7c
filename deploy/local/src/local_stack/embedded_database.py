"""SecantusDB as its own command starts it, with threads that take turns more often.

It has a thread for each connection, and each step into its storage gives the interpreter away. With Python's 5 ms a
short statement waits that long behind a long one, several times over (docs/performance.md).
"""

import sys

from secantus.cli import main

SWITCH_SECONDS = 0.0005

if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_SECONDS)
    sys.exit(main())
