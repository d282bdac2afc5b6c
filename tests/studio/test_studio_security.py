"""Who is turned away: each attack on a real server, over real sockets."""

import http.client
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from odd_data import LINES
from studio_client import LIMIT, Browser, Page, studio
from websockets.exceptions import InvalidStatus

from data_samples import BrightHand
from handflow.studio import security
from handflow.studio.security import cookie_name, load_token, new_pass
from handflow.studio.server import StudioServer


@pytest.fixture
def stranger(server: StudioServer) -> Iterator[httpx.Client]:
    """A program that reaches the port and knows nothing."""
    with httpx.Client(base_url=server.url, timeout=LIMIT) as client:
        yield client


def test_the_start_link_lets_a_browser_in_for_good(server: StudioServer, stranger: httpx.Client) -> None:
    answer = stranger.get(server.start_link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert stranger.get("/api/state").status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/state", "/static/main.js", "/api/projects/x/live", "/nowhere"])
def test_nothing_is_told_without_the_token(stranger: httpx.Client, path: str) -> None:
    for cookies in ({}, {"handflow_studio": "x"}):
        answer = stranger.get(path, cookies=cookies)
        assert answer.status_code == 403
        assert "start link" in answer.text


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 5000])
def test_a_wrong_token_opens_nothing(server: StudioServer, stranger: httpx.Client, token: str) -> None:
    answer = stranger.get("/start", params={"token": token})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    cookie = {"Cookie": f"{cookie_name(server.port)}={token.encode().hex()}"}
    assert stranger.get("/api/state", headers=cookie).status_code == 403
    assert stranger.post("/start", params={"token": server.token}).status_code == 403


ODD_COOKIES = [
    'x={"a": [1, 2]}; OWN',
    'a="b; OWN',
    "a[b]=1; OWN",
    "odd; OWN",
    "OWN; NAME=other",
    "NAME=; OWN",
]


