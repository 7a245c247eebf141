"""From an artefact to an encoder that has reproduced its reference vectors on its device."""

import logging
import time
from pathlib import Path

from spark.encoding.artefact import Artefact
from spark.encoding.device import candidates, kind_of
from spark.encoding.errors import MemoryShortError, SelfCheckError, UnsoundError
from spark.encoding.graph import Graph
from spark.encoding.network import Network, load_network
from spark.encoding.runner import NetworkEncoder
from spark.encoding.selfcheck import Deviation, Reference, read_reference
from spark.encoding.sizing import batch_of

log = logging.getLogger(__name__)


def prove(
    artefact: Artefact, *, convention: str, precision: str, device: str, batch: int | None, memory: Path | None
) -> NetworkEncoder:
    """The encoder of the first precision that passes its self-check. Arguments as of `spark.encoder.load_encoder`.

    Raises:
        EncoderError: As there.
    """
    started = time.monotonic()
    reference = read_reference(artefact, convention)
    encoder, found = _first_good(artefact, reference, convention=convention, precision=precision, device=device)
    encoder.batch = batch_of(encoder, reference, asked=batch, most=artefact.max_batch, memory=memory)
    if kind_of(device) == "cuda":
        record(encoder, artefact, reference)
    encoder.sound = lambda: _still_sound(encoder, artefact, reference)
    log.info(
        "%s on %s (%s, %s, %s) is %.1g from its reference, cosine %.6f; batches of %d; ready in %.1f s",
        encoder.model_version,
        device,
        encoder.precision,
        encoder.path,
        convention,
        found.error,
        found.cosine,
        encoder.batch,
        time.monotonic() - started,
    )
    return encoder


def check(encoder: NetworkEncoder, artefact: Artefact, reference: Reference) -> Deviation:
    """Embed the reference chips and compare.

    Raises:
        SelfCheckError: The vectors are further off than the artefact allows for the precision.
    """
    prepared = encoder.prepare(reference.chips, reference.lonlat, reference.when)
    found = Deviation.between(encoder.raw(prepared), reference.vectors)
    found.require(artefact.offers[encoder.precision], precision=encoder.precision, device=encoder.device)
    return found


def record(encoder: NetworkEncoder, artefact: Artefact, reference: Reference) -> None:
    """Replace the network by a recording of it at the encoder's batch, if that can be made and passes the check."""
    plain = encoder.network
    try:
        graph = Graph(plain.forward, batch=encoder.batch, chip_shape=artefact.chip_shape, device=encoder.device)
        encoder.network = Network(graph, f"{plain.path}+graph", plain)
        check(encoder, artefact, reference)
    except (RuntimeError, SelfCheckError, MemoryShortError) as error:
        encoder.network = plain
        log.warning("going on without a CUDA graph: %s", error)


def _first_good(
    artefact: Artefact, reference: Reference, *, convention: str, precision: str, device: str
) -> tuple[NetworkEncoder, Deviation]:
    """With `auto`, a precision that fails its self-check gives way to the next; the last one's failure is final."""
    *others, last = candidates(precision, tuple(artefact.offers), device)
    for choice in others:
        try:
            return _checked(artefact, reference, convention, choice, device)
        except SelfCheckError as error:
            log.warning("%s is not precise enough on %s, going on with %s: %s", choice, device, last, error)
    return _checked(artefact, reference, convention, last, device)


def _checked(
    artefact: Artefact, reference: Reference, convention: str, precision: str, device: str
) -> tuple[NetworkEncoder, Deviation]:
    encoder = NetworkEncoder(
        load_network(artefact, precision, device),
        artefact,
        convention=convention,
        precision=precision,
        device=device,
        batch=len(reference.chips),
    )
    return encoder, check(encoder, artefact, reference)


def _still_sound(encoder: NetworkEncoder, artefact: Artefact, reference: Reference) -> None:
    try:
        check(encoder, artefact, reference)
    except (RuntimeError, SelfCheckError, MemoryShortError) as error:
        raise UnsoundError(
            f"{encoder.device} has ceased to reproduce the reference vectors; no chip is to blame. Start the worker "
            f"anew, and look at the device if it happens again: {error}"
        ) from error
