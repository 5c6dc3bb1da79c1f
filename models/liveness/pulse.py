"""Measure the pulse in the skin's colour. It only supports: it decides nothing, and its absence means nothing.

With every heartbeat the skin's green dims a little. POS (W. Wang, A. den Brinker, S. Stuijk, G. de Haan, *Algorithmic
principles of remote PPG*, IEEE Trans. Biomed. Eng. 64, 2017) projects the mean skin colour onto the plane orthogonal to
the skin's tone, on which light and motion have little effect. The strength of a pulse is a signal-to-noise ratio
(G. de Haan, V. Jeanne, *Robust pulse rate from chrominance-based rPPG*, 2013): power at the strongest frequency and its
double, over the rest of the band.

Skin is measured ten times a second, enough for 0.7 to 3 Hz (42 to 180 beats a minute; Nyquist 5 Hz). There are two
reasons why the pulse does not decide. A recording shows the pulse of the recorded person. And compression, dark skin, a
flickering lamp, a pacemaker or a weak pulse often hide it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, not_assessed, passed
from models.liveness.readings import Readings

NAME = "pulse"

MIN_SECONDS = 8.0
"""Six beats at the slowest rate. In less time the lines of the spectrum are wider than the changes of the rate."""
_RATE = 10.0
_BAND = (0.7, 3.0)
_WINDOW = 1.6
"""Seconds of POS's windows, as in the paper."""
CLEAR = 5.0
"""Decibels from which a pulse is clear. Of 1,000 simulated captures with only noise and drift, 8 reach it in eight
seconds, and one in ten seconds or more (docs/liveness.md)."""
_GAP = 0.5
"""Longest time without skin, in seconds, for an assessment."""


def check_pulse(readings: Readings) -> CheckResult:
    """Pass if a pulse is clear; else it is not assessed."""
    known = [(d.time_s, d.skin) for d in readings.details if d.skin is not None and bool(np.isfinite(d.skin).all())]
    seconds = known[-1][0] - known[0][0] if len(known) > 1 else 0.0
    if seconds < MIN_SECONDS:
        return not_assessed(NAME, "too_short", seconds=seconds)
    times = np.array([time_s for time_s, _ in known])
    if float(np.diff(times).max()) > _GAP or len(known) < 0.7 * _RATE * seconds:
        return not_assessed(NAME, "face_lost", seconds=seconds)
    even = np.arange(times[0], times[-1], 1 / _RATE)
    colours = np.stack([np.interp(even, times, channel) for channel in np.stack([skin for _, skin in known], 1)])
    if float(colours.min()) < 1:
        return not_assessed(NAME, "too_dark", seconds=seconds)
    frequency, ratio = strength(project(colours))
    values = {"beats_a_minute": 60 * frequency, "snr_db": ratio, "seconds": seconds}
    return passed(NAME, **values) if ratio >= CLEAR else not_assessed(NAME, "unclear", **values)


def project(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project red, green and blue [3, n], ten values a second, to one signal [n] (POS)."""
    count, length = colours.shape[1], round(_WINDOW * _RATE)
    signal = np.zeros(count)
    for begin in range(count - length + 1):
        part = colours[:, begin : begin + length]
        scaled = part / part.mean(1, keepdims=True)
        first, second = scaled[1] - scaled[2], scaled[1] + scaled[2] - 2 * scaled[0]
        mixed = first + second * (first.std() / max(float(second.std()), 1e-9))
        signal[begin : begin + length] += mixed - mixed.mean()
    return signal


def strength(signal: NDArray[np.float64]) -> tuple[float, float]:
    """Return the frequency of the strongest pulse in hertz, and its signal-to-noise ratio in decibels."""
    padded = 8 * len(signal)
    power = np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(len(signal)), padded)) ** 2
    frequencies = np.fft.rfftfreq(padded, 1 / _RATE)
    band = (frequencies >= _BAND[0]) & (frequencies <= _BAND[1])
    best = float(frequencies[band][int(power[band].argmax())])
    width = 2 * _RATE / len(signal)  # half the main lobe of the Hann window, the width of one frequency
    own = band & ((np.abs(frequencies - best) <= width) | (np.abs(frequencies - 2 * best) <= width))
    rest = max(float(power[band & ~own].sum()), 1e-12)
    return best, float(10 * np.log10(max(float(power[own].sum()), 1e-12) / rest))
