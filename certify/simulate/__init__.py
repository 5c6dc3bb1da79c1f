"""A simulation of a scheme on a population: who is paid, paused, stopped and visited, and what it costs.

Four regimes meet the same people with the same deaths, frauds and chance: the rules of this service, as
``certify.domain.decide`` has them, and three others to compare with. ``assumptions.toml`` holds every assumption with
its source; docs/simulation.md says what the model cannot show. Callers use ``run.simulate``,
``assumptions.load_assumptions`` and ``plot``. Days are integers, as ``date.toordinal`` returns them.
"""
