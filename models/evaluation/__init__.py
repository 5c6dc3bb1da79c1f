"""Measure the error rates of comparison and of presentation attack detection on labelled data.

``certify evaluate`` calls :mod:`~models.evaluation.matching` (ISO/IEC 19795-1: FMR, FNMR, failure to acquire) and
:mod:`~models.evaluation.liveness` (ISO/IEC 30107-3: APCER, BPCER). The two modules ``*_plot`` draw their reports.
"""
