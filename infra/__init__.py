"""Where claylake runs: AWS stacks, and the same system on one machine."""

import sys
from pathlib import Path

# Here, because it precedes any module of infra. At the end, so that what a caller has put on the path comes first.
_DAGS = str(Path(__file__).parents[1] / "dags")
"""Where `claylake` lies in a checkout; the wheel has it beside `infra`."""
if _DAGS not in sys.path:
    sys.path.append(_DAGS)
