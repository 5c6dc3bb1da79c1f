"""Measure one face in one image: detect, align, assess quality, find landmarks, embed.

Callers load the networks with :func:`models.face.networks.load_networks` and the landmark model with
:meth:`models.face.landmarks.FaceMesh.load`. One module holds one step. Everything is pure apart from the loading; a
:class:`~models.face.landmarks.Tracker` is the only object that remembers earlier frames.
"""
