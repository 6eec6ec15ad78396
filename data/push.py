"""``python -m data push``: put the store in use where other servers find it.

The address is a folder or an object store (anything that fsspec can write to). The store file goes
first and the pointer last, each whole or not at all, so that a server which watches the address
(:mod:`core.mirror`) never reads half a build. Builds that stand there stay.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import fsspec  # type: ignore[import-untyped]

from core.model import BuildError
from core.store import POINTER, Store
from data.raw_folder import sha256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address", help="a folder, or an address such as s3://bucket/stores or file:///srv/stores"
    )


def push(store: Path, address: str) -> str:
    """Copy the store file ``store`` to ``address`` and make it current there.

    Returns the file's address. Raises StoreError where the file is no store of this version,
    BuildError where the address cannot be written to; what was current there then still is.
    """
    opened = Store(store)
    build_id = opened.version
    opened.close()
    named = {"file": store.name, "build_id": build_id, "sha256": sha256(store)}
    try:
        files, root = fsspec.core.url_to_fs(address)
        files.makedirs(root, exist_ok=True)
        target = f"{root}/{store.name}"
        if not (files.exists(target) and files.size(target) == store.stat().st_size):
            with files.transaction, store.open("rb") as read, files.open(target, "wb") as write:
                shutil.copyfileobj(read, write, 1 << 22)
        with files.transaction, files.open(f"{root}/{POINTER}", "wb") as write:
            write.write(json.dumps(named).encode())
    except Exception as error:  # each kind of address brings errors of its own package
        raise BuildError(
            "The store could not be put there.",
            where=address,
            expected="a folder or an object store that can be written to",
            found=f"{type(error).__name__}: {error}",
            remedy="Check the address and its credentials. What was in use there still is.",
        ) from error
    return f"{address.rstrip('/')}/{store.name}"


def show(store: Path, address: str) -> int:
    print(f"{push(store, address)} is in use.")
    return 0
