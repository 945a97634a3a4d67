"""Secrets of the connection to the ERP: from the settings, or from a file that only its owner can read."""

import stat

from features.core.errors import ConfigError
from serving.settings import ErpSettings

__all__ = ["read_secret"]


def read_secret(settings: ErpSettings) -> bytes:
    """The signing secret, from the settings or from a file that only its owner can read.

    Raises:
        ConfigError: No secret, an unreadable or empty file, or one that others may read.
    """
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode("utf-8")
    file = settings.secret_file
    if file is None:
        raise ConfigError("the ERP needs a secret: set erp.secret_file to a file of mode 0600")
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        secret = file.read_text(encoding="utf-8").strip()
    except OSError as err:
        hint = (
            f"; make one: (umask 077; openssl rand -hex 32 > {file})" if isinstance(err, FileNotFoundError) else ""
        )
        raise ConfigError(f"secret file {file}: {err.strerror}{hint}", {"file": str(file)}) from err
    if mode & 0o077:
        raise ConfigError(
            f"secret file {file} has mode {mode:04o}; others can use it: chmod 600 {file}", {"file": str(file)}
        )
    if not secret:
        raise ConfigError(f"secret file {file} is empty", {"file": str(file)})
    return secret.encode("utf-8")
