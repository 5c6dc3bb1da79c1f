"""The whole scheme played forward on a population: who is paid, paused, stopped, visited, and what it costs.

Four regimes meet the same people with the same deaths, the same frauds and the same chance: the rules of this service
as ``certify.domain.decide`` has them, and three others to compare with. What is assumed stands in ``assumptions.toml``,
a source beside each number; docs/simulation.md says what the model cannot show.

Days are counted as ``date.toordinal`` does.
"""
