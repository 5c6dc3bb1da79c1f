"""Run worker processes, which take jobs from the queue.

There is one module for each lane: ``faces`` runs the face models and housekeeping, ``messages`` sends messages, and
``registry`` compares feeds once a night. The command line starts them with ``run_worker``, ``run_messages_worker`` and
``run_registry_worker``. ``housekeeping`` and ``rescue`` are the regular duties of the faces worker; ``running`` holds
what the lanes share.
"""
