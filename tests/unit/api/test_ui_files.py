"""The UI's files: found where they are, kept for as long as they hold, and nothing outside their folder."""

import gzip
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from towpath_operator.api.ui_files import UiFiles, find_file

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*"}


async def answer_beneath(request: Request) -> PlainTextResponse:
    return PlainTextResponse("beneath", 404)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>Towpath</title>")
    (dist / "assets" / "index-abc123.js").write_text("let a = 1")
    (dist / "assets" / "index-abc123.js.gz").write_bytes(gzip.compress(b"let a = 1"))
    (tmp_path / "secret.txt").write_text("secret")
    return dist


@pytest.fixture
def client(folder: Path) -> httpx.AsyncClient:
    beneath = Starlette(routes=[Route("/{path:path}", answer_beneath, methods=["GET", "POST"])])
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(UiFiles(beneath, folder)), base_url="http://127.0.0.1:4200", headers=BROWSER
    )


@pytest.mark.parametrize("path", ["/", "/index.html", "/flow-runs", "/flow-runs/0190?tab=logs", "/apiary"])
async def test_every_address_of_a_page_gets_the_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>Towpath</title>" in answer.text


async def test_a_page_runs_no_inline_script_and_asks_no_other_host(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["script-src"] == "'self'"
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


async def test_hashed_assets_are_kept_for_ever_and_the_page_is_asked_about(client: httpx.AsyncClient) -> None:
    assert "immutable" in (await client.get("/assets/index-abc123.js")).headers["cache-control"]
    page = await client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_browsers_that_take_gzip_get_the_packed_file(client: httpx.AsyncClient) -> None:
    packed = await client.get("/assets/index-abc123.js", headers={"accept-encoding": "gzip"})
    plain = await client.get("/assets/index-abc123.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "let a = 1"
    assert packed.headers["content-type"] == plain.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("path", ["/api/flow-runs", "/api", "/metrics", "/assets/index-gone.js"])
async def test_what_is_no_page_goes_on_to_the_routes(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).text == "beneath"


async def test_only_reading_is_answered_and_only_browsers_get_the_page(client: httpx.AsyncClient) -> None:
    assert (await client.post("/")).text == "beneath"
    assert (await client.get("/flow-runs", headers={"accept": "application/json"})).text == "beneath"
    head = await client.head("/")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "//etc/passwd", "/a\0b", "/assets"])
def test_nothing_outside_the_folder_is_found(folder: Path, path: str) -> None:
    assert find_file(folder, path) is None


async def test_without_a_build_the_routes_answer(tmp_path: Path) -> None:
    beneath = Starlette(routes=[Route("/", answer_beneath)])
    transport = httpx.ASGITransport(UiFiles(beneath, tmp_path / "none"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=BROWSER) as client:
        assert (await client.get("/")).text == "beneath"
