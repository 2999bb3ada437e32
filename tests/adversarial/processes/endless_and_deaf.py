"""An answer that does not end and ignores every interrupt.

Earns: two_path_grad 0
Told: Cell 4: It ran for more than 2 s and did not stop when interrupted.
Learner: ended before it answered
Because: who does not stop is stopped, and is not asked again.
"""

# %% two_path_grad_answer
import signal


def two_path_grad(x, w):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