@pytest.mark.parametrize("cookie", ODD_COOKIES)
def test_cookies_of_other_ports_keep_nobody_out(
    server: StudioServer, browser: Browser, stranger: httpx.Client, cookie: str
) -> None:
    """All ports of one computer share their cookies, odd ones as well."""
    given = cookie.replace("OWN", browser.cookie).replace("NAME", cookie_name(server.port))
    assert stranger.get("/api/state", headers={"Cookie": given}).status_code == 200
    without = cookie.replace("OWN", "a=b").replace("NAME", cookie_name(server.port))
    assert stranger.get("/api/state", headers={"Cookie": without}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_start_link_that_stands_on_another_page_leads_here(server: StudioServer, site: str) -> None:
    """A browser sends no cookie after a redirection that another page has asked for, so the page goes on."""
    with httpx.Client(base_url=server.url, headers={"Sec-Fetch-Site": site}) as client:
        answer = client.get(server.start_link)
        assert answer.status_code == 200 and 'content="0;url=/"' in answer.text
        assert server.token not in answer.text and cookie_name(server.port) in client.cookies
        assert client.get("/start", params={"token": "x"}).status_code == 403


def test_a_pass_opens_once(
    server: StudioServer, stranger: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the list of processes when a browser is started, where all users see it."""
    good, late = new_pass(server.token), new_pass(server.token)
    for wrong in (new_pass("other"), f"9{good}", f"{good}0", ".", "9999999999..", good.upper()):
        assert stranger.get("/start", params={"token": wrong}).status_code == 403
    assert server.token not in good
    assert stranger.get("/start", params={"token": good}).status_code == 303
    assert stranger.get("/start", params={"token": good}).status_code == 403
    now = security.time.time()
    monkeypatch.setattr(security.time, "time", lambda: now + security.PASS_SECONDS)
    assert stranger.get("/start", params={"token": late}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "[::1]:{port}"]
)
def test_a_foreign_name_is_not_answered(server: StudioServer, browser: Browser, slug: str, host: str) -> None:
    """DNS rebinding: a website's own name points to this computer."""
    host = host.format(port=server.port)
    for path in ("/api/state", f"/start?token={server.token}"):
        assert browser.get(path, headers={"Host": host}).status_code == 421
    assert refused_socket(browser, slug, host=host) == 421


def test_localhost_is_this_computer_too(server: StudioServer, browser: Browser) -> None:
    host = f"localhost:{server.port}"
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert browser.get("/api/state", headers=headers).status_code == 200
    assert browser.post("/api/projects", headers=headers, json={"name": "by name"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1", None]
)
def test_a_page_from_elsewhere_changes_nothing(browser: Browser, slug: str, origin: str | None) -> None:
    """It has the cookie: a browser sends it along with what another port of this computer asks."""
    before = browser.json("GET", "state")
    for method, path in (("POST", "/api/projects"), ("DELETE", f"/api/projects/{slug}")):
        request = browser.build_request(method, path, json={"name": "x"})
        del request.headers["origin"]
        if origin is not None:
            request.headers["origin"] = origin
        assert browser.send(request).status_code == 403
    assert browser.json("GET", "state") == before
    assert refused_socket(browser, slug, origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_from_elsewhere_embeds_nothing(browser: Browser, site: str) -> None:
    assert browser.get("/", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert browser.get("/", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_socket_without_the_cookie_is_refused(browser: Browser, slug: str) -> None:
    assert refused_socket(browser, slug, additional_headers={}) == 403


def refused_socket(browser: Browser, slug: str, **given: object) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        Page(browser, slug, **given)
    answer = refusal.value.response
    assert "content-security-policy" in answer.headers
    return answer.status_code


def test_every_answer_says_what_a_page_may_do(browser: Browser, stranger: httpx.Client, slug: str) -> None:
    answers = [
        browser.get("/"),
        browser.get("/static/icon.svg"),
        browser.get("/api/state"),
        browser.get("/api/nowhere"),
        browser.get(f"/api/projects/{slug}/takes/none/preview"),
        browser.post("/api/projects", content=b"{"),
        browser.put("/api/state"),
        browser.get("/", headers={"Host": "evil.example"}),
        stranger.get("/"),
        stranger.get("/start"),
    ]
    assert {answer.status_code for answer in answers} >= {200, 400, 403, 404, 405, 421}
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-cache"


UP = ["..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e%2fetc", "..%5c..", ".trash", ".token", "x%00", "a%2fb", "~"]


@pytest.mark.parametrize("name", UP)
def test_no_address_leads_out_of_the_folder(browser: Browser, slug: str, name: str) -> None:
    asked = [
        f"projects/{name}", f"projects/{name}/gestures", f"projects/{slug}/takes/{name}/preview",
        f"projects/{slug}/model/{name}", f"projects/{slug}/export/{name}",
    ]  # fmt: skip
    statuses = [raw(browser, "GET", f"/api/{path}") for path in asked]
    statuses += [
        raw(browser, "DELETE", f"/api/projects/{slug}/{kind}/{name}") for kind in ("takes", "gestures")
    ]
    statuses.append(raw(browser, "DELETE", f"/api/projects/{name}"))
    statuses += [raw(browser, "GET", f"/static/{name}{rest}") for rest in ("", "/app.py", "/../app.py")]
    assert {*statuses} <= {404, 405, 409}
    assert slug in [project["slug"] for project in browser.json("GET", "state")["projects"]]


def raw(browser: Browser, method: str, path: str) -> int:
    """The status of a request whose path is sent as it is written."""
    host = browser.origin.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=LIMIT)
    connection.request(method, path, headers={"Cookie": browser.cookie, "Origin": browser.origin})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("gesture", ["../x", "a/b", "", "con", "x" * 100, "a\0b", "C:x"])
def test_names_that_are_no_folders_are_refused(browser: Browser, slug: str, gesture: str) -> None:
    assert browser.refusal("POST", f"projects/{slug}/gestures", {"name": gesture}) == (422, "gesturename")
    with browser.page(slug) as page:
        page.order("record", gesture=gesture, how="key")
        assert page.wait_for("error")["code"] == "gesturename"


COMMAND = {"gesture": "wave", "do": [{"command": {"run": ["true"]}}]}
PYTHON = {"gesture": "wave", "do": [{"say": {"text": "x"}}, {"python": {"use": "x"}}]}


def test_actions_that_run_programs_are_not_made_from_the_page(browser: Browser) -> None:
    slug = browser.project("commands")
    bindings = f"projects/{slug}/bindings"
    refused = (403, "commands-not-allowed")
    for binding in (COMMAND, PYTHON):
        assert browser.refusal("POST", bindings, binding) == refused
    assert browser.refusal("PUT", f"{bindings}.toml", {"text": LINES}) == refused
    browser.json("POST", bindings, {"gesture": "wave", "do": [{"say": {"text": "x"}}]})
    assert browser.refusal("PUT", f"{bindings}/0", COMMAND) == refused
    assert "command" not in browser.json("GET", bindings)["text"]


def test_those_in_the_file_are_shown_and_neither_changed_nor_tested(
    server: StudioServer, browser: Browser
) -> None:
    slug = browser.project("commands")
    bindings, refused = f"projects/{slug}/bindings", (403, "commands-not-allowed")
    folder = server_folder(server) / slug
    (folder / "bindings.toml").write_text(LINES)
    told = browser.json("GET", bindings)
    [shown] = told["bindings"]
    assert shown["do"] == [{"command": {"run": ["true"]}}] and not told["kinds"]["command"]["allowed"]
    for change in ({**COMMAND, "gesture": "fist"}, {**COMMAND, "enabled": False},
                   {"gesture": "wave", "do": [{"command": {"run": ["false"]}}]}):  # fmt: skip
        assert browser.refusal("PUT", f"{bindings}/0", change) == refused
    assert browser.refusal("PUT", f"{bindings}.toml", {"text": LINES.replace("true", "false")}) == refused
    assert browser.refusal("POST", f"{bindings}/test", {"gesture": "wave"}) == refused
    [told] = browser.json("POST", f"{bindings}/test", {"gesture": "wave", "dry_run": True})
    assert told["outcome"] == "dry run"
    assert (folder / "bindings.toml").read_text() == LINES
    browser.json("POST", bindings, {"gesture": "fist", "do": [{"say": {"text": "x"}}]})  # beside it
    browser.json("DELETE", f"{bindings}/0")


def test_with_the_flag_they_are_made_and_tested(tmp_path: Path) -> None:
    with studio(tmp_path, make_landmarker=BrightHand, allow_commands=True) as (_, browser):
        slug = browser.project()
        made = browser.json("POST", f"projects/{slug}/bindings", COMMAND)
        assert made["kinds"]["command"]["allowed"] and made["kinds"]["python"]["allowed"]
        [told] = browser.json("POST", f"projects/{slug}/bindings/test", {"gesture": "wave"})
        assert told["outcome"] == "performed"


@pytest.mark.parametrize("text", ["a." * 40_000 + "b = 1", "a = " + "[" * 100_000], ids=["long key", "deep"])
def test_bindings_that_would_take_all_memory_are_refused(browser: Browser, slug: str, text: str) -> None:
    assert browser.refusal("PUT", f"projects/{slug}/bindings.toml", {"text": text}) == (422, "bindings")


def server_folder(server: StudioServer) -> Path:
    return server.folder


def test_the_token_is_kept_and_its_owners_alone(tmp_path: Path) -> None:
    token = load_token(tmp_path)
    assert len(token) >= 32 and load_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / ".token").stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["no text", "short", "a header", "readable", "a link"])
def test_a_token_that_others_may_know_is_made_anew(tmp_path: Path, how: str) -> None:
    path, token = tmp_path / ".token", "x" * 32
    path.write_bytes(
        {"no text": b"\xff" * 40, "short": b"x", "a header": b"x" * 32 + b"; a=b"}.get(how, token.encode())
    )
    path.chmod(0o644 if how == "readable" else 0o600)
    if how == "a link":
        path.rename(tmp_path / "theirs")
        path.symlink_to(tmp_path / "theirs")
    made = load_token(tmp_path)
    assert made != token and len(made) >= 32 and load_token(tmp_path) == made
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    if how == "a link":
        assert (tmp_path / "theirs").read_text() == token
