"""Live captures: frames come in one by one, guidance goes back at once, and the whole is judged like an upload.

``guide_process`` looks at frames, in a process of its own; ``guide_client`` asks it; ``recording`` bounds and keeps
what came; ``submit`` hands it to the worker.
"""
