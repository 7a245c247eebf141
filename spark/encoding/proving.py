"""From an artefact to an encoder that has reproduced its reference vectors on its device."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.execution import Execution
from spark.encoding.artefact import Artefact
from spark.encoding.device import kind_of, precisions_to_try
from spark.encoding.errors import (
    ArtefactError,
    ChoiceError,
    EncoderError,
    ExecutionError,
    MemoryShortError,
    SelfCheckError,
    UnsoundError,
)
from spark.encoding.graph import Graph
from spark.encoding.network import Network, executions_here, load_network
from spark.encoding.quickest import in_order, key_of
from spark.encoding.runner import NetworkEncoder
from spark.encoding.selfcheck import Deviation, Reference, read_reference
from spark.encoding.sizing import batch_of, seconds_of_pass

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How an encoder shall run; see `spark.encoding.load_encoder`.

    Attributes:
        convention: How times and places are fed.
        precision: One that the artefact offers, or `auto`.
        path: Name of an execution path (`model.execution`), or `auto`.
        device: Where it runs.
        batch: Chips per pass; None finds out.
        tuning: Folder of the batch sizes and paths that this machine's workers found; None where each finds its own.
    """

    convention: str
    precision: str
    path: str
    device: str
    batch: int | None
    tuning: Path | None


def prove(artefact: Artefact, trial: Trial) -> NetworkEncoder:
    """The encoder of the first precision that passes its self-check, by the quickest execution path that does.

    Raises:
        EncoderError: As of `spark.encoding.load_encoder`.
    """
    started = time.monotonic()
    reference = read_reference(artefact, trial.convention)
    precisions = precisions_to_try(trial.precision, tuple(artefact.described.precisions), trial.device)
    encoder, found = _first_good(artefact, reference, trial, precisions)
    encoder.batch = batch_of(
        encoder, reference, wanted=trial.batch, most=artefact.described.max_batch, tuning=trial.tuning
    )
    if kind_of(trial.device) == "cuda":
        record(encoder, artefact, reference)
    encoder.recheck = lambda: _recheck(encoder, artefact, reference)
    log.info(
        "%s on %s (%s, %s, %s) is %.1g from its reference, cosine %.6f; batches of %d; ready in %.1f s",
        encoder.model_version,
        trial.device,
        encoder.precision,
        encoder.path,
        trial.convention,
        found.error,
        found.cosine,
        encoder.batch,
        time.monotonic() - started,
    )
    return encoder


def check(encoder: NetworkEncoder, artefact: Artefact, reference: Reference) -> Deviation:
    """Embed the reference chips and compare.

    Args:
        encoder: What embeds them.
        artefact: Says how far off each precision may be.
        reference: Chips of the artefact, and their expected vectors.

    Raises:
        SelfCheckError: The vectors are further off than the artefact allows for the precision.
    """
    prepared = encoder.prepare(reference.chips, reference.lonlat, reference.when)
    found = Deviation.between(encoder.raw(prepared), reference.vectors)
    found.require(artefact.described.precisions[encoder.precision], precision=encoder.precision, device=encoder.device)
    return found


def record(encoder: NetworkEncoder, artefact: Artefact, reference: Reference) -> None:
    """Replace the network by a recording of it at the encoder's batch, if that can be made and passes the check.

    Args:
        encoder: On a CUDA device, with its batch size set; keeps its network where there is no recording.
        artefact: Gives the shape of a chip, and how far off the precision may be.
        reference: Chips for the check, and their expected vectors.
    """
    plain = encoder.network
    try:
        graph = Graph(plain.forward, batch=encoder.batch, chip_shape=artefact.chip_shape, device=encoder.device)
        encoder.network = Network(forward=graph, path=f"{plain.path}+graph", plain=plain)
        check(encoder, artefact, reference)
    except (RuntimeError, SelfCheckError, MemoryShortError) as error:
        encoder.network = plain
        log.warning("going on without a CUDA graph: %s", error)


