"""Tell bona fide presentations from presentation and injection attacks: frames in, a verdict with reasons out.

Reading order: :mod:`~models.liveness.plan` (what the person was asked to do), :mod:`~models.liveness.readings` (what is
measured of each frame), one module for each check, :mod:`~models.liveness.fusion` (from checks to one verdict), and
:mod:`~models.liveness.assess`, which runs them all and is what the pipeline calls. The service itself uses the plan,
the source of the capture, the verdict and the perceptual hash of the video.
"""
