"""What is encrypted at rest, and the fingerprints that stand for what was erased."""

from __future__ import annotations

import hashlib
import hmac
import zlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from plugin.config import ConfigError


class Undecryptable(Exception):
    """Stored data was encrypted with a key that ENCRYPTION_KEYS no longer holds."""


class Vault:
    """Encrypts with the first of several keys, decrypts with any (rotation: put the new key first, keep the old)."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        """Raises ConfigError when a key is not 32 url-safe base64 bytes."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise ConfigError("ENCRYPTION_KEYS holds a key that is not 32 bytes in url-safe base64") from None

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises Undecryptable."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise Undecryptable from None

    def seal_bytes(self, data: bytes) -> bytes:
        """Compress, then encrypt: a payload shrinks to about a fifth before it grows by a third."""
        return self._fernet.encrypt(zlib.compress(data, 1))

    def open_bytes(self, sealed: bytes) -> bytes:
        """Raises Undecryptable."""
        try:
            return zlib.decompress(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise Undecryptable from None


def fingerprint(secret_key: str, *parts: str) -> str:
    """A keyed hash (64 hex digits) of an identity that may no longer be stored itself."""
    return hmac.new(secret_key.encode(), "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()
