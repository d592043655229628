"""What becomes of a source whose file is stored and announced. Runs on a thread."""

import os
from pathlib import Path

from izumi.storage import beneath
from izumi.storage.items import Item


def delete_source(item: Item) -> bool:
    """Delete the file under the item's path, if it still is that file; whether it was.

    Raises:
        OSError: It is there and cannot be deleted.
    """
    try:
        with beneath.parent(Path(item.root), item.path) as (fd, name):
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            there = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            if there != (item.device, item.inode, item.size, item.mtime_ns):
                return False
            os.unlink(name, dir_fd=fd)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def remove_empty_folders(item: Item) -> None:
    """Remove the folders above the item that are empty, the watch folder itself never."""
    folder = item.path.rpartition("/")[0]
    while folder:
        try:
            with beneath.parent(Path(item.root), folder) as (fd, name):
                os.rmdir(name, dir_fd=fd)
        except OSError:
            return
        folder = folder.rpartition("/")[0]
