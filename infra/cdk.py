"""The CDK's command line in its pinned version, on a machine with or without Node.js.

``python -m infra.cdk deploy --all -c stage=production``: arguments are the CDK's own. What ``package-lock.json``
pins is installed first where it is missing; ``npm ci`` and ``npx cdk`` do the same where there is a Node.js.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra import node
from infra.cloud.sample import write_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
_CLI = ROOT / "node_modules/aws-cdk"
_BUILDLESS = ("bootstrap", "destroy", "list", "ls")
"""Commands that upload nothing, so that they need no build, and do not mind what is in one."""
_log = logging.getLogger(__name__)


class CliError(RuntimeError):
    """The CDK's command line cannot be had."""


def pinned() -> str:
    """Version that ``package.json`` names."""
    document = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return str(document["devDependencies"]["aws-cdk"])


def installed() -> str | None:
    """Version below ``node_modules``, if any."""
    try:
        return str(json.loads((_CLI / "package.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return None


def install() -> None:
    """Install what the lock pins, unless it is there.

    Raises:
        CliError: There is no npm, or it fails.
    """
    if installed() == pinned():
        return
    _log.info("installing the CDK's command line %s", pinned())
    done = subprocess.run([*_npm(), "ci", "--no-audit", "--no-fund"], cwd=ROOT, env=environment(), check=False)
    if done.returncode or installed() != pinned():
        raise CliError("npm ci has not installed the CDK's command line, see above")


def environment() -> dict[str, str]:
    """The process's own, with the chosen Node.js first on the path and known to jsii."""
    chosen = node.node()
    return {
        **os.environ,
        "PATH": f"{chosen.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        node.VARIABLE: str(chosen),
    }


def _npm() -> list[str]:
    """Command of npm: the one that comes with the chosen Node.js, else the machine's."""
    chosen = node.node()
    carried = chosen.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    if carried.is_file():
        return [str(chosen), str(carried)]
    found = shutil.which("npm")
    if found is None:
        raise CliError(f"{chosen} comes without npm: install npm, or run `make setup` and leave {node.VARIABLE} unset")
    return [found]


def arguments(given: Sequence[str], sample: Path) -> list[str]:
    """Arguments of the CDK; where no build is needed, with a sample of one, written to `sample`."""
    if not given or given[0] not in _BUILDLESS:
        return list(given)
    return [*given, "-c", f"dist={write_sample(sample)}"]


def main() -> int:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        install()
        with tempfile.TemporaryDirectory() as folder:
            command = [str(node.node()), str(_CLI / "bin/cdk"), *arguments(sys.argv[1:], Path(folder))]
            return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
    except (CliError, LookupError) as error:
        _log.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
