"""Random tokens that people hold and of which only a hash is stored."""

import base64
import hashlib
import hmac
import secrets


def new_token() -> str:
    """256 random bits, URL-safe, 43 characters."""
    return _text(secrets.token_bytes(32))


def new_salt() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(32)


def hash_of(token: str) -> str:
    """SHA-256 in hex. No salt and no stretching: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def successor_of(token: str, salt: bytes) -> str:
    """The token after `token`: HMAC-SHA256 of a random salt under it.

    Whoever has both can make it again, so that a lost answer can be given once more although only its hash is stored;
    the salt alone, which is what the store has, is worth nothing.
    """
    return _text(hmac.digest(token.encode(), salt, "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
