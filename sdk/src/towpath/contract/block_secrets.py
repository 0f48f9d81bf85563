"""Where secrets of blocks lie, and how they travel the only way they do outside Kubernetes.

In a cluster they are keys of Secrets, in a pod files below `names.BLOCKS_DIR`, in local mode files below TOWPATH_HOME. Used by
the SDK, which reads them, and by the API, which writes them.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

from towpath.contract.declared import EncodedSecret
from towpath.contract.resources.block import SecretRef

SECRETS_FOLDER: Final = "secrets"
"""Below TOWPATH_HOME; a folder of its own for each namespace, below it for each block, in it a file for each field."""

_SAFE_FIELD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SAFE_PART: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class BlockSecrets(BaseModel):
    """The secrets of a block in local mode, for those who hold the server's token and are on another machine."""

    secrets: dict[str, str | EncodedSecret] = Field(repr=False)


def is_file_name(field: str) -> bool:
    """Whether a secret field's name can be a file's, as it must to reach a pod."""
    return _SAFE_FIELD.fullmatch(field) is not None


def local_secret_file(home: Path, namespace: str, ref: SecretRef) -> Path | None:
    """The file that keeps a secret in local mode; None for names that lead anywhere else."""
    if not _SAFE_PART.fullmatch(namespace) or not _SAFE_PART.fullmatch(ref.secret) or not is_file_name(ref.key):
        return None
    return home / SECRETS_FOLDER / namespace / ref.secret / ref.key


def encode_secret(value: bytes) -> str | EncodedSecret:
    """A secret for the wire: its text, or its bytes in base64 where they are no text."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return EncodedSecret(base64=b64encode(value).decode())


def decode_secret(value: str | EncodedSecret) -> bytes:
    """The secret's bytes.

    Raises:
        ValueError: what should be base64 is not; the message does not show it.
    """
    if isinstance(value, str):
        return value.encode()
    try:
        return b64decode(value.base64, validate=True)
    except Base64Error:
        raise ValueError("is not base64") from None
