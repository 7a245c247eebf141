"""What this machine trusts, for a Java that brings its own list of authorities.

Behind a network that signs with its own authority, Python knows it (from the system, or from `SSL_CERT_FILE`), and a
Java from a package does not.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
_SALT = b"Mighty Aphrodite"
PASSWORD = "changeit"  # noqa: S105 - Java's own for lists that anybody may read
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def authorities(paths: ssl.DefaultVerifyPaths | None = None) -> tuple[bytes, ...]:
    """Certificates (DER) of the authorities that Python trusts; none where it finds no list of them."""
    paths = paths or ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath and not files:
        files += sorted(Path(paths.capath).glob("*.[0-9]"))
    found: dict[bytes, None] = {}
    for file in files:
        with suppress(OSError):
            found.update(dict.fromkeys(certificates(file.read_text(encoding="utf-8", errors="replace"))))
    return tuple(found)


def certificates(text: str) -> Iterable[bytes]:
    """Those of a PEM file, as DER."""
    for part in text.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if end:
            with suppress(ValueError):
                certificate = base64.b64decode("".join(body.split()), validate=True)
                if certificate:
                    yield certificate


def key_store(trusted: Iterable[bytes]) -> bytes:
    """A list of authorities as Java reads it: JKS, whose layout is that of OpenJDK's `JavaKeyStore.engineStore`."""
    entries = [
        struct.pack(">I", _TRUSTED) + _text(f"authority{number}") + bytes(8) + _text("X.509") + _sized(certificate)
        for number, certificate in enumerate(trusted)
    ]
    data = struct.pack(">III", _MAGIC, _VERSION, len(entries)) + b"".join(entries)
    digest = hashlib.sha1(PASSWORD.encode("utf-16-be") + _SALT + data)  # noqa: S324 - the format's own
    return data + digest.digest()


def options(store: Path) -> Sequence[str]:
    """Java's options to trust a list."""
    return (f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={PASSWORD}")


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def _sized(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value
