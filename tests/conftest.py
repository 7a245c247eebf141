"""For every room: properties are judged by what they find, never by the clock; processors are pretended from the start.

Two lanes of tests share few cores, and a single example may wait for seconds. Hypothesis' own limits, 200 ms an example
and some seconds of drawing, would call that a failure.
"""

from __future__ import annotations

from importlib.util import find_spec

from model.processor import this_processor

this_processor()  # a processor that is pretended (CLAYLAKE_CPU) is pretended from the first product on

if find_spec("hypothesis"):  # the infra environment does without
    from hypothesis import HealthCheck, settings

    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")
