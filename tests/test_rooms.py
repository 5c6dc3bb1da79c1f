"""No circle of imports: neither of files nor of rooms. The order of the rooms is the contract in ``.importlinter``."""

from __future__ import annotations

from functools import cache
from graphlib import CycleError, TopologicalSorter

import grimp

PACKAGES = ("api", "certify", "models")
Arrows = dict[str, set[str]]


@cache
def _files() -> Arrows:
    graph = grimp.build_graph(*PACKAGES)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def _rooms(arrows: Arrows, depth: int) -> Arrows:
    """Join the files of each folder at this depth; a file that stands above it is a room of its own."""
    rooms: Arrows = {}
    for module, targets in arrows.items():
        room = _room(module, depth)
        rooms.setdefault(room, set()).update({_room(target, depth) for target in targets} - {room})
    return rooms


def _room(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def _circles(arrows: Arrows) -> list[list[str]]:
    """Return a circle of these arrows, in alphabetical order, as the only element; nothing if there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return [sorted(set(error.args[1]))]
    return []


def test_circles_are_found_where_there_are_some() -> None:
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert _circles({"a": {"b"}, "b": set(), "c": {"a", "b"}}) == []
    assert _rooms({"x.a": {"x.y.b"}, "x.y.b": {"x.c"}, "x.c": set()}, 2) == {
        "x.a": {"x.y"},
        "x.y": {"x.c"},
        "x.c": set(),
    }


def test_no_circle_of_files() -> None:
    assert _circles(_files()) == []


def test_no_circle_of_rooms() -> None:
    for depth in (1, 2, 3):
        assert _circles(_rooms(_files(), depth)) == [], depth
