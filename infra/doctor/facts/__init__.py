"""Reading the machine: one module for each group of facts. Findings are made of them elsewhere (`checks`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra.doctor.facts import folders, network, programs, system
from infra.doctor.machine import Machine

REPOSITORY = Path(__file__).resolve().parents[3]


def read_machine(environment: Mapping[str, str], repository: Path = REPOSITORY) -> Machine:
    """All facts; takes some seconds, of which the package index has most.

    Args:
        environment: Variables, as `make` passes them: `UV`, `PORT`, `MAKE_NAME`, `CLAYLAKE_CACHE` are its own.
        repository: The checkout.
    """
    software = programs.software(environment, repository)
    return Machine(
        system=system.system(repository),
        software=software,
        room=folders.room(environment, repository),
        installed=folders.installed(repository),
        network=network.network(environment, software.uv, repository),
    )
