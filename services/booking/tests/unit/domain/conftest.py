"""Lets the tests import the module beside them that several of them share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
