"""Is a living person before the camera? Frames in; a verdict with reasons out, or "not assessed".

Reading order: :mod:`~models.liveness.plan` (what the person was asked to do), :mod:`~models.liveness.readings` (what is
measured of each frame), one module a check, :mod:`~models.liveness.fusion` (from checks to one verdict).
"""
