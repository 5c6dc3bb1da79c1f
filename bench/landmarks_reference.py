"""Save the results of MediaPipe itself on videos, as the reference of ``bench/landmarks_check.py``.

MediaPipe is not a dependency of ours and includes its own OpenCV. So this script runs in a separate environment and
imports nothing of this project:

    python3 -m venv /tmp/mpenv && /tmp/mpenv/bin/pip install mediapipe
    /tmp/mpenv/bin/python bench/landmarks_reference.py ~/.cache/certify/models/face_landmarker-*.task \
        ../shared/data/motion /tmp/mediapipe.npz

It writes ``names``, and for each clip ``NAME_points`` [frames,478,3] in pixels, ``NAME_blendshapes`` [frames,52],
``NAME_matrices`` [frames,4,4] and ``NAME_times`` [frames] in milliseconds. Frames without a face are NaN.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import mediapipe as mp  # type: ignore[import-not-found,unused-ignore]
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision  # type: ignore[import-not-found,unused-ignore]


def main(task: Path, folder: Path, target: Path) -> None:
    """Run the landmarker over every MP4 of a folder."""
    found: dict[str, Any] = {}
    for clip in sorted(folder.glob("*.mp4")):
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(task)),
            running_mode=vision.RunningMode.VIDEO,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with vision.FaceLandmarker.create_from_options(options) as landmarker:
            found |= {f"{clip.stem}_{key}": value for key, value in _read(landmarker, clip, found).items()}
        print(clip.stem, len(found[f"{clip.stem}_times"]), "frames")
    np.savez_compressed(target, **found)


def _read(landmarker: Any, clip: Path, found: dict[str, Any]) -> dict[str, Any]:
    video = cv2.VideoCapture(str(clip))
    rate = video.get(cv2.CAP_PROP_FPS)
    rows: dict[str, list[Any]] = {"points": [], "blendshapes": [], "matrices": [], "times": []}
    while True:
        more, frame = video.read()
        if not more:
            break
        height, width = frame.shape[:2]
        time = int(len(rows["times"]) * 1000 / rate)
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        result = landmarker.detect_for_video(image, time)
        rows["times"].append(time)
        if not result.face_landmarks:
            for key, shape in (("points", (478, 3)), ("blendshapes", (52,)), ("matrices", (4, 4))):
                rows[key].append(np.full(shape, np.nan))
            continue
        rows["points"].append([[p.x * width, p.y * height, p.z * width] for p in result.face_landmarks[0]])
        rows["blendshapes"].append([entry.score for entry in result.face_blendshapes[0]])
        rows["matrices"].append(result.facial_transformation_matrixes[0])
        found["names"] = np.array([entry.category_name for entry in result.face_blendshapes[0]])
    return {key: np.array(values, np.float64 if key == "matrices" else np.float32) for key, values in rows.items()}


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
