"""Read untrusted images and videos: check the header, then decode within bounds of bytes, pixels and seconds.

Callers use :mod:`~models.media.image` (:func:`~models.media.image.probe`, :func:`~models.media.image.decode`) and
:mod:`~models.media.video` (:func:`~models.media.video.probe_video`, :class:`~models.media.video.VideoReader`); the
other modules are their parts. Nothing here loads a neural network, so the HTTP process may import it.
"""
