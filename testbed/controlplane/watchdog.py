"""Leader of a rig's process group: ends the whole group when the process that started it is gone, however it went.

Run as a script. The parent holds the other end of standard input and never writes; the kernel closes it
with the parent, also after SIGKILL, where neither `atexit` nor a `finally` runs.
"""

from __future__ import annotations

import os
import signal
import sys

sys.stdin.buffer.read()
os.killpg(0, signal.SIGKILL)
