"""Write the readings of a film as arrays and read them back, exactly: no pickles, so that a file can run nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.face.detect import Face
from models.face.head_pose import HeadPose
from models.face.landmarks import MeshReading
from models.face.quality import QualityMeasure
from models.liveness.continuity import SeenFace
from models.liveness.examined import Examined
from models.liveness.readings import Detail, Glance, Readings
from models.states import State

Arrays = Mapping[str, NDArray[Any]]
_BIG = ("patch", "skin", "aligned", "around", "regions")


def examined_arrays(examined: Examined) -> dict[str, NDArray[Any]]:
    """Return everything that was read from a film as arrays by name."""
    glances, details = examined.readings.glances, examined.readings.details
    text = {
        "film": [examined.codec, examined.width, examined.height],
        "calm": [glance.calm for glance in glances],
        "details": [_plain(detail) for detail in details],
    }
    arrays: dict[str, NDArray[Any]] = {
        "text": np.frombuffer(json.dumps(text).encode("utf-8"), np.uint8),
        "times": np.array([glance.time_s for glance in glances]),
        "steps": np.array([glance.step for glance in glances]),
        "thumbs": np.array([glance.thumb for glance in glances], np.float32),
        "vectors": np.array([face.vector for face in examined.faces], np.float32),
        "poses": np.array([[face.yaw, face.pitch] for face in examined.faces]),
    }
    for name in _BIG:
        arrays[name] = _stack([value for detail in details if (value := getattr(detail, name)) is not None])
    meshes = [detail.mesh for detail in details if detail.mesh is not None]
    arrays["points"] = _stack([mesh.points for mesh in meshes])
    arrays["blendshapes"] = _stack([mesh.blendshapes for mesh in meshes])
    arrays["matrices"] = _stack([mesh.pose.matrix for mesh in meshes])
    return arrays


def examined_from(arrays: Arrays) -> Examined:
    """Undo :func:`examined_arrays`."""
    text = json.loads(arrays["text"].tobytes())
    glances = tuple(
        Glance(float(time_s), thumb, float(step), calm)
        for time_s, thumb, step, calm in zip(
            arrays["times"], arrays["thumbs"], arrays["steps"], text["calm"], strict=True
        )
    )
    rows = {name: iter(arrays[name]) for name in (*_BIG, "points", "blendshapes", "matrices")}
    details = tuple(_detail(plain, rows) for plain in text["details"])
    faces = tuple(
        SeenFace(vector, float(yaw), float(pitch))
        for vector, (yaw, pitch) in zip(arrays["vectors"], arrays["poses"], strict=True)
    )
    codec, width, height = text["film"]
    return Examined(codec, width, height, Readings(glances, details), faces)


def _stack(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.stack(values) if values else np.zeros((0,))


def _plain(detail: Detail) -> dict[str, Any]:
    mesh = detail.mesh
    return {
        "index": detail.index,
        "time_s": detail.time_s,
        "faces": None
        if detail.faces is None
        else [[list(map(float, face.box)), face.points.tolist(), float(face.score)] for face in detail.faces],
        "mesh": None
        if mesh is None
        else [
            float(mesh.presence),
            [float(angle) for angle in (mesh.pose.yaw, mesh.pose.pitch, mesh.pose.roll)],
            float(mesh.inter_eye),
            list(map(float, mesh.box)),
            bool(mesh.tracked),
        ],
        "live": detail.live,
        "grid": detail.grid,
        "framed": detail.framed,
        "quality": [asdict(measure) | {"state": measure.state.value} for measure in detail.quality],
        "has": [name for name in _BIG if getattr(detail, name) is not None],
    }


def _detail(plain: Mapping[str, Any], rows: Mapping[str, Any]) -> Detail:
    mesh = None
    if plain["mesh"] is not None:
        presence, angles, inter_eye, box, tracked = plain["mesh"]
        yaw, pitch, roll = angles
        pose = HeadPose(yaw, pitch, roll, next(rows["matrices"]))
        mesh = MeshReading(
            next(rows["points"]), presence, next(rows["blendshapes"]), pose, inter_eye, tuple(box), tracked
        )
    big = {name: next(rows[name]) for name in plain["has"]}
    return Detail(
        index=plain["index"],
        time_s=plain["time_s"],
        faces=None
        if plain["faces"] is None
        else tuple(Face(tuple(box), np.array(points, np.float32), score) for box, points, score in plain["faces"]),
        mesh=mesh,
        patch=big.get("patch"),
        skin=big.get("skin"),
        live=plain["live"],
        grid=plain["grid"],
        framed=plain["framed"],
        quality=tuple(QualityMeasure(**(values | {"state": State(values["state"])})) for values in plain["quality"]),
        aligned=big.get("aligned"),
        around=big.get("around"),
        regions=big.get("regions"),
    )
