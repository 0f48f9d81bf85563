"""Names things by what they are made of. Pure but for reading the files it is given; used for images.

A tag made of a content hash says by itself whether the image is current, from any checkout.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_NOT_SOURCE = {"__pycache__", ".pytest_cache", ".ruff_cache", "dist", "build", "node_modules", ".venv"}
_NOT_SOURCE_SUFFIXES = {".pyc", ".pyo", ".egg-info"}


def source_files(folder: Path) -> list[Path]:
    """The files below a folder that count as source, sorted; nothing that a build or a test run leaves."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not _NOT_SOURCE.intersection(path.relative_to(folder).parts)
        and not any(Path(part).suffix in _NOT_SOURCE_SUFFIXES for part in path.relative_to(folder).parts)
    )


def content_hash(root: Path, paths: Iterable[Path], *texts: str) -> str:
    """Twelve hex digits for files (names below `root` and contents) and further texts."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    for text in texts:
        digest.update(f"\0{len(text)}\0{text}".encode())
    return digest.hexdigest()[:12]
