"""The frame of the reports: one HTML page that says first what to do, has an index, and loads nothing.

A report is read in an office, sent by e-mail or printed. So it has no script and no file beside it, and it is readable
at the width of a telephone, in a dark room, and by a screen reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --quiet: #4a4a4a; --line: #d8d8d8; --link: #115e59;
--held: #fff3d6; --alarm: #a8433a; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceff0; --paper: #15191b; --quiet: #b3bcc0; --line: #3b4448;
--link: #7fd1c7; --held: #40351a; --alarm: #ef9a90; } }
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; } body { font: 17px/1.5 system-ui, sans-serif; margin: 0; color: var(--ink);
background: var(--paper); overflow-wrap: break-word; }
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.6rem; } a { color: var(--link); } h1 { font-size: 1.6rem; margin: 0; line-height: 1.25; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; } h2, h3 { overflow-wrap: anywhere; } .quiet { color: var(--quiet);
font-size: .95rem; } .todo { background: var(--held); padding: .2rem 1rem .6rem; margin-top: 1rem;
border-radius: .5rem; }
.todo h2 { margin-top: .6rem; } .todo ul { margin: 0; padding-left: 1.2rem; }
nav ol { columns: 16rem 2; padding-left: 1.3rem; }
table { border-collapse: collapse; max-width: 100%; }
td, th { padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top;
border-bottom: 1px solid var(--line); font-weight: normal; } thead th, th[scope=row] { color: var(--quiet); }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0 1.6rem; } figcaption { font-weight: 600; } .scroll { overflow-x: auto; } .scroll:focus-visible {
outline: 3px solid var(--link); outline-offset: 2px; } .scroll svg { width: 100%; min-width: 34rem; height: auto; }
.grid { stroke: var(--line); } svg text { fill: var(--ink); font-size: 12px; } .scale { text-anchor: end; }
.label, .value { text-anchor: middle; } .legend { font-size: .95rem; margin: .2rem 0; }
.legend span { margin-right: 1.2rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; }
code { font-size: .9rem; overflow-wrap: anywhere; } pre { white-space: pre-wrap;
font-size: .85rem; overflow-wrap: anywhere; }
summary { cursor: pointer; padding: .3rem 0; } footer { padding: 2rem 1rem; }
.vh { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -60rem; } .skip:focus { left: 1rem; top: .5rem; }
@media (max-width: 34rem) { table.stack thead { display: none; } table.stack tr { display: block; padding: .5rem 0;
border-bottom: 1px solid var(--line); } table.stack td, table.stack th { display: block; border: 0; padding: .1rem 0;
text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.stack td[data-is]::before { content: attr(data-is) ": "; color: var(--quiet); } }
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report that the index names.

    Attributes:
        title: its heading, as text.
        body: its content, as HTML.
        key: the part of the address behind ``#``; unique in the page.
    """

    title: str
    body: str
    key: str


def report_page(
    title: str, *, about: str, todo: Sequence[str], sections: Sequence[Section], style: str = "", fund: str = ""
) -> str:
    """Return a report as one HTML page.

    Args:
        title: title of the page, as text.
        about: one line below the title, such as the day, as text.
        todo: what the reader should do, one sentence of HTML each, the most urgent first; empty if there is nothing.
        sections: the parts.
        style: rules beside those that all reports have.
        fund: name of the fund, as text.
    """
    things = "".join(f"<li>{one}</li>" for one in todo) or "<li>Nothing. This page is for information.</li>"
    index = "".join(f'<li><a href="#{part.key}">{escape(part.title)}</a></li>' for part in sections)
    body = "".join(
        f'<section aria-labelledby="{part.key}"><h2 id="{part.key}">{escape(part.title)}</h2>{part.body}</section>'
        for part in sections
    )
    above = f'<p class="quiet">{escape(fund)}</p>' if fund else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}{style}</style></head>'
        f'<body><a class="skip" href="#todo">To the report</a><header>{above}<h1>{escape(title)}</h1>'
        f'<p class="quiet">{escape(about)}</p></header><main><section class="todo" aria-labelledby="todo">'
        f'<h2 id="todo">What to do</h2><ul>{things}</ul></section>'
        f'<nav aria-label="Contents"><ol>{index}</ol></nav>{body}</main></body></html>'
    )


def pairs(*rows: tuple[str, str]) -> str:
    """Return a table of names and values, given as text."""
    cells = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f'<table class="stack"><tbody>{cells}</tbody></table>'
