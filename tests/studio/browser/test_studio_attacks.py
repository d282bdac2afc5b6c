"""What other pages of a browser try that has the studio's cookie: they read, change and embed nothing.

One scene for all of them: a few lines above 400.
"""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from browser_studio import Studio, Visitor, chromium, eventually, prepared, studio

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.slow

FOREIGN = "evil.example"
"""A name that points to this computer, in this browser."""


@dataclass
class Evil:
    """A web server of somebody else on another port of this computer."""

    port: int = 0
    asked: list[str] = field(default_factory=list)  # path and query of each request
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: dict[str, str] = field(default_factory=dict)  # headers of each answer

    def at(self, host: str, path: str = "") -> str:
        return f"http://{host}:{self.port}/{path}"


@contextmanager
def evil_server() -> Iterator[Evil]:
    evil = Evil()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            evil.asked.append(self.path)
            evil.headers.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            for name, value in evil.answer.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title><body>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    evil.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield evil
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Scene:
    """A studio, somebody else's server, and a browser in which the person is known to the studio."""

    studio: Studio
    evil: Evil
    context: "BrowserContext"
    visitor: Visitor
    take: str  # id of a take

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the studio's own page gets."""
        script = """async ([method, path, body]) => {
          const answer = await fetch(path, {method, body: body === null ? undefined : JSON.stringify(body)});
          return answer.json();
        }"""
        return self.visitor.page.evaluate(script, [method, f"/api/{path}", body])

    @contextmanager
    def tab(self, address: str) -> "Iterator[Page]":
        page = self.context.new_page()
        try:
            page.goto(address)
            yield page
        finally:
            page.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("attacked") / "projects"
    prepared(folder, trained=True)
    mapped = f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1"
    with studio(folder) as served, evil_server() as evil, chromium(None, mapped, fake=False) as browser:
        context = browser.new_context(locale="en-US")
        context.set_default_timeout(20_000)
        visitor = Visitor(served, context.new_page())
        visitor.page.goto(served.link)
        visitor.wait("h1")
        scene = Scene(served, evil, context, visitor, "")
        takes = scene.ask("GET", "projects/prepared/gestures")[0]["takes"]
        yield Scene(served, evil, context, visitor, takes[0]["id"])


PROBES = """async ([base, take]) => {
  const load = (tag, given) => new Promise((done) => {
    const one = Object.assign(document.createElement(tag), given);
    one.onload = () => done(true);
    one.onerror = () => done(false);
    document.body.append(one);
  });
  const read = async (path, how) => {
    try { return (await (await fetch(base + path, {credentials: "include", ...how})).text()).length > 0; }
    catch { return false; }
  };
  const open = (made, good, bad) => new Promise((done) => {
    made[good] = () => { made.close(); done(true); };
    made[bad] = () => { made.close(); done(false); };
  });
  const live = base.replace("http", "ws") + "api/projects/prepared/live";
  const preview = `${base}api/projects/prepared/takes/${take}/preview`;
  return {
    state: await read("api/state", {}),
    blind: await read("api/state", {mode: "no-cors"}),
    page: await read("", {}),
    header: await read("api/state", {headers: {"X-Own": "1"}}),
    picture: await load("img", {src: preview}),
    crossorigin: await load("img", {src: preview + "?again", crossOrigin: "use-credentials"}),
    script: await load("script", {src: base + "static/theme.js"}),
    module: await load("script", {src: base + "static/theme.js?again", type: "module"}),
    style: await load("link", {rel: "stylesheet", href: base + "static/style.css"}),
    socket: await open(new WebSocket(live), "onmessage", "onerror"),
  };
}"""


