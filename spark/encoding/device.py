"""Where an encoder runs, and which precision is fast there."""

from model.processor import ProcessorError, this_processor
from spark.encoding.errors import ChoiceError, EncoderError

KINDS = ("cpu", "cuda", "mps")
AMPERE, VOLTA = (8, 0), (7, 0)
"""CUDA capabilities from which bf16, and fp16, have matrix units (CUDA C++ programming guide, compute capabilities)."""


def choose_device(wanted: str | None, arch: str) -> str:
    """The device that is named, else a GPU where there is one, else the CPU.

    Args:
        wanted: `cpu`, `cuda`, `cuda:<n>`, `mps`, or None.
        arch: What the artefact was built for; Apple's GPU is chosen only for artefacts built for it.

    Raises:
        EncoderError: There is no such device here, or `CLAYLAKE_CPU` names what this processor cannot pretend to be.
    """
    import torch

    try:
        this_processor()
    except ProcessorError as error:
        raise EncoderError(str(error)) from error

    if wanted is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if arch == "mps" and torch.backends.mps.is_available() else "cpu"
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(kind_of(wanted), False):
        usable = ", ".join(kind for kind in KINDS if present[kind])
        raise EncoderError(f"no device {wanted!r} here; this machine has: {usable}")
    return wanted


def kind_of(device: str) -> str:
    """`cuda` of `cuda:1`."""
    return device.partition(":")[0]


def precisions_to_try(wanted: str, offered: tuple[str, ...], device: str) -> tuple[str, ...]:
    """Precisions to try, in order: the one that is named, or with `auto` the fast one of this device, then fp32.

    Args:
        wanted: A precision, or `auto`.
        offered: Precisions that the artefact was built for; at least one.
        device: Where the encoder will run, as `choose_device` names it.

    Raises:
        ChoiceError: The artefact was not built for the one that is named.
    """
    if wanted != "auto":
        if wanted not in offered:
            raise ChoiceError("precision", wanted, ("auto", *offered))
        return (wanted,)
    fast = fast_precision(device)
    found = [name for name in (fast, "fp32") if name in offered]
    return tuple(dict.fromkeys(found)) or offered[:1]


def fast_precision(device: str) -> str:
    """The precision that the device multiplies matrices fastest in, without losing more than Clay's vectors bear.

    bf16 from Ampere on and on CPUs that are fast in it (`model.processor`); fp16 on Volta and Turing (T4); else fp32.
    """
    import torch

    kind = kind_of(device)
    if kind == "cuda":
        capability = torch.cuda.get_device_capability(device)
        return "bf16" if capability >= AMPERE else "fp16" if capability >= VOLTA else "fp32"
    return "bf16" if kind == "cpu" and this_processor().fast_bf16 else "fp32"
