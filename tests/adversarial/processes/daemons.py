"""Leaves daemons behind: in sessions of their own, forked twice, deaf to every signal.

Earns: everything
Told: nothing
Because: what a box started ends with the box.
"""

# %% after imports
import os
import signal
import subprocess

for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.execvp("sleep", ["sleep", "314159"])
        os._exit(0)
subprocess.Popen(["sh", "-c", "nohup sleep 314159 & disown"], start_new_session=True)
