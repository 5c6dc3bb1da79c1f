"""Does blood pulse under the skin? A supporting sign: its absence says nothing, and it decides nothing.

With every heartbeat the skin's green dims a little. POS (W. Wang, A. den Brinker, S. Stuijk, G. de Haan, *Algorithmic
principles of remote PPG*, IEEE Trans. Biomed. Eng. 64, 2017) projects the mean skin colour onto the plane orthogonal to
the skin's tone, where light and motion hardly show. The strength of a pulse is G. de Haan's signal-to-noise ratio
(G. de Haan, V. Jeanne, *Robust pulse rate from chrominance-based rPPG*, 2013): power at the strongest frequency and its
double, over the rest of the band.

Skin is read ten times a second, enough for 0.7 to 3 Hz (42 to 180 beats a minute; Nyquist 5 Hz). It does not decide
because a recording pulses as the person in it did, and because a compressed film, dark skin, a lamp that flickers or
somebody with a pacemaker or a weak pulse often show none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, open_question, passed
from models.liveness.readings import Readings

NAME = "pulse"

MIN_SECONDS = 8.0
"""Six beats at the slowest rate; below, the spectrum's lines are wider than a rate changes."""
_RATE = 10.0
_BAND = (0.7, 3.0)
_WINDOW = 1.6
"""Seconds of POS's windows, as in the paper."""
CLEAR = 5.0
"""Decibels from which a pulse is clear: of 1,000 simulated captures with noise and drift alone 8 reach it in eight
seconds, and one in ten or more (docs/liveness.md)."""
_GAP = 0.5
"""Seconds without skin above which nothing is said."""


def check_pulse(readings: Readings) -> CheckResult:
    """Pass when a pulse is clear, else say nothing."""
    known = [(d.time_s, d.skin) for d in readings.details if d.skin is not None and bool(np.isfinite(d.skin).all())]
    seconds = known[-1][0] - known[0][0] if len(known) > 1 else 0.0
    if seconds < MIN_SECONDS:
        return open_question(NAME, "too_short", seconds=seconds)
    times = np.array([time_s for time_s, _ in known])
    if float(np.diff(times).max()) > _GAP or len(known) < 0.7 * _RATE * seconds:
        return open_question(NAME, "face_lost", seconds=seconds)
    even = np.arange(times[0], times[-1], 1 / _RATE)
    colours = np.stack([np.interp(even, times, channel) for channel in np.stack([skin for _, skin in known], 1)])
    if float(colours.min()) < 1:
        return open_question(NAME, "too_dark", seconds=seconds)
    frequency, ratio = strength(project(colours))
    values = {"beats_a_minute": 60 * frequency, "snr_db": ratio, "seconds": seconds}
    return passed(NAME, **values) if ratio >= CLEAR else open_question(NAME, "unclear", **values)


def project(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """POS: red, green and blue [3, n] at ten a second to one signal [n]."""
    count, length = colours.shape[1], round(_WINDOW * _RATE)
    found = np.zeros(count)
    for begin in range(count - length + 1):
        part = colours[:, begin : begin + length]
        scaled = part / part.mean(1, keepdims=True)
        first, second = scaled[1] - scaled[2], scaled[1] + scaled[2] - 2 * scaled[0]
        mixed = first + second * (first.std() / max(float(second.std()), 1e-9))
        found[begin : begin + length] += mixed - mixed.mean()
    return found


def strength(signal: NDArray[np.float64]) -> tuple[float, float]:
    """Frequency of the strongest pulse in hertz, and its signal-to-noise ratio in decibels."""
    padded = 8 * len(signal)
    power = np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(len(signal)), padded)) ** 2
    frequencies = np.fft.rfftfreq(padded, 1 / _RATE)
    band = (frequencies >= _BAND[0]) & (frequencies <= _BAND[1])
    best = float(frequencies[band][int(power[band].argmax())])
    width = 2 * _RATE / len(signal)  # half the main lobe of the Hann window: what belongs to one frequency
    own = band & ((np.abs(frequencies - best) <= width) | (np.abs(frequencies - 2 * best) <= width))
    rest = max(float(power[band & ~own].sum()), 1e-12)
    return best, float(10 * np.log10(max(float(power[own].sum()), 1e-12) / rest))
