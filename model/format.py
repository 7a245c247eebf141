"""The folder that an encoder is built into, an artefact: names of its files, and what its `model.json` says.

The one place that knows this format: the build writes by it, and checks, the embed job, `make build` and `make deploy`
read by it. It needs the standard library alone, and is shipped to executors.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

FORMAT = 2
"""Of the folder; readers refuse any other."""
DESCRIPTION = "model.json"
"""Describes the folder; `claylake.release` repeats the name, since MWAA has no package `model`."""
WEIGHTS = "weights.safetensors"
REFERENCE = "reference.npz"
DN = "dn"
"""What programs take: harmonised DN."""

PUBLISHED = "clay-v1.5"
"""Name of the encoder whose weights are published, and which therefore needs a pin."""
COMMITTED, USERS = "committed", "user"
"""Whose pin an artefact was built under (`source.pin`): one committed for all users, or one user's."""


class FormatError(ValueError):
    """A folder has no description, or one that is not of this format."""


class Source(TypedDict, total=False):
    """Where weights are from: the seed of random ones, or a checkpoint and its pin (None where nothing pins it)."""

    seed: int
    checkpoint: str
    revision: str | None
    sha256: str | None
    pin: str | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How near the reference a build came.

    Attributes:
        max_error: Largest difference of a component.
        min_cosine: Least cosine between a vector and its reference.
        form: The form that was measured: another one than the program's where the building machine could not run that.
        device: Where.
        processor: That machine's.
    """

    max_error: float
    min_cosine: float
    form: str
    device: str
    processor: str


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One precision that an artefact was built for.

    Attributes:
        program: File of the exported program.
        form: What that is written with: `plain` or `onednn`.
        max_error: Largest difference of a component from the reference; None where only directions are held to.
        min_cosine: Least cosine between a vector and its reference.
        measured: What the build measured; None where an older one did not write all of it down.
    """

    program: str
    form: str
    max_error: float | None
    min_cosine: float
    measured: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """What `model.json` says.

    Attributes:
        format: `FORMAT`.
        name: Of the encoder.
        model_version: Its name and the first digits of its weights' digest; stored with every vector.
        weights_digest: sha256 that names the weights before a sensor was folded in.
        arch: Kind of device that it was built for: `cpu`, `cuda` or `mps`.
        architecture: Sizes of the network, by name; for Clay's, those of `model.lean.LeanConfig`.
        torch: Version of torch that exported the programs.
        sensor: Clay's name of it.
        bands: Names of the chips' bands, in order.
        means: Of training pixels, DN, by band.
        stds: Standard deviations of the same.
        wavelengths_um: Central wavelengths, micrometres, by band.
        gsd_m: Ground sampling distance, metres.
        input: `DN`.
        chip_px: Side of a chip.
        max_batch: Most chips that the programs take at once.
        dim: Length of a vector.
        conventions: Input conventions that the reference has vectors for.
        default_convention: One of them.
        precisions: What was built, by precision.
        sha256: Digest by file name, of every other file of the folder.
        source: Where the weights are from.
        note: What a reader must know of the weights.
    """

    format: int = FORMAT
    name: str
    model_version: str
    weights_digest: str
    arch: str
    architecture: Mapping[str, object]
    torch: str
    sensor: str
    bands: tuple[str, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    wavelengths_um: tuple[float, ...]
    gsd_m: float
    input: str = DN
    chip_px: int
    max_batch: int
    dim: int
    conventions: tuple[str, ...]
    default_convention: str
    precisions: Mapping[str, Offer]
    sha256: Mapping[str, str]
    source: Source
    note: str

    def save(self, folder: Path) -> None:
        """Write it into a folder whose other files are all there: a folder with a description is whole."""
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self), indent=2) + "\n")


def program_name(precision: str) -> str:
    """File of a precision's exported program."""
    return f"encoder-{precision}.pt2"


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_description(folder: Path) -> Description:
    """Read a folder's description; the files that it lists are not checked.

    Raises:
        FormatError: It is missing, of another format, or lacks something; the message says what to do.
    """
    path = folder / DESCRIPTION
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FormatError(f"{path} is missing: not a model folder, or one whose build did not end") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from error
    try:
        return _parsed(text)
    except FormatError as error:
        raise FormatError(f"{path} {error}") from error


def _parsed(text: str) -> Description:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FormatError(f"is not JSON: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise FormatError(f"is of format {found!r}; this reader knows {FORMAT}: build the model again")
    try:
        described = _description(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"has a missing or damaged entry ({error}); build the model again") from error
    if described.input != DN:
        raise FormatError(f"says input {described.input!r}; only {DN!r} is known here")
    foreign = [name for name in described.sha256 if Path(name).name != name]
    if foreign:
        raise FormatError(f"lists {foreign[0]!r}; only files of the folder itself may be listed")
    return described


def _description(document: Mapping[str, Any]) -> Description:
    arch = str(document["arch"])
    return Description(
        name=str(document["name"]),
        model_version=str(document["model_version"]),
        weights_digest=str(document["weights_digest"]),
        arch=arch,
        architecture=dict(document["architecture"]),
        torch=str(document["torch"]),
        sensor=str(document["sensor"]),
        bands=tuple(map(str, document["bands"])),
        means=_numbers(document["means"]),
        stds=_numbers(document["stds"]),
        wavelengths_um=_numbers(document["wavelengths_um"]),
        gsd_m=float(document["gsd_m"]),
        input=str(document["input"]),
        chip_px=int(document["chip_px"]),
        max_batch=int(document["max_batch"]),
        dim=int(document["dim"]),
        conventions=tuple(map(str, document["conventions"])),
        default_convention=str(document["default_convention"]),
        precisions={str(name): _offer(offered, arch) for name, offered in document["precisions"].items()},
        sha256={str(name): str(digest) for name, digest in document["sha256"].items()},
        source=_source(document["source"]),
        note=str(document["note"]),
    )


def _offer(offered: Mapping[str, Any], arch: str) -> Offer:
    largest, measured = offered["max_error"], offered.get("measured") or {}
    return Offer(
        program=str(offered["program"]),
        form=str(offered.get("form", "onednn" if arch == "cpu" else "plain")),  # older builds do not say
        max_error=None if largest is None else float(largest),
        min_cosine=float(offered["min_cosine"]),
        measured=_measured(measured) if measured.keys() >= Measured.__dataclass_fields__.keys() else None,
    )


def _measured(measured: Mapping[str, Any]) -> Measured:
    return Measured(
        max_error=float(measured["max_error"]),
        min_cosine=float(measured["min_cosine"]),
        form=str(measured["form"]),
        device=str(measured["device"]),
        processor=str(measured["processor"]),
    )


def _source(source: Mapping[str, Any]) -> Source:
    known = Source()
    if "seed" in source:
        known["seed"] = int(source["seed"])
    if "checkpoint" in source:
        known["checkpoint"] = str(source["checkpoint"])
    for name in ("revision", "sha256", "pin"):
        if name in source:
            known[name] = None if source[name] is None else str(source[name])
    return known


def _numbers(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(map(float, values))
