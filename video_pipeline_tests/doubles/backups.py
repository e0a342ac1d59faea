"""Backups of a MongoDB database and of a folder: taken, and restored in place of what is there."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo.database import Database

Documents = Mapping[str, list[dict[str, Any]]]
NOTHING: Documents = {}


def dumped(database: Database[dict[str, Any]]) -> Documents:
    """Return the documents of each collection."""
    return {name: list(database[name].find()) for name in database.list_collection_names()}


def load(database: Database[dict[str, Any]], backup: Documents) -> None:
    """Replace the documents of every collection by those of a backup.

    Collections, indexes and the schema's version stay: the next start would make them anew.
    """
    for name in database.list_collection_names():
        if name == "deployment":
            continue
        database[name].delete_many({})
        if documents := backup.get(name):
            database[name].insert_many(documents)


def copy_folder(source: Path | None, target: Path) -> None:
    """Replace a folder by a copy of another, or by an empty one."""
    shutil.rmtree(target, ignore_errors=True)
    if source is None:
        target.mkdir(parents=True)
    else:
        shutil.copytree(source, target)
