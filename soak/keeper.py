"""The keeper: runs the local cloud, and starts it again whenever it ends, after it was away for a while."""

import signal
import subprocess
import sys
import threading
from typing import Final

AWAY_S: Final = 3
LOOK_EVERY_S: Final = 0.1

if __name__ == "__main__":
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.is_set():
        # It ends with its standard input, so that it never outlives the keeper.
        with subprocess.Popen([sys.executable, "-m", "infra.leash", "ministack"], stdin=subprocess.PIPE) as cloud:
            while cloud.poll() is None and not stop.wait(LOOK_EVERY_S):
                pass
            cloud.terminate()
        stop.wait(AWAY_S)
