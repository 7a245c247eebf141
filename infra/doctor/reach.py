"""Ports, package index, proxies, torch's backend."""

from __future__ import annotations

from infra.doctor.finding import Finding, missing, ok, warning
from infra.doctor.machine import Installed, Network


def ports(facts: Network) -> Finding:
    """One for Airflow's UI, and some for the stand-in."""
    needed = f"a free port for the stand-in, {facts.port} for the UI of make up"
    if not facts.other_ports:
        return missing("ports", "none is free between 20000 and 32000", needed, "see what listens there")
    if facts.port_error:
        remedy = "make up takes another one and says so, or give it PORT=<another>; make demo does not mind"
        return warning("ports", f"{facts.port} {facts.port_error}", needed, remedy)
    return ok("ports", f"{facts.port} is free", needed)


def index(facts: Network, installed: Installed) -> Finding:
    """Whether packages can be fetched, by the user's own settings of uv or pip."""
    needed = "the package index of your settings, for make setup"
    if not facts.index_error:
        return ok("index", f"answers ({facts.index_program})", needed)
    if installed.complete:
        return ok("index", f"does not answer ({facts.index_error}); everything is installed", needed)
    if not facts.index_program:
        return warning("index", f"not queried: {facts.index_error}", needed, "install pip or uv")
    remedy = (
        "look at the network and at uv's and pip's settings (UV_DEFAULT_INDEX, PIP_INDEX_URL, proxy, SSL_CERT_FILE)"
    )
    return missing("index", f"does not answer ({facts.index_program}: {facts.index_error})", needed, remedy)


def settings(facts: Network, installed: Installed) -> Finding:
    """Variables that change where things come from."""
    lines = [f"{', '.join(facts.proxies)} set"] if facts.proxies else ["no proxy"]
    lines.append(
        f"TORCH_BACKEND={facts.torch_backend}"
        if facts.torch_backend
        else "torch of the lock (TORCH_BACKEND is not set)"
    )
    if facts.torch_error and not installed.complete:
        needed = "uv's index of that torch"
        remedy = "unset TORCH_BACKEND for the ordinary torch"
        return missing("settings", f"{'; '.join(lines)}: {facts.torch_error}", needed, remedy)
    return ok("settings", "; ".join(lines))
