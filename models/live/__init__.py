"""Guide a person while the camera runs: what to do next, frame by frame.

:mod:`~models.live.guide` turns frames into advice and is what the service calls (in a process of its own).
:mod:`~models.live.coach` holds the rules, without any model. Neither decides about liveness.
"""
