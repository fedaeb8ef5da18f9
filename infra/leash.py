"""The leash: runs a module as `python -m` does, and ends it when the process that started this one is gone.

That process holds the other end of standard input, which the system closes however it ends, so that even a SIGKILL of
it leaves nothing running; and the module gets a SIGTERM, after which the local cloud still saves its data.
"""

import os
import runpy
import signal
import sys
import threading


def _follow() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_follow, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
