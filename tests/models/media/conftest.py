"""One moving portrait, and a video of it for each codec."""

from __future__ import annotations

import pytest

from fixtures import videos
from fixtures.faces import Picture
from tests.models.media.video_calls import CODECS


@pytest.fixture(scope="session")
def pictures(collins: Picture) -> list[Picture]:
    return list(videos.moving(collins[:, :, ::-1], seconds=2, size=(240, 320)))


@pytest.fixture(scope="session")
def files(pictures: list[Picture]) -> dict[str, bytes]:
    return {codec: videos.encode(pictures, codec=codec, audio=True) for codec in CODECS}
