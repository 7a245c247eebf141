"""Faults that the stack injects for tests, each a limited number of times."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from infra.local.errors import FaultError

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = {
    "fail_step": "the step fails without running",
    "fail_step_after": "the step runs to its end, then counts as failed",
    "kill_step": "the step's processes are killed `after_s` seconds after their start",
    "fail_bootstrap": "the cluster fails while bootstrapping",
    "suspend_fleet": "an instance fleet never gets its instances",
    "no_spot": "an instance fleet gets no spot instances, on-demand ones it gets",
    "reject_call": "an EMR or Glue API call is answered with an error `code`",
    "lose_answer": "a Glue API call is carried out, and answered with an error `code` (status 500) all the same",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault to inject.

    Attributes:
        kind: A key of `KINDS`.
        match: Substring of the step, cluster, fleet or API operation name; empty matches all.
        times: How often it still strikes, at least 1.
        after_s: Seconds between a step's start and its death, for `kill_step`.
        code: AWS error code that `reject_call` and `lose_answer` answer with.
        then: Another fault, armed once this one has struck for the last time.
    """

    kind: str
    match: str = ""
    times: int = 1
    after_s: float = 0.0
    code: str = "ValidationException"
    then: Fault | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Fault:
        """Read `{"<kind>": "<match>", "times": 1, ...}`.

        Raises:
            FaultError: The document has no or several kinds, an unknown key or a bad value.
        """
        kinds = [key for key in document if key in KINDS]
        options = {key: value for key, value in document.items() if key not in KINDS}
        unknown = sorted(set(options) - {"times", "after_s", "code", "then"})
        if len(kinds) != 1 or unknown:
            message = (
                f"a fault names exactly one of {sorted(KINDS)} and may carry times, after_s, "
                f"code and then; got {sorted(document)}"
            )
            raise FaultError(message)
        try:
            fault = cls(
                kind=kinds[0],
                match=str(document[kinds[0]] or ""),
                times=int(options.get("times", 1)),
                after_s=float(options.get("after_s", 0.0)),
                code=str(options.get("code", cls.code)),
                then=cls.parse(options["then"]) if options.get("then") else None,
            )
        except (TypeError, ValueError) as error:
            raise FaultError(f"bad value in fault {dict(document)}: {error}") from error
        if fault.times < 1 or fault.after_s < 0:
            raise FaultError(f"times must be >= 1 and after_s >= 0, got {dict(document)}")
        return fault


class Faults:
    """The faults still to strike; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        with self._lock:
            self._faults.append(fault)

    def take(self, kind: str, name: str) -> Fault | None:
        """Use up one strike of the first armed fault of this kind that matches the name."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind == kind and fault.match in name:
                    left = replace(fault, times=fault.times - 1)
                    self._faults[index : index + 1] = [left] if left.times else [fault.then] if fault.then else []
                    return fault
        return None

    def armed(self, kind: str, name: str) -> bool:
        """Whether a fault of this kind is armed that matches the name."""
        with self._lock:
            return any(fault.kind == kind and fault.match in name for fault in self._faults)

    def active(self) -> list[dict[str, Any]]:
        """The armed faults as plain documents."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._faults.clear()
