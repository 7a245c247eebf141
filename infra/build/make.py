"""Put ``dist/`` together."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import package
from infra.build import mwaa
from infra.build.environment import environment
from infra.build.errors import BuildError
from infra.build.layers import read_layers
from infra.build.manifest import BUILD_MANIFEST, File, seal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a build is made of.

    Attributes:
        root: The checkout.
        jars: Folder of the checked jars.
        models: Folders of encoder artefacts.
        cache: Per-user cache, which keeps the packed environments.
        uv: The program.
        backend: Build of torch in place of the locked one, e.g. `cpu`; None takes the locked one.
    """

    root: Path
    jars: Path
    models: Sequence[Path]
    cache: Path
    uv: Path
    backend: str | None


def make(sources: Sources, out: Path, arch: str) -> list[File]:
    """Build `out` beside itself and put it in place when it is whole.

    Args:
        sources: What the build is made of.
        out: Folder of the build; an earlier build in it is replaced.
        arch: `cuda` or `cpu`, what the nodes that embed have; the manifest names it.

    Raises:
        BuildError: `out` is something else, or an environment cannot be built.
    """
    if out.exists() and any(out.iterdir()) and not (out / BUILD_MANIFEST).is_file():
        raise BuildError(f"{out} holds no {BUILD_MANIFEST}, so it is not a build that may be replaced: move it away")
    layers = read_layers(sources.root / "locks", sources.backend)
    archives = [environment(layer, cache=sources.cache, uv=sources.uv) for layer in layers]
    partial = out.with_name(out.name + ".part")
    package.assemble(sources.root, partial, jars=sources.jars, models=sources.models)
    (partial / "env").mkdir()
    for archive in archives:
        _link(archive, partial / "env" / archive.name)
    shutil.copytree(sources.root / "infra/bin", partial / "bin")
    mwaa.assemble(sources.root, partial / "mwaa")
    log.info("digests")
    files = seal(partial, arch)
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return files


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
