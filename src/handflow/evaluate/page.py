"""The bare HTML page that reports are written on: self-contained, light and dark, printable."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from handflow.atomic import write_bytes

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2327; --soft: #5a6570; --page: #f6f7f9; --card: #fff;
  --line: #dfe3e8; --good: #00795c; --bad: #b34a00; --bar: #0072b2; --mark: #fff6e0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a5afb9; --page: #16191c;
  --card: #20252a; --line: #3a424a; --good: #4fd1a8; --bad: #ff9d5c; --bar: #56b4e9; --mark: #3b3120; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: .5rem 0 0; } h2 { font-size: 1.2rem; margin: 0 0 .6rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: 1.1rem 1.3rem; margin-top: 1.1rem; }
.soft { color: var(--soft); } .small { font-size: .88rem; }
.verdict { font-size: 1.25rem; margin: .2rem 0; } .verdict strong { font-size: 1.45em; }
.warn { background: var(--mark); border-left: .35rem solid var(--bad); }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { vertical-align: bottom; font-weight: 600; color: var(--soft); font-size: .88rem; }
.bar { display: block; min-width: 6rem; height: .7rem; border-radius: .35rem; background: var(--line); }
.bar i { display: block; height: 100%; border-radius: .35rem; background: var(--bar); }
figure { margin: .8rem 0 0; } figcaption { color: var(--soft); font-size: .88rem; margin-top: .3rem; }
img { max-width: 100%; height: auto; background: #fff; padding: .5rem; border-radius: .5rem; }
pre { overflow-x: auto; background: var(--page); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem; margin: .3rem 0 1rem; } code { font-size: .92em; }
li { margin: .35rem 0; } .ok { color: var(--good); } .no { color: var(--bad); }
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""


def write_page(path: Path, title: str, body: Iterable[str]) -> Path:
    """Writes a whole HTML document, or nothing; `title` is text, `body` HTML."""
    document = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, document.encode())
    return path


def section(heading: str, *parts: str, kind: str = "") -> str:
    """A card with a heading; `parts` are HTML."""
    return (
        f'<section class="{kind}">\n<h2>{escape(heading)}</h2>\n'
        + "\n".join(p for p in parts if p)
        + "\n</section>"
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(lines: Sequence[str]) -> str:
    """A list of text lines; empty where there are none."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """A table; numbers from 0 to 1 become bars with a percentage, text starting with a digit stands right."""
    lines = ["<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows]
    heads = "".join(f"<th>{escape(h)}</th>" for h in head)
    return (
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def command(line: str, why: str) -> str:
    """A command line to copy, with what it is for."""
    return f"<div>{escape(why)}</div><pre><code>{escape(line)}</code></pre>"


def picture(path: Path, caption: str) -> str:
    """A PNG embedded in the page; empty where the file does not exist."""
    if not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _cell(value: str | float | None) -> str:
    if value is None:
        return '<td class="soft">–</td>'
    if isinstance(value, float):
        return f'<td><span class="bar"><i style="width:{100 * value:.1f}%"></i></span></td>'
    return f"<td>{escape(value)}</td>"
