"""Token, sessions and the guard, without a server."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from features.core.errors import ConfigError
from serving.auth import COOKIE, Guard, SecurityHeaders, Sessions, TokenDigest, ensure_token, read_form


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _first_token(file: Path) -> str:
    said: list[str] = []
    ensure_token(file, said.append)
    assert len(said) == 1
    return said[0]


def test_first_start_makes_a_random_token_and_says_it_once(tmp_path: Path) -> None:
    again: list[str] = []
    token = _first_token(tmp_path / "token")
    digest = ensure_token(tmp_path / "token", again.append)
    assert again == []
    assert digest.matches(token)
    assert len(token) >= 43  # 256 bits in base64


def test_two_first_starts_make_different_tokens(tmp_path: Path) -> None:
    assert _first_token(tmp_path / "one") != _first_token(tmp_path / "two")


def test_only_a_digest_is_kept_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    token = _first_token(tmp_path / "folder" / "token")
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["token"]
    assert token not in (tmp_path / "folder" / "token").read_text(encoding="ascii")
    assert (tmp_path / "folder" / "token").stat().st_mode & 0o777 == 0o600


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    _first_token(tmp_path / "token")
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        TokenDigest.read(tmp_path / "token")


@pytest.mark.parametrize("content", ["", "plain-token", "g" * 64, "a" * 63])
def test_a_token_file_without_a_digest_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="ascii")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no sha256"):
        TokenDigest.read(file)


@pytest.mark.parametrize("wrong", ["", " ", "token", "TOKEN ", "ü"])
def test_another_token_does_not_match(wrong: str) -> None:
    # sha256 of "other"
    digest = TokenDigest("d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa")
    assert digest.matches("other")
    assert not digest.matches(wrong)


def test_a_session_ends_when_it_is_idle() -> None:
    seconds = Seconds()
    sessions = Sessions(seconds)
    value = sessions.open()
    seconds.now += 29 * 60
    assert sessions.find(value) is not None
    seconds.now += 29 * 60
    assert sessions.find(value) is not None
    seconds.now += 31 * 60
    assert sessions.find(value) is None


def test_a_session_ends_with_the_shift_however_busy() -> None:
    seconds = Seconds()
    sessions = Sessions(seconds)
    value = sessions.open()
    for _ in range(8 * 4):
        seconds.now += 15 * 60
        assert sessions.find(value) is not None
    seconds.now += 60
    assert sessions.find(value) is None


def test_a_closed_or_forged_session_is_not_found() -> None:
    sessions = Sessions()
    value = sessions.open()
    sessions.close(value)
    assert sessions.find(value) is None
    assert sessions.find("forged") is None


def test_sessions_do_not_grow_without_end() -> None:
    sessions = Sessions()
    values = [sessions.open() for _ in range(201)]
    assert [sessions.find(value) is None for value in values].count(True) == 1


def _app(tmp_path: Path) -> tuple[FastAPI, str, Sessions]:
    token, sessions = _first_token(tmp_path / "token"), Sessions()
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def echo(request: Request, path: str) -> dict[str, str]:
        identity = getattr(request.state, "identity", None)
        return {"actor": identity.actor if identity else "nobody"}

    @app.post("/form", name="form")
    async def form(request: Request) -> dict[str, str]:
        return await read_form(request)

    # The form comes first: the echo takes every path.
    app.router.routes.sort(key=lambda route: getattr(route, "name", "") != "form")

    def refuse(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, status_code=401)

    digest = TokenDigest.read(tmp_path / "token")
    app.add_middleware(Guard, token=digest, sessions=sessions, refuse=refuse)
    app.add_middleware(SecurityHeaders)
    return app, token, sessions


def _client(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers)


async def _status(app: FastAPI, method: str, path: str, **headers: str) -> int:
    async with _client(app, **headers) as client:
        return (await client.request(method, path)).status_code


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/sign-in", "/static/wearcast.css"])
async def test_open_paths_need_no_token(tmp_path: Path, path: str) -> None:
    app, _, _ = _app(tmp_path)
    assert await _status(app, "GET", path) == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["/", "/health", "/health/live/", "/sign-in/x", "/static/other.css", "/Health/live"]
)
async def test_everything_else_does(tmp_path: Path, path: str) -> None:
    app, token, _ = _app(tmp_path)
    assert await _status(app, "GET", path) == 401
    assert await _status(app, "GET", path, Authorization=f"Bearer {token}") == 200


@pytest.mark.anyio
async def test_a_wrong_token_is_refused_even_beside_a_good_session(tmp_path: Path) -> None:
    app, _, sessions = _app(tmp_path)
    cookie = f"{COOKIE}={sessions.open()}"
    assert await _status(app, "GET", "/", Cookie=cookie) == 200
    assert await _status(app, "GET", "/", Cookie=cookie, Authorization="Bearer wrong") == 401


@pytest.mark.anyio
async def test_a_session_reads_the_api_but_does_not_change_it(tmp_path: Path) -> None:
    app, _, sessions = _app(tmp_path)
    cookie = f"{COOKIE}={sessions.open()}"
    assert await _status(app, "GET", "/v1/machines", Cookie=cookie) == 200
    assert await _status(app, "POST", "/v1/predictions", Cookie=cookie) == 401


@pytest.mark.anyio
async def test_a_form_of_a_session_needs_its_csrf_token(tmp_path: Path) -> None:
    app, token, sessions = _app(tmp_path)
    value = sessions.open()
    session = sessions.find(value)
    assert session is not None
    async with _client(app, Cookie=f"{COOKIE}={value}") as client:
        assert (await client.post("/form", data={"a": "1"})).status_code == 403
        assert (await client.post("/form", data={"a": "1", "csrf": "ünknown"})).status_code == 403
        assert (await client.post("/form", data={"a": "1", "csrf": session.csrf})).json()["a"] == "1"
    async with _client(app, Authorization=f"Bearer {token}") as client:
        assert (await client.post("/form", data={"a": "1"})).json() == {"a": "1"}
        assert (await client.post("/form", content=b"x" * 20_000)).status_code == 413


@pytest.mark.anyio
async def test_every_answer_has_the_security_headers(tmp_path: Path) -> None:
    app, _, _ = _app(tmp_path)
    async with _client(app) as client:
        for path in ("/", "/sign-in"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["referrer-policy"] == "no-referrer"
