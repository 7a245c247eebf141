"""EMR, made at its first use."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.local.aws.emr_service import LocalEmr
    from infra.local.aws.faults import Faults
    from infra.local.options import StackOptions


class LazyEmr:
    """The stack's EMR, made at its first use.

    Importing moto's EMR takes over a second, because it brings all of EC2: half the
    start of the stack, for a service that is needed only later.
    """

    def __init__(self, options: StackOptions, *, endpoint: str, s3: Any, faults: Faults) -> None:
        self._options, self._endpoint, self._s3, self._faults = options, endpoint, s3, faults
        self._lock = Lock()
        self._emr: LocalEmr | None = None

    def get(self) -> LocalEmr:
        """The EMR, once it is ready."""
        with self._lock:
            if self._emr is None:
                from infra.local.aws.emr_service import LocalEmr

                self._emr = LocalEmr(self._options, endpoint=self._endpoint, s3=self._s3, faults=self._faults)
            return self._emr

    def stop(self) -> None:
        """End its clusters, if it was ever needed."""
        with self._lock:
            emr = self._emr
        if emr:
            emr.stop()