def test_the_studios_own_page_may_do_what_others_are_refused(scene: Scene) -> None:
    """Else the tests below would show nothing."""
    page = scene.visitor.page
    found = page.evaluate(PROBES, [scene.studio.url, scene.take])
    assert found == dict.fromkeys(found, True)
    own = scene.ask("POST", "projects", {"name": "own"})["slug"]
    scene.ask("POST", f"projects/{own}/gestures", {"name": "wave"})
    page.evaluate(CHANGES, [scene.studio.url, own])
    eventually(lambda: "evil" in names(scene), "a project is made")
    assert scene.ask("GET", f"projects/{own}/gestures") == []


def names(scene: Scene) -> list[str]:
    return [project["name"] for project in scene.ask("GET", "state")["projects"]]


PAGES_FROM = ("127.0.0.1", "localhost", FOREIGN)


@pytest.mark.parametrize("host", PAGES_FROM)
def test_other_pages_read_and_embed_nothing(scene: Scene, host: str) -> None:
    with scene.tab(scene.evil.at(host)) as page:
        found = page.evaluate(PROBES, [scene.studio.url, scene.take])
    assert found == dict.fromkeys(found, False)


CHANGES = """async ([base, slug]) => {
  const projects = `${base}api/projects`;
  const json = JSON.stringify({name: "evil"});
  const quiet = (path, how) => fetch(path, {credentials: "include", ...how}).catch(() => {});
  for (const mode of ["no-cors", "cors"]) {
    await quiet(projects, {method: "POST", mode, body: json, headers: {"Content-Type": "text/plain"}});
    await quiet(`${projects}/import`, {method: "POST", mode, body: new Blob(["PK"])});
    await quiet(`${projects}/${slug}/undo`, {method: "POST", mode});
  }
  await quiet(projects, {method: "POST", body: json, headers: {"Content-Type": "application/json"}});
  await quiet(`${projects}/${slug}/gestures/wave`, {method: "DELETE"});
  navigator.sendBeacon(projects, json);
  navigator.sendBeacon(projects, new Blob([json], {type: "text/plain"}));
}"""

FORM = """([base, kind]) => {
  const form = Object.assign(document.createElement("form"), {
    method: "post", action: `${base}api/projects`, enctype: kind,
  });
  form.append(Object.assign(document.createElement("input"), {name: '{"name": "evil", "x": "', value: '"}'}));
  document.body.append(form);
  form.submit();
}"""


@pytest.mark.parametrize("host", PAGES_FROM)
def test_other_pages_change_nothing(scene: Scene, host: str) -> None:
    before = scene.ask("GET", "projects/prepared"), scene.ask("GET", "state")
    with scene.tab(scene.evil.at(host)) as page:
        page.evaluate(CHANGES, [scene.studio.url, "prepared"])
        for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded"):
            page.goto(scene.evil.at(host))
            with page.expect_navigation() as refused:
                page.evaluate(FORM, [scene.studio.url, kind])
            assert refused.value is not None and refused.value.status == 403
    assert (scene.ask("GET", "projects/prepared"), scene.ask("GET", "state")) == before


@pytest.mark.parametrize(
    "path", ["", "api/state", "static/icon.svg", "api/projects/prepared/model/report.html"]
)
def test_no_page_frames_the_studio(scene: Scene, path: str) -> None:
    """Clickjacking."""
    for host in PAGES_FROM:
        with scene.tab(scene.evil.at(host)) as page:
            page.evaluate(
                """src => new Promise((done) => document.body.append(
                     Object.assign(document.createElement("iframe"), {src, onload: done})))""",
                scene.studio.url + path,
            )
            shown = page.frames[1].content()
            assert "its own page alone" in shown or "main-frame-error" in shown


@pytest.mark.parametrize("host", PAGES_FROM)
def test_a_page_that_opens_the_studio_gets_no_hold_of_it(scene: Scene, host: str) -> None:
    with scene.tab(scene.evil.at(host)) as page:
        with page.expect_popup() as opened:
            page.evaluate("base => { window.held = open(base); }", scene.studio.url)
        opened.value.wait_for_load_state()
        assert "its own page alone" in opened.value.content()
        assert (
            page.evaluate(
                "() => { held.postMessage('x', '*'); try { return held.document; } catch { return null; } }"
            )
            is None
        )
        opened.value.close()


