"""Remind people, and send messages to them.

``outbox`` stores a message in the transaction of its cause (``put_message``, ``put_messages``), ``send`` hands due
messages to their senders (``send_due``, ``send_now``), ``reminders`` writes the reminders of a day (``remind``), and
``letters`` prints one letter at once (``write_letter``), and ``notices`` tells people what was done on their own pages
(``tell``). The texts are in ``certify.texts``, the senders in ``certify.senders``.
"""
