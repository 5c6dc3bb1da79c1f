"""No circle of imports: neither of files nor of rooms. The order of the rooms is the contract in ``.importlinter``."""

from __future__ import annotations

from functools import cache

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
    """Return the strongly connected components of more than one node (Tarjan 1972), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for start in sorted(arrows):
        if start in index:
            continue
        work = [(start, iter(sorted(arrows.get(start, ()))))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while work:
            node, targets = work[-1]
            step = next((target for target in targets if target not in index or target in stack), None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    if len(stack) - cut > 1:
                        found.append(sorted(stack[cut:]))
                    del stack[cut:]
            elif step in index:
                low[node] = min(low[node], index[step])
            else:
                index[step] = low[step] = len(index)
                stack.append(step)
                work.append((step, iter(sorted(arrows.get(step, ())))))
    return found


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
