"""Command line: `make doctor`, or `infra/python -m infra.doctor`."""

from __future__ import annotations

import os
import sys

from infra.doctor.checks import findings
from infra.doctor.facts import read_machine
from infra.doctor.finding import MISSING
from infra.doctor.page import page


def main() -> int:
    """Print what the machine has; 1 if `make demo` cannot work."""
    try:
        found = findings(read_machine(os.environ))
    except (OSError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"make doctor cannot read this machine: {error}\n")
        return 1
    sys.stdout.write(page(found))
    return int(any(finding.state == MISSING for finding in found))


if __name__ == "__main__":
    sys.exit(main())
