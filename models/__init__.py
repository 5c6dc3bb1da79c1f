"""The face side: pixels in, measurements out. It knows no beneficiary, no database and no HTTP.

The service calls :class:`models.pipeline.FaceEngine` (measure, watch, compare), :mod:`models.live.guide` while a person
is filmed, and :mod:`models.evaluation` for reports of accuracy. It may also use the plain vocabulary:
:mod:`models.results`, :mod:`models.states`, :mod:`models.guidance`, :mod:`models.errors` and :mod:`models.calibrate`.
"""
