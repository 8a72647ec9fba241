"""A worker that is killed again and again, and ends its work all the same."""

import os
import signal
import subprocess
import sys
import time

from governance.database.dataset_tables import outbox
from pipelines.platform import Platform

DELAYS = (2.0, 4.0, 6.0)  # seconds after which it is killed


def kill_and_finish(platform: Platform) -> None:
    """Run workers over the platform's home, killed at growing delays; the last one may finish."""
    environment = {**os.environ, "GONGKAI_HOME": str(platform.settings.home)}
    command = [sys.executable, "-m", "pipelines.cli", "worker", "--until-idle"]
    for delay in DELAYS:
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        with platform.engine.begin() as connection:  # the lease of a dead worker runs out
            connection.execute(outbox.update().values(leased_until=None))
    subprocess.run(command, env=environment, check=True, timeout=240)
