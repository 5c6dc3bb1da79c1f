"""The application starts and stops in order."""

from __future__ import annotations

import gc

import api.app
from api.app import freeze_objects


def test_a_service_exempts_what_it_has_loaded_from_garbage_collection() -> None:
    assert api.app.freeze_objects is not freeze_objects, "the other tests of the API leave it out"
    before = gc.get_freeze_count()
    try:
        freeze_objects()
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()
