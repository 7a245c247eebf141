"""A self-signed certificate in DER, with the standard library alone (RFC 5280; RFC 8017 for the signature).

The key pair comes from outside: here it is only read and used once.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_INTEGER, _BIT_STRING, _OCTET_STRING, _NULL, _OID, _UTF8, _SEQUENCE, _SET = 2, 3, 4, 5, 6, 12, 0x30, 0x31
_UTC_TIME, _GENERAL_TIME, _TRUE = 23, 24, bytes([1, 1, 0xFF])
_SHA256_RSA, _SHA256 = "1.2.840.113549.1.1.11", "2.16.840.1.101.3.4.2.1"
_COMMON_NAME, _ALTERNATIVE_NAMES, _BASIC_CONSTRAINTS = "2.5.4.3", "2.5.29.17", "2.5.29.19"
_DNS_NAME, _EXPLICIT_0, _EXPLICIT_3 = 0x82, 0xA0, 0xA3


@dataclass(frozen=True)
class RsaKey:
    """What signing needs of an RSA private key."""

    modulus: int
    exponent: int

    @classmethod
    def read(cls, pkcs8: bytes) -> RsaKey:
        """From PKCS#8 in DER (RFC 5958): the key is an octet string after version and algorithm."""
        _, _, wrapped = _children(next(_elements(pkcs8))[1])
        _, modulus, _, exponent, *_ = _children(next(_elements(wrapped))[1])
        return cls(int.from_bytes(modulus), int.from_bytes(exponent))

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256."""
        algorithm = _der(_SEQUENCE, _oid(_SHA256), _der(_NULL))
        digest = _der(_SEQUENCE, algorithm, _der(_OCTET_STRING, hashlib.sha256(message).digest()))
        size = (self.modulus.bit_length() + 7) // 8
        padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
        return pow(int.from_bytes(padded), self.exponent, self.modulus).to_bytes(size)


def certificate(name: str, *, key: RsaKey, public_key: bytes, start: datetime, end: datetime) -> bytes:
    """A certificate that trusts itself, in DER.

    Args:
        name: DNS name, perhaps with a wildcard.
        key: Signs.
        public_key: SubjectPublicKeyInfo in DER.
        start: UTC.
        end: UTC.
    """
    algorithm = _der(_SEQUENCE, _oid(_SHA256_RSA), _der(_NULL))
    subject = _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _oid(_COMMON_NAME), _der(_UTF8, name.encode()))))
    names = _der(_SEQUENCE, _der(_DNS_NAME, name.encode()))
    extensions = _der(
        _SEQUENCE,
        _der(_SEQUENCE, _oid(_BASIC_CONSTRAINTS), _TRUE, _der(_OCTET_STRING, _der(_SEQUENCE, _TRUE))),
        _der(_SEQUENCE, _oid(_ALTERNATIVE_NAMES), _der(_OCTET_STRING, names)),
    )
    body = _der(
        _SEQUENCE,
        _der(_EXPLICIT_0, _integer(2)),
        _integer(secrets.randbits(120) + 1),
        algorithm,
        subject,
        _der(_SEQUENCE, _time(start), _time(end)),
        subject,
        public_key,
        _der(_EXPLICIT_3, extensions),
    )
    return _der(_SEQUENCE, body, algorithm, _der(_BIT_STRING, b"\0", key.sign(body)))


def pem(label: str, der: bytes) -> str:
    """DER as text (RFC 7468)."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray([first * 40 + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        content += bytes(reversed(groups))
    return _der(_OID, bytes(content))


def _time(moment: datetime) -> bytes:
    """Two digits of the year before 2050, four from then on (RFC 5280, 4.1.2.5)."""
    if moment.year < 2050:
        return _der(_UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return _der(_GENERAL_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents, one after another."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size]), at + size
        yield tag, data[at : at + length]
        at += length


def _children(content: bytes) -> list[bytes]:
    return [inner for _, inner in _elements(content)]
