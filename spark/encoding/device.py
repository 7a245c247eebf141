"""Where an encoder runs, and what that device is good at."""

from model.processor import ProcessorError, here
from spark.encoding.errors import ChoiceError, EncoderError

KINDS = ("cpu", "cuda", "mps")
AMPERE, VOLTA = (8, 0), (7, 0)
"""CUDA capabilities from which bf16, and fp16, have matrix units (CUDA C++ programming guide, compute capabilities)."""


def choose_device(asked: str | None, arch: str) -> str:
    """The device asked for, else a GPU where there is one, else the CPU.

    Args:
        asked: `cpu`, `cuda`, `cuda:<n>`, `mps`, or None.
        arch: What the artefact was built for; Apple's GPU is taken unasked only for artefacts built for it.

    Raises:
        EncoderError: There is no such device here, or this processor is asked to play one that it cannot.
    """
    import torch

    try:
        here()
    except ProcessorError as error:
        raise EncoderError(str(error)) from error

    if asked is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if arch == "mps" and torch.backends.mps.is_available() else "cpu"
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(kind_of(asked), False):
        usable = ", ".join(kind for kind in KINDS if present[kind])
        raise EncoderError(f"no device {asked!r} here; this machine has: {usable}")
    return asked


def kind_of(device: str) -> str:
    """`cuda` of `cuda:1`."""
    return device.partition(":")[0]


def candidates(asked: str, offered: tuple[str, ...], device: str) -> tuple[str, ...]:
    """Precisions to try, best first: the one asked for, or with `auto` what is fast here, then fp32.

    Raises:
        ChoiceError: The artefact does not offer what was asked for.
    """
    if asked != "auto":
        if asked not in offered:
            raise ChoiceError("precision", asked, ("auto", *offered))
        return (asked,)
    fast = fast_precision(device)
    wanted = [name for name in (fast, "fp32") if name in offered]
    return tuple(dict.fromkeys(wanted)) or offered[:1]


def fast_precision(device: str) -> str:
    """The precision that the device multiplies matrices fastest in, without losing more than Clay's vectors bear.

    bf16 from Ampere on and on CPUs that are fast in it (`model.processor`); fp16 on Volta and Turing (T4); else fp32.
    """
    import torch

    kind = kind_of(device)
    if kind == "cuda":
        capability = torch.cuda.get_device_capability(device)
        return "bf16" if capability >= AMPERE else "fp16" if capability >= VOLTA else "fp32"
    return "bf16" if kind == "cpu" and here().fast_bf16 else "fp32"
