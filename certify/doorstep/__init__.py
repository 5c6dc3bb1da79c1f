"""Visits at home: agents with tablets that work for days without a network, and what they send when there is one.

``agents`` and ``tablets`` say who may visit, with which device; ``day`` is what a tablet takes along; ``bundle`` and
``content`` are what it seals at the door; ``receive`` takes that in and ``opening`` acts on it; ``planning`` says who
is visited when, and ``watch`` looks for agents who do not visit.
"""
