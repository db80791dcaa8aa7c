"""Lets the tests import the modules of the bench, which runs as a script from its own folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
