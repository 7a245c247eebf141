"""Everything that is checked, in the order of the report."""

from __future__ import annotations

from infra.doctor import hardware, programs, reach, storage
from infra.doctor.finding import Finding
from infra.doctor.machine import Machine


def findings(machine: Machine) -> tuple[Finding, ...]:
    """All findings of a machine."""
    facts, software, installed = machine.system, machine.software, machine.installed
    linux_on_arm = facts.name == "Linux" and facts.architecture == "aarch64"
    # Elsewhere the ordinary torch comes without CUDA.
    cuda = facts.name == "Linux" and facts.architecture == "x86_64"
    small_torch = not cuda or machine.network.torch_backend == "cpu"
    return (
        hardware.system(facts),
        programs.make(software),
        programs.python(software, installed),
        programs.uv(software),
        programs.java(software, installed, none_for="Linux on ARM" if linux_on_arm else ""),
        programs.node(software),
        storage.disk(machine.room, installed, small_torch=small_torch),
        hardware.memory(facts),
        reach.ports(machine.network),
        hardware.processor(facts),
        hardware.gpu(facts),
        storage.environments(installed),
        storage.jars(installed),
        storage.caches(machine.room),
        reach.index(machine.network, installed),
        reach.settings(machine.network, installed),
    )
