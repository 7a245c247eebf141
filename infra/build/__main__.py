"""Command line: ``python -m infra.build --arch cuda --model clay-v1.5 --out dist``; see `make build`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.build.environment import find_uv
from infra.build.errors import BuildError
from infra.build.make import Sources, make
from infra.build.models import builder, describe, find_models
from infra.build.table import table
from infra.local.home import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
CUDA, CPU = "cuda", "cpu"
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, and say what was built."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=(CUDA, CPU), help="what the nodes that embed have; cuda if not given")
    parser.add_argument("--model", action="append", required=True, help="artefact folder or name; repeat for more")
    parser.add_argument(
        "--precision", action="append", default=[], help="for encoders to hold, too, also if slow here; repeat for more"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args(arguments)
    arch = options.arch or CUDA
    if options.arch is None:
        log.info("no ARCH given: building for a cluster whose nodes embed on GPUs, cuda; ARCH=cpu for nodes without")
    home = Home()
    # A small torch for nodes without a GPU; an empty variable takes the locked one, which runs there, too.
    backend = os.environ.get("TORCH_BACKEND", CPU) or None if arch == CPU else None
    try:
        sources = Sources(
            root=ROOT,
            jars=ROOT / ".cache/jars",
            models=find_models(options.model, builder(home.python("spark"), ROOT, arch, options.precision)),
            cache=home.cache,
            uv=find_uv(home.cache),
            backend=backend,
        )
        files = make(sources, options.out.resolve(), arch)
        about = [describe(folder) for folder in sources.models]
    except BuildError as error:
        log.error("%s", error)  # noqa: TRY400 - what the user can do about it, without a traceback
        return 1
    release = next(file.sha256 for file in files if file.name == "SHA256SUMS")
    log.info("\n%s\n\n%s\nrelease %s in %s", table(files), "\n".join(about), release[:12], options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
