"""The films of living people that a bench of liveness works on, and the options that name them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rich.progress import track

from models.evaluation.liveness import examine_film
from models.evaluation.liveness_cache import FilmCache
from models.evaluation.liveness_samples import LIVE, Sample, read_samples
from models.liveness.examined import Examined
from models.pipeline import FaceEngine


def options_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options ``--samples``, ``--cache`` and ``--seed``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="as in 'certify evaluate liveness'")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def living_films(options: argparse.Namespace, engine: FaceEngine) -> Iterator[tuple[Sample, Examined]]:
    """Examine the films of living people one by one, and show how far it is.

    Args:
        options: as :func:`options_parser` reads them.
        engine: the face models.
    """
    cache = FilmCache(options.cache, engine.models) if options.cache else None
    living = [sample for sample in read_samples(options.samples)[1] if sample.label == LIVE and not sample.image]
    for sample in track(living, "films"):
        yield sample, examine_film(sample.file.read_bytes(), engine, cache)[0]
