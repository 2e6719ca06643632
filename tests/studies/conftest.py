"""Makes the throw-away targets and learners importable by path, as a user's own would be."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
