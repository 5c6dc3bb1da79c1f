"""Paths into nested records, of XML and JSON alike, such as ``deceased/name`` or ``name[use=official].family``.

Steps are separated by ``.`` or ``/``. ``[0]`` takes one of a list (from 0), ``[type=NATIONAL_ID]`` those whose field
has this value; without brackets all of a list are meant. ``@nr`` is an attribute, ``./NR`` begins at the record itself.
A key that contains separators is found as it is written. A single name in XML, or one that a JSON record does not have
at the top, is looked for at any depth; there it may stand only once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.fhir_dates import partial_date
from certify.registry.feeds.raw_table import MAX_CELL

Node = Any
"""A record as nested dictionaries, lists and texts. An element of XML has its attributes under ``@name``."""
_STEP = re.compile(r"([./]?)((?:[^./\[\]])+)((?:\[[^\]]*\])*)")
_BRACKET = re.compile(r"\[([^\]]*)\]")
_TEXTS = ("#text", "@value")
"""Where an element of XML has its own text; FHIR writes it as an attribute."""


@dataclass(frozen=True, slots=True)
class _Step:
    before: str
    name: str
    brackets: tuple[str, ...]


@lru_cache(maxsize=1_000)
def _steps(path: str) -> tuple[_Step, ...]:
    text = path.removeprefix("./").removeprefix("$.")
    found, at = [], 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise Invalid(f"'{path}' is no path.", hint="Write it like deceased/name.", code=ErrorCode.FEED_DESCRIPTION)
        found.append(_Step(step[1], step[2], tuple(_BRACKET.findall(step[3]))))
        at = step.end()
    return tuple(found)


def cell_at(record: Node, path: str, *, join: bool, anywhere: bool) -> str | None:
    """Return the text at a path of a record; None if there is none.

    Args:
        record: the record.
        path: the path.
        join: whether several values are put together, as for the parts of a name.
        anywhere: whether a single name is looked for at any depth, even if the record has it at the top.

    Returns:
        The text.

    Raises:
        Invalid: the record has several values there, or has the name more than once (``feed_ambiguous``).
    """
    steps = _steps(path)
    single = len(steps) == 1 and not steps[0].brackets and not path.startswith(("./", "$."))
    at_top = isinstance(record, Mapping) and (path in record or f"_{path}" in record)
    if single and (anywhere or not at_top):
        where = list(_everywhere(record, path.removeprefix("@"), ""))
        places = sorted({place for place, _ in where})
        if len(places) > 1:
            raise Invalid(
                f"A record has the name '{path}' more than once: {', '.join(place[:60] for place in places[:5])}.",
                hint=f"Write in [columns] which one is meant, such as '{_example(places)}'.",
                code=ErrorCode.FEED_AMBIGUOUS,
            )
        values = [text for _, node in where for text in _texts(node)]
    else:
        values = [text for node in _resolve(record, steps) for text in _texts(node)]
    distinct = list(dict.fromkeys(values))
    if len(distinct) > 1 and not join:
        raise Invalid(
            f"A record has {len(distinct)} values at '{path}'.",
            hint="Choose one with brackets, such as [0] or [type=NATIONAL_ID].",
            code=ErrorCode.FEED_AMBIGUOUS,
        )
    return " ".join(values)[:MAX_CELL] if values else None


def _example(places: Sequence[str]) -> str:
    return next((place for place in places if "deceased" in place.casefold()), places[0])


def nodes_at(document: Node, path: str) -> list[Node]:
    """Return all nodes at a path; the parts of lists one by one."""
    found = []
    for node in _resolve(document, _steps(path)):
        found += node if isinstance(node, list) else [node]
    return found


def _resolve(node: Node, steps: tuple[_Step, ...]) -> Iterator[Node]:
    if not steps:
        yield node
        return
    if isinstance(node, list):
        for part in node:
            yield from _resolve(part, steps)
        return
    if not isinstance(node, Mapping):
        return
    for length in range(len(steps), 0, -1):
        if any(step.brackets for step in steps[: length - 1]):
            continue
        key = "".join(step.before * (place > 0) + step.name for place, step in enumerate(steps[:length]))
        for name in (key, f"@{key}"):
            if node.get(name) is not None:
                chosen = _chosen(node[name], steps[length - 1].brackets)
                for part in chosen:
                    yield from _resolve(part, steps[length:])
                return
    # JSON of FHIR writes what is known about a missing value under its name with a stroke in front.
    beside = node.get(f"_{steps[0].name}") if len(steps) == 1 else None
    if beside is not None and (text := partial_date(beside)) is not None:
        yield text


def _chosen(node: Node, brackets: Sequence[str]) -> list[Node]:
    parts = node if isinstance(node, list) else [node]
    for bracket in brackets:
        if bracket.isdigit():
            parts = parts[int(bracket) : int(bracket) + 1]
        elif "=" in bracket:
            path, _, value = bracket.partition("=")
            wanted = value.strip("'\"")
            parts = [
                part
                for part in parts
                if any(text == wanted for found in _resolve(part, _steps(path)) for text in _texts(found))
            ]
    return parts


def _everywhere(node: Node, name: str, place: str) -> Iterator[tuple[str, Node]]:
    """Yield all nodes of this name, with the path of each."""
    if isinstance(node, list):
        for part in node:
            yield from _everywhere(part, name, place)
    elif isinstance(node, Mapping):
        for key, below in node.items():
            here = f"{place}/{key}".removeprefix("/")
            if key.removeprefix("@") == name:
                yield here if "/" in here else f"./{here}", below
            yield from _everywhere(below, name, here)


def _texts(node: Node) -> list[str]:
    if isinstance(node, list):
        return [text for part in node for text in _texts(part)]
    if isinstance(node, Mapping):
        own = next((_texts(node[name]) for name in _TEXTS if name in node), None)
        if own is None and "extension" in node and (partial := partial_date(node)) is not None:
            return [partial]
        return own or []
    if node is None:
        return []
    text = ("true" if node else "false") if isinstance(node, bool) else str(node).strip()
    return [text] if text else []
