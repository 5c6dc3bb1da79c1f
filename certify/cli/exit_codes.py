"""Exit codes of all ``certify`` commands: the one list that scripts can rely on.

====  ===========  ================================================================================================
code  name         meaning
====  ===========  ================================================================================================
0     OK           Done, or the answer is yes.
1     NO           The command did its work and the answer is no: not certified, not genuine, not identical, a file is
                   held, or you declined.
2     USAGE        Wrong usage: an unknown command or option, a missing argument, a value outside its bounds.
3     REFUSED      The input was refused: an unknown person, a photo or file that cannot be used, a path that cannot be
                   written.
4     UNAVAILABLE  Something that the command needs is missing or broken: the database, the master key, a setting, a
                   policy, a face model. Repair it and run the command again.
5     FAULT        A fault in certify itself. The lines of the traceback are for the developers.
6     WEAK         The certificate is genuine and in date, but only a face was compared: no proof of life by itself.
====  ===========  ================================================================================================

Shells add 130 when Ctrl-C ended a command, and 143 when SIGTERM ended it. ``certify serve`` and ``certify worker`` end
with 0 in both cases, because this is how they are stopped.
"""

from __future__ import annotations

from enum import IntEnum

TERMINATED = 143
"""Exit code of a command that SIGTERM ended: 128 and the number of the signal, as shells have it."""


class ExitCode(IntEnum):
    """What the exit code of a command says."""

    OK = 0
    NO = 1
    USAGE = 2
    REFUSED = 3
    UNAVAILABLE = 4
    FAULT = 5
    WEAK = 6
