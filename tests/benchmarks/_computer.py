"""What the figures of a benchmark were measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

__all__ = ["describe_computer"]


def describe_computer(*packages: str) -> dict[str, object]:
    """Processor, cores that may be used, memory, and the versions of Python and of these packages."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory, 1),
        "versions": versions,
    }


def _processor() -> str:
    # Python's own answer is empty on many Linux machines, or no more than the architecture.
    facts = Path("/proc/cpuinfo")
    for line in facts.read_text(encoding="utf-8").splitlines() if facts.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
