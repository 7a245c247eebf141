"""Free ports, for programs that take theirs as an argument and bind it only when they are up."""

from __future__ import annotations

import random
import socket

from infra.local.errors import StackError

HOST = "127.0.0.1"
"""Where all servers of the stack listen."""
_PORTS = range(20_000, 32_000)
_TRIES = 100


def free_port() -> int:
    """A free port of this machine.

    It lies below those that the kernel gives to programs that take any (Linux: from 32,768): else another
    program could be given it in the seconds until it is bound.

    Raises:
        StackError: There is none.
    """
    for port in random.SystemRandom().sample(_PORTS, _TRIES):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise StackError(f"of {_TRIES} ports between {_PORTS.start} and {_PORTS.stop} none is free")


def preferred_port(port: int) -> int:
    """A port that a server could have now: the given one, or another free one where a program has it.

    Args:
        port: That is wanted; 0 takes any.

    Raises:
        StackError: There is none.
    """
    if not port:
        return free_port()
    with socket.socket() as probe:
        # As servers do: a port whose last connections are only waiting to be forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return free_port()
    return port