def test_a_foreign_name_that_points_here_gets_nothing(scene: Scene) -> None:
    """DNS rebinding, with everything that a page of its own origin may do."""
    rebound = f"http://{FOREIGN}:{scene.studio.port}/"
    before = scene.ask("GET", "state")
    with scene.tab(rebound) as page:
        assert "127.0.0.1 and localhost alone" in page.content()
        found = page.evaluate(
            """async (base) => {
              const status = async (path, how) => (await fetch(base + path, how)).status;
              const socket = new WebSocket(base.replace("http", "ws") + "api/projects/prepared/live");
              const opened = new Promise((done) => {
                socket.onopen = () => done(true);
                socket.onerror = () => done(false);
              });
              return [
                await status("api/state", {}),
                await status("api/projects", {method: "POST", body: '{"name": "evil"}'}),
                await opened,
              ];
            }""",
            rebound,
        )
        assert found == [421, 421, False]
        token = scene.studio.link.rpartition("/")[2]
        assert page.goto(rebound + token).status == 421  # even with the token
    assert not [c for c in scene.context.cookies() if c["domain"] == FOREIGN]
    assert scene.ask("GET", "state") == before


def test_the_token_is_left_nowhere(scene: Scene) -> None:
    token = scene.studio.link.rpartition("=")[2]
    with scene.tab(scene.evil.at("127.0.0.1")) as page:
        page.goto(scene.studio.link)
        page.wait_for_selector("h1")
        told = page.evaluate(
            """() => JSON.stringify([document.referrer, document.cookie, location.href, history.length,
                 performance.getEntries().map((e) => e.name), {...localStorage}, {...sessionStorage}])"""
        )
        assert token not in told
        page.evaluate("to => { location.href = to; }", scene.evil.at(FOREIGN, "left"))
        page.wait_for_url("**/left")
        headers = scene.evil.headers[scene.evil.asked.index("/left")]
        assert "Referer" not in headers and token not in json.dumps(headers)
        page.go_back()
        page.wait_for_selector("h1")
        assert token not in page.url


def test_cookies_that_another_port_sets_keep_nobody_out(scene: Scene) -> None:
    """Cookies of one host are shared by all its ports."""
    [own] = [cookie for cookie in scene.context.cookies() if cookie["name"].startswith("handflow_studio")]
    with scene.tab(scene.evil.at("127.0.0.1")) as page:
        for junk in ('x={"a":[1,2]}', 'a="b', "odd", f"{own['name']}=junk"):
            page.evaluate("cookie => { document.cookie = cookie; }", f"{junk}; path=/api")
    try:
        with scene.tab(scene.studio.url) as page:
            assert page.evaluate("async () => (await fetch('/api/state')).status") == 200
    finally:
        scene.context.clear_cookies(path="/api")


def test_the_start_link_works_from_another_page(scene: Scene) -> None:
    """Such as a terminal in the browser, or a mail to oneself."""
    with scene.tab(scene.evil.at(FOREIGN)) as page:
        page.evaluate("to => { location.href = to; }", scene.studio.link)
        page.wait_for_selector("#main h1")
        assert page.url.startswith(scene.studio.url) and "token" not in page.url


