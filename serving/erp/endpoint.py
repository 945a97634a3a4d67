"""Where an ERP answers, and how it is asked: the same for every adapter over HTTP, whoever made the ERP."""

from dataclasses import dataclass, field
from typing import Self

import httpx

from features.core.clock import Clock, SystemClock
from serving.erp.port import Record
from serving.settings import ErpSettings

__all__ = ["Endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address, for `Connection`.

    Attributes:
        url: Base URL; https, or http on this machine only.
        timeout_s: Longest one request may take in all phases; a sender's lease is longer than twice this.
        ca_file: Certificates of the ERP's own authority; TLS is verified with or without it.
        record: Gets every exchange.
        clock: For what the ERP's clock is compared with.
        transport: Another way to carry requests (tests).
    """

    url: str
    timeout_s: float = 10.0
    ca_file: str | None = None
    record: Record | None = None
    clock: Clock = field(default_factory=SystemClock)
    transport: httpx.BaseTransport | None = None

    @classmethod
    def of(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The address in the settings."""
        ca_file = None if settings.ca_file is None else str(settings.ca_file)
        return cls(url=settings.url, timeout_s=settings.timeout_s, ca_file=ca_file, record=record)
