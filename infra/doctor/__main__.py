"""Command line: `make doctor`, or `infra/python -m infra.doctor`."""

from __future__ import annotations

import os
import sys

from infra.doctor.checks import findings
from infra.doctor.finding import MISSING
from infra.doctor.look import look
from infra.doctor.page import page


def main() -> int:
    """Say what is there; 1 if `make demo` cannot work."""
    try:
        found = findings(look(os.environ))
    except (OSError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"make doctor cannot look at this machine: {error}\n")
        return 1
    sys.stdout.write(page(found))
    return int(any(finding.state == MISSING for finding in found))


if __name__ == "__main__":
    sys.exit(main())
