"""Visits at home: agents with tablets that work for days without a network, and what the tablets send later.

- ``agents`` and ``tablets``: who can visit, and with which device. ``workload``: what a tablet takes along.
- ``bundle``, ``content`` and ``clock``: the format of a sealed visit. ``receive`` stores it and ``opening`` acts on it.
- ``visits``: wishes of beneficiaries. ``planning`` and ``plan_file``: who is visited, by whom, when. ``homes``: where.
- ``watch`` scores agents and holds what a suspicious agent certified; ``backlog`` counts for staffing.

The API, the commands and the workers call these modules. Their queries are in ``certify.storage``.
"""
