"""Command line: ``python -m infra.build --arch cuda --model clay-v1.5 --out dist``; see `make build`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from infra.build.environment import find_uv
from infra.build.errors import BuildError
from infra.build.make import Sources, make
from infra.build.models import builder, describe, find_models
from infra.build.table import table
from infra.local.home import Home

ROOT = Path(__file__).parents[2]
CPU = "cpu"
log = logging.getLogger(__name__)


def main() -> int:
    """Build, and say what was built."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=("cuda", CPU), required=True, help="what the nodes that embed have")
    parser.add_argument("--model", action="append", required=True, help="artefact folder or name; repeat for more")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    home = Home()
    # A small torch for nodes without a GPU; an empty variable asks for the locked one, which runs there, too.
    backend = os.environ.get("TORCH_BACKEND", CPU) or None if options.arch == CPU else None
    try:
        sources = Sources(
            root=ROOT,
            jars=ROOT / ".cache/jars",
            models=find_models(options.model, builder(home.python("spark"), ROOT, options.arch)),
            cache=home.cache,
            uv=find_uv(home.cache),
            backend=backend,
        )
        files = make(sources, options.out.resolve(), options.arch)
        about = [describe(folder) for folder in sources.models]
    except BuildError as error:
        log.error("%s", error)  # noqa: TRY400 - what the user can do about it, without a traceback
        return 1
    release = next(file.sha256 for file in files if file.name == "SHA256SUMS")
    log.info("\n%s\n\n%s\nrelease %s in %s", table(files), "\n".join(about), release[:12], options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
