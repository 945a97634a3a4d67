"""Tokens by OAuth2 client credentials, from a host of their own, renewed before they end."""

import time
from collections.abc import Callable
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from features.core.errors import ConfigError, ErpUnavailableError, WearcastError
from serving.erp.connection import Connection
from serving.erp.port import Record

__all__ = ["Tokens"]

# Seconds before its end from which a token is not used any more: a request under way must not outlive it.
_MARGIN_S = 120.0


class _Token(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: str
    expires_in: float


class Tokens:
    """Gives the present token.

    Args:
        url: Where tokens are given; another host than the ERP's.
        client_id: Application (client) id.
        secret: Client secret.
        scope: What the token is for.
        timeout_s: Longest one request may take.
        record: Gets every exchange; neither secret nor token is in it.
        transport: Another way to carry requests (tests).
        monotonic: Seconds of a clock that only runs forward.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        secret: str,
        scope: str,
        *,
        timeout_s: float,
        record: Record | None,
        transport: httpx.BaseTransport | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._monotonic = url, monotonic
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": scope,
        }
        self._connection = Connection(
            url,
            timeout_s=timeout_s,
            headers={"Accept": "application/json"},
            secrets=(secret,),
            translate=_refused,
            record=record,
            transport=transport,
        )
        self._token, self._until = "", 0.0

    def bearer(self) -> str:
        """The value of `Authorization`.

        Raises:
            ConfigError: Client, secret, tenant or scope are refused.
            ErpUnavailableError: Nobody gives tokens now.
        """
        if not self._token or self._monotonic() >= self._until:
            asked_at = self._monotonic()
            answer = self._connection.send("POST", self._url, purpose="sign_in", writes=False, form=self._form)
            try:
                token = _Token.model_validate(self._connection.document(answer, writes=False))
            except ValidationError as err:
                raise ErpUnavailableError(f"{self._connection.host} gave no token") from err
            self._token, self._until = token.access_token, asked_at + token.expires_in - _MARGIN_S
        return f"Bearer {self._token}"

    def forget(self) -> None:
        """The token was refused: the next one is asked for."""
        self._token = ""

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


def _refused(response: httpx.Response) -> WearcastError | None:
    if response.status_code not in (400, 401, 403):
        return None
    try:
        told: Any = response.json()  # Any: a JSON document
        reason = f"{told['error']}: {told.get('error_description', '')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = f"status {response.status_code}"
    hint = "check erp.user (client id), the secret's value and end date, erp.options.tenant and scope"
    return ConfigError(
        f"no token for Dynamics 365: {' '.join(reason.split())[:300]}; {hint}", {"reason": reason[:80]}
    )
