"""Tokens by OAuth 2 client credentials, from a host of their own, renewed before they end."""

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import override

from features.core.errors import ConfigError, ErpUnavailableError, WearcastError
from serving.erp.connection import Connection
from serving.erp.endpoint import Endpoint

__all__ = ["ClientCredentials"]

# Seconds before its end from which a token is not used any more: a request under way must not outlive it.
_MARGIN_S = 120.0


class _Token(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: str
    expires_in: float = 0.0


class ClientCredentials(httpx.Auth):
    """Signs with the present token; one that is refused is renewed once, because nothing was done with it.

    Args:
        endpoint: Where tokens are given. Neither secret nor token is recorded.
        client_id: Of the technical user.
        secret: Client secret.
        scope: What the token is for; empty: what the client may do.
        hint: What a person checks when no token is given.
        monotonic: Seconds of a clock that only runs forward.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        secret: str,
        *,
        scope: str = "",
        hint: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._hint, self._monotonic = endpoint.url, hint, monotonic
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._form |= {"scope": scope} if scope else {}
        self._connection = Connection(
            endpoint, headers={"Accept": "application/json"}, secrets=(secret,), translate=self._refused
        )
        self._token, self._until, self._lock = "", 0.0, threading.Lock()

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token."""
        token = self._valid()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._valid(unlike=token)}"
            yield request

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def _valid(self, unlike: str = "") -> str:
        """The present token.

        Raises:
            ConfigError: Client, secret, tenant or scope are refused.
            ErpUnavailableError: Nobody gives tokens now.
        """
        with self._lock:
            if self._token in ("", unlike) or self._monotonic() >= self._until:
                asked_at = self._monotonic()
                answer = self._connection.send("POST", self._url, purpose="sign_in", writes=False, form=self._form)
                try:
                    token = _Token.model_validate(self._connection.document(answer, writes=False))
                except ValidationError as err:
                    raise ErpUnavailableError(f"{self._connection.host} gave no token: {self._hint}") from err
                self._token, self._until = token.access_token, asked_at + token.expires_in - _MARGIN_S
            return self._token

    def _refused(self, response: httpx.Response) -> WearcastError | None:
        if response.status_code not in (400, 401, 403, 404):
            return None
        try:
            told: Any = response.json()  # Any: a JSON document
            reason = f"{told['error']}: {told.get('error_description', '')}"
        except (ValueError, KeyError, TypeError, AttributeError):
            reason = f"status {response.status_code}"
        message = f"no token from {self._connection.host}: {' '.join(reason.split())[:300]}; {self._hint}"
        # Whatever the status is here: we are not signed in.
        return ConfigError(message, {"reason": reason[:80], "status": 401})
