"""Live captures: frames arrive one by one, guidance is returned at once, and the recording is evaluated like an upload.

``guide_process`` analyses frames in a process of its own, and ``guide_client`` asks it. ``recording`` bounds and keeps
the frames. ``submit`` checks that a session can take a live capture, and submits the recording to the worker.
"""
