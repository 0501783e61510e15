"""Signatures of the official QQ platform: Ed25519 over a timestamp and a body, both ways with the bot's own key."""

from __future__ import annotations

import re
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SKEW: Final = 300
"""Seconds that a timestamp may lie behind or ahead of our clock."""

_TIMESTAMP: Final = re.compile("[0-9]{10}")
_SIGNATURE: Final = re.compile("[0-9a-fA-F]{128}")


class Key:
    """The key of a bot. Its seed is the bot's secret, repeated to 32 bytes."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("a bot has no secret")
        self._private = Ed25519PrivateKey.from_private_bytes((secret.encode() * 32)[:32])
        self._public = self._private.public_key()

    def sign(self, timestamp: str, body: bytes) -> str:
        """The signature in hex."""
        return self._private.sign(timestamp.encode() + body).hex()

    def has_signed(self, signature: str, timestamp: str, body: bytes) -> bool:
        """Whether this is the signature, in hex; False for whatever is none."""
        if not _SIGNATURE.fullmatch(signature):
            return False
        try:
            self._public.verify(bytes.fromhex(signature), timestamp.encode() + body)
        except InvalidSignature:
            return False
        return True


def is_fresh(timestamp: str, now: float) -> bool:
    """Whether it is a timestamp, ten digits and nothing else, of about now."""
    return _TIMESTAMP.fullmatch(timestamp) is not None and abs(now - int(timestamp)) <= SKEW
