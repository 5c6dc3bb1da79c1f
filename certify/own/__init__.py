"""What people see and do on their own pages, collected from all rooms below: standings, history, contacts, appeals.

Others call ``own_page`` and ``history_of``, and the acts of ``certify.own.acts`` for a person who proved possession.
"""
