"""Ports are free when they are given."""

import socket

import pytest

from infra.local import ports
from infra.local.errors import StackError


def test_a_port_that_is_given_can_be_bound():
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports.free_port()))


def test_a_port_in_use_is_passed_over(monkeypatch):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        taken = server.getsockname()[1]
        monkeypatch.setattr(ports, "_PORTS", range(taken, taken + 1))
        monkeypatch.setattr(ports, "_TRIES", 1)
        with pytest.raises(StackError, match="none is free"):
            ports.free_port()


def test_a_wanted_port_is_taken_where_it_is_free_and_another_where_not():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", ports.free_port()))
        server.listen()
        wanted = server.getsockname()[1]
        assert ports.preferred_port(wanted) not in (wanted, 0)
    assert ports.preferred_port(wanted) == wanted
    assert ports.preferred_port(0) > 0
