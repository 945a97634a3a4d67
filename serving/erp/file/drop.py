"""A folder of files that appear whole or not at all, under names that are never used twice."""

import os
import tempfile
from pathlib import Path

from features.core.errors import AmbiguousDeliveryError, ConfigError, ErpUnavailableError

__all__ = ["DONE", "Drop"]

# Where whoever picks files up may move what it has read.
DONE = "done"
_DRAFT = ".draft-"


class Drop:
    """Files for somebody else to pick up.

    Args:
        folder: Made when missing, with `done` below it.

    Raises:
        ConfigError: It cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for each in (folder, folder / DONE):
            made(each)

    def file(self, name: str) -> Path | None:
        """The file of that name, here or among those that were read; None: there is none."""
        return next((each / name for each in self._folders() if (each / name).exists()), None)

    def stems(self) -> set[str]:
        """Names of all files without their ending."""
        return {file.stem for folder in self._folders() for file in folder.glob("*.jsonl")}

    def put(self, name: str, text: str) -> bool:
        """Make a file, whole and on the disk, unless the name is taken; False: it is.

        Raises:
            ErpUnavailableError: It cannot be made; surely nothing is there.
            AmbiguousDeliveryError: It is there, and may not be on the disk.
        """
        if self.file(name) is not None:
            return False
        is_new, draft = True, ""
        try:
            handle, draft = tempfile.mkstemp(prefix=_DRAFT, dir=self.folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, 0o640)
            os.link(draft, self.folder / name)
        except FileExistsError:
            is_new = False
        except OSError as err:
            raise ErpUnavailableError(f"{self.folder / name}: {err.strerror}") from err
        finally:
            if draft:
                Path(draft).unlink(missing_ok=True)
        _sync(self.folder)
        return is_new

    def trouble(self) -> str:
        """Why files cannot be made here, and what to do; empty: they can."""
        linked = self.folder / f"{_DRAFT}link-{os.getpid()}"
        try:
            handle, draft = tempfile.mkstemp(prefix=_DRAFT, dir=self.folder)
            os.close(handle)
        except OSError as err:
            return f"{self.folder}: {err.strerror}: give our user the right to make files there"
        try:
            os.link(draft, linked)
        except OSError as err:
            return f"{self.folder}: {err.strerror}: the file system must know hard links, as local ones and NFS do"
        finally:
            linked.unlink(missing_ok=True)
            Path(draft).unlink(missing_ok=True)
        return ""

    def _folders(self) -> tuple[Path, Path]:
        return self.folder, self.folder / DONE


def made(folder: Path) -> Path:
    """The folder, made when missing.

    Raises:
        ConfigError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ConfigError(f"folder {folder} of the ERP: {err.strerror}", {"folder": str(folder)}) from err
    return folder


def _sync(folder: Path) -> None:
    """The name of a new file is on the disk, too."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as err:
        raise AmbiguousDeliveryError(f"{folder}: {err.strerror}: the file may not be on the disk") from err
