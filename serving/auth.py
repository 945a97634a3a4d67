"""Who may come in: one bearer token, sessions for the pages, and the guard in front of every path."""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.core.errors import ConfigError

__all__ = [
    "COOKIE",
    "OPEN_PATHS",
    "SECURITY_HEADERS",
    "Guard",
    "Identity",
    "SecurityHeaders",
    "Session",
    "Sessions",
    "TokenDigest",
    "ensure_token",
    "read_form",
    "safe_next",
]

COOKIE = "wearcast_session"
# Seconds a session lives without a request: a shift's coffee break, not a night.
IDLE_S = 30 * 60.0
# Seconds a session lives at all: one shift.
LIFE_S = 8 * 3600.0
# Sessions kept at once; the oldest goes first. Bounds memory, far above the people of one plant.
MOST_SESSIONS = 200
# Bytes of a form body: a token and a few fields.
MOST_FORM_BYTES = 16 * 1024
# Reachable without a token: liveness, readiness, the way in and what it looks like; messages of the ERP carry a
# signature of their own, which their route checks.
OPEN_PATHS = frozenset(
    {"/health/live", "/health/ready", "/sign-in", "/v1/erp/events", "/static/wearcast.css", "/static/wearcast.svg"}
)
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    csrf: str
    opened: float
    seen: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sent a request; `session` is None for a bearer token."""

    actor: str
    session: Session | None = None


def ensure_token(file: Path, announce: Callable[[str], None]) -> "TokenDigest":
    """The digest of the token; on first start a random token is made and announced, once.

    Only the sha256 of the token is stored, in a file that its owner alone can read.

    Args:
        file: Where the digest is, `settings.token_file`.
        announce: Gets the token on first start, and never again; write it to the terminal, not to a log.

    Raises:
        ConfigError: The file is readable by others, or holds no digest.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        token = secrets.token_urlsafe(32)
        draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as handle:
            handle.write(_digest(token) + "\n")
        try:
            os.link(draft, file)  # fails when another process was first: its token is the one
            announce(token)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return TokenDigest.read(file)


class TokenDigest:
    """Compares tokens with a stored sha256, in constant time."""

    def __init__(self, digest: str) -> None:
        self._digest = digest

    @classmethod
    def read(cls, file: Path) -> "TokenDigest":
        """The digest in that file.

        Raises:
            ConfigError: The file is readable by others, or holds no digest.
        """
        mode = file.stat().st_mode & 0o777
        if mode & 0o077:
            raise ConfigError(
                f"token file {file} has mode {mode:04o}, others can read it; `chmod 600 {file}`",
                {"file": str(file), "mode": mode},
            )
        digest = file.read_text(encoding="ascii", errors="replace").strip()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ConfigError(
                f"token file {file} holds no sha256; delete it and start again to get a new token",
                {"file": str(file)},
            )
        return cls(digest)

    def matches(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(_digest(token), self._digest)


class Sessions:
    """Signed-in browsers, kept in memory: a restart signs everybody out.

    Args:
        seconds: A monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._held: dict[str, Session] = {}

    def open(self) -> str:
        """A new session; the value of its cookie."""
        now = self._seconds()
        self._held = {key: session for key, session in self._held.items() if _is_alive(session, now)}
        while len(self._held) >= MOST_SESSIONS:
            self._held.pop(next(iter(self._held)))
        value = secrets.token_urlsafe(32)
        self._held[_digest(value)] = Session(secrets.token_urlsafe(32), now, now)
        return value

    def find(self, value: str) -> Session | None:
        """The session of that cookie, its idle time restarted; None: unknown or over."""
        now, key = self._seconds(), _digest(value)
        session = self._held.get(key)
        if session is None or not _is_alive(session, now):
            self._held.pop(key, None)
            return None
        self._held[key] = Session(session.csrf, session.opened, now)
        return session

    def close(self, value: str) -> None:
        """End the session of that cookie."""
        self._held.pop(_digest(value), None)


class SecurityHeaders:
    """Puts the headers on every answer that tell a browser to load, frame and reveal nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request with the headers added."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Guard:
    """Lets nothing through without a token or a session, whatever the path; the one place that decides.

    A session may read everything, but it may change something only through a page's form (which
    carries the session's CSRF token, see `read_form`), never through `/v1`.

    Args:
        app: What is guarded.
        token: The digest of the bearer token.
        sessions: Signed-in browsers.
        refuse: Makes the problem document of a refusal.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: TokenDigest,
        sessions: Sessions,
        refuse: Callable[[Request, Exception], Response],
    ) -> None:
        self._app, self._token, self._sessions, self._refuse = app, token, sessions, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or answer 401, or send a browser to the sign-in page."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        identity = self._identity(request)
        if identity is not None:
            request.state.identity = identity
        if identity is not None or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        await self._turn_away(request)(scope, receive, send)

    def _identity(self, request: Request) -> Identity | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return Identity("admin (token)") if self._token.matches(token.strip()) else None
        cookie = request.cookies.get(COOKIE)
        session = None if cookie is None else self._sessions.find(cookie)
        if session is None:
            return None
        if request.method not in _SAFE_METHODS and request.url.path.startswith("/v1/"):
            return None
        return Identity("admin (page)", session)

    def _turn_away(self, request: Request) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "") and request.method == "GET"
        if wants_page and not request.url.path.startswith("/v1/"):
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
        detail = "this needs the bearer token that was printed at the first start: `Authorization: Bearer ...`"
        return self._refuse(request, HTTPException(401, detail, {"WWW-Authenticate": 'Bearer realm="wearcast"'}))


async def read_form(request: Request, *, is_sign_in: bool = False) -> dict[str, str]:
    """Fields of a page's form, its CSRF token checked.

    Args:
        request: A POST with an urlencoded body.
        is_sign_in: The form was made before there was a session: it carries the bearer token instead.

    Raises:
        HTTPException: 403 when the CSRF token is not the session's, 413 when the body is too large.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            raise HTTPException(413, f"a form has at most {MOST_FORM_BYTES} bytes")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", errors="replace")).items()}
    identity: Identity | None = getattr(request.state, "identity", None)
    if identity is not None and identity.session is not None and not is_sign_in:
        sent = form.get("csrf", "").encode("utf-8")
        if not hmac.compare_digest(sent, identity.session.csrf.encode("utf-8")):
            raise HTTPException(403, "this form is from another session; load the page again")
    return form


def safe_next(path: str) -> str:
    """Where to go after signing in: a path of this server, else the first page.

    Example:
        >>> safe_next("/machines/P101"), safe_next("//elsewhere.example"), safe_next("https://elsewhere.example")
        ('/machines/P101', '/', '/')
    """
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_local else "/"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def _is_alive(session: Session, now: float) -> bool:
    return now - session.seen <= IDLE_S and now - session.opened <= LIFE_S