def _first_good(
    artefact: Artefact, reference: Reference, trial: Trial, precisions: Sequence[str]
) -> tuple[NetworkEncoder, Deviation]:
    """The first precision that runs and passes its self-check; the last one's failure is raised."""
    *others, last = precisions
    for choice in others:
        try:
            return _quickest_good(artefact, reference, trial, choice)
        except (SelfCheckError, ExecutionError) as error:
            log.warning("%s does not serve on %s, going on with %s: %s", choice, trial.device, last, error)
    return _quickest_good(artefact, reference, trial, last)


def _quickest_good(
    artefact: Artefact, reference: Reference, trial: Trial, precision: str
) -> tuple[NetworkEncoder, Deviation]:
    """By the quickest of the execution paths that pass the self-check; on GPUs by the first of them.

    Raises:
        SelfCheckError: None passes; this is the first one's failure.
        ExecutionError: None can be loaded.
        ChoiceError: The path that was chosen is not possible.
        ArtefactError: The program is missing or altered; or the weights are, and there is no other path.
    """
    possible = executions_here(artefact, precision, trial.device)
    chosen = [execution for execution in possible if trial.path in {"auto", execution.name}]
    if not chosen:
        raise ChoiceError("path", trial.path, ("auto", *(execution.name for execution in possible)))
    tried = _Tried(lambda execution: _checked(artefact, reference, trial, precision, execution), reference)
    if kind_of(trial.device) == "cpu":
        known = trial.tuning / key_of(artefact.described.model_version, precision) if trial.tuning else None
        chosen = list(in_order(chosen, tried.seconds, known=known))
    for execution in chosen:
        good = tried.good(execution)
        if good is not None:
            return good
    raise tried.failed[chosen[0]]


class _Tried:
    """Execution paths of one precision, each checked once. One network is held at a time: at full size each takes 1 GB.

    Attributes:
        failed: Why those that failed did.
    """

    def __init__(self, checked: Callable[[Execution], tuple[NetworkEncoder, Deviation]], reference: Reference) -> None:
        self.failed: dict[Execution, EncoderError] = {}
        self._checked = checked
        self._reference = reference
        self._held: dict[Execution, tuple[NetworkEncoder, Deviation]] = {}

    def good(self, execution: Execution) -> tuple[NetworkEncoder, Deviation] | None:
        """The encoder that runs by this path; None, and a line in the log, where that fails."""
        if execution not in self._held and execution not in self.failed:
            self._held.clear()
            try:
                self._held[execution] = self._checked(execution)
            except (SelfCheckError, ExecutionError, ArtefactError) as error:
                if isinstance(error, ArtefactError) and execution.kind == "pt2":
                    raise  # a program is what an artefact is for; weights need not be those of `model.lean`
                self.failed[execution] = error
                log.warning("running by %s is passed over: %s", execution.name, error)
        return self._held.get(execution)

    def seconds(self, execution: Execution) -> float | None:
        """Time of a pass of one chip; None where the path fails."""
        good = self.good(execution)
        if good is None:
            return None
        good[0].batch = 1
        return seconds_of_pass(good[0], self._reference, 1)


def _checked(
    artefact: Artefact, reference: Reference, trial: Trial, precision: str, execution: Execution
) -> tuple[NetworkEncoder, Deviation]:
    encoder = NetworkEncoder(
        load_network(artefact, precision, trial.device, execution),
        artefact,
        convention=trial.convention,
        precision=precision,
        device=trial.device,
        batch=len(reference.chips),
    )
    try:
        return encoder, check(encoder, artefact, reference)
    except RuntimeError as error:  # an operator that this device lacks
        first = str(error).strip().partition("\n")[0]
        raise ExecutionError(f"{precision} by {execution.name} does not run on {trial.device}: {first}") from error


def _recheck(encoder: NetworkEncoder, artefact: Artefact, reference: Reference) -> None:
    try:
        check(encoder, artefact, reference)
    except (RuntimeError, SelfCheckError, MemoryShortError) as error:
        raise UnsoundError(
            f"{encoder.device} has ceased to reproduce the reference vectors; no chip is to blame. Start the worker "
            f"anew, and look at the device if it happens again: {error}"
        ) from error