def test_what_gets_into_the_page_neither_runs_nor_calls_out(scene: Scene) -> None:
    """What the page's policy is for: none of this gets in (see below)."""
    with scene.tab(scene.studio.url) as page:
        page.wait_for_selector("#main h1")
        asked = len(scene.evil.asked)
        blocked = page.evaluate(
            """async (evil) => {
              const blocked = [];
              document.addEventListener("securitypolicyviolation", (e) => blocked.push(e.effectiveDirective));
              const put = (html) => document.body.insertAdjacentHTML("beforeend", html);
              const add = (tag, given) =>
                document.body.append(Object.assign(document.createElement(tag), given));
              add("script", {textContent: "window.hacked = 1"});
              add("script", {src: evil});
              put(`<img src="${evil}" onerror="window.hacked = 1">`);
              put(`<p style="background: url(${evil})">`);
              add("iframe", {src: evil});
              add("object", {data: evil});
              add("base", {href: evil});
              add("form", {action: evil, method: "post"});
              document.forms[document.forms.length - 1].submit();
              await fetch(evil).catch(() => {});
              try { new WebSocket(evil.replace("http", "ws")); } catch {}
              await new Promise((done) => setTimeout(done, 100));
              return [window.hacked ?? null, ...new Set(blocked)];
            }""",
            scene.evil.at("127.0.0.1", "out"),
        )
        assert blocked[0] is None
        assert {*blocked[1:]} >= {
            "script-src-elem", "script-src-attr", "img-src", "style-src-attr", "frame-src", "object-src",
            "base-uri", "form-action", "connect-src",
        }  # fmt: skip
        assert page.evaluate("() => navigator.serviceWorker.register('/api/state').catch(() => null)") is None
    assert len(scene.evil.asked) == asked


NASTY = '<img src=x onerror="window.hacked=1">'
REPORT = """<!doctype html><title>report</title><script>location = "{evil}?script"</script>
<img src="{evil}?img" onerror="location = '{evil}?handler'"><iframe src="{evil}?iframe"></iframe>
<meta http-equiv="refresh" content="0;url={evil}?meta"><style>@import url({evil}?css);
body {{ background: url({evil}?background) }}</style><p>read me</p>"""


def nasty_zip(scene: Scene) -> bytes:
    """The model of the prepared project, with its gesture `wave` renamed and a report that attacks."""
    model = scene.studio.folder / "prepared" / "models"
    folder = model / (model / "current").read_text()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in folder.iterdir():
            content = path.read_bytes()
            if path.suffix == ".json":
                content = content.replace(b'"wave"', json.dumps(NASTY).encode())
            archive.writestr(f"m/{path.name}", content)
        if not (folder / "report.html").exists():
            archive.writestr("m/report.html", "")
    return out.getvalue()


def test_names_texts_and_reports_of_others_are_text(scene: Scene) -> None:
    page = scene.visitor.page
    asked = len(scene.evil.asked)
    scene.visitor.complaints.clear()
    answer = scene.context.request.post(
        f"{scene.studio.url}api/projects/import",
        params={"name": NASTY},
        data=nasty_zip(scene),
        headers={"Origin": scene.studio.url.rstrip("/")},
    )
    brought = answer.json()["slug"]
    scene.ask("POST", f"projects/{brought}/bindings", {"gesture": NASTY, "do": [{"say": {"text": NASTY}}]})
    (scene.studio.folder / brought / "models" / "m" / "report.html").write_text(
        REPORT.format(evil=scene.evil.at("127.0.0.1", "report"))
    )
    page.reload()
    for name in ("gestures", "try", "take-away", "train", "bind"):
        scene.visitor.go(f"{brought}/{name}")
        scene.visitor.wait("#main h1")
        if name in ("train", "bind"):
            page.wait_for_function(
                "name => document.querySelector('main').innerText.includes(name)", arg=NASTY
            )
    scene.visitor.go("")
    page.wait_for_function("name => document.querySelector('main').innerText.includes(name)", arg=NASTY)
    scene.ask("DELETE", f"projects/{NASTY}")  # an error that quotes it
    assert page.evaluate("() => window.hacked ?? null") is None
    with scene.tab(f"{scene.studio.url}api/projects/{brought}/model/report.html") as report:
        report.wait_for_timeout(300)
        assert "read me" in report.content() and "report.html" in report.url
    assert len(scene.evil.asked) == asked
    left = [told for told in scene.visitor.complaints if "status of 404" not in told]  # of the last request
    assert not left, left
