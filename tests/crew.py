"""Judges in the process of a test, so that the test can change what judging depends on."""

from concurrent.futures import Future

from grader.judge.examiner import Examiner


class Here:
    """A crew of one that counts whom it judges. Its boxes outlive a command; its keys do not."""

    slots = 1

    def __init__(self):
        self.examiner, self.judged = Examiner(), []

    def submit(self, round_, paper):
        self.judged.append(paper.student)
        done = Future()
        done.set_result(self.examiner.examine(round_, paper))
        return done

    def renew(self):
        pass

    def close(self):
        """Forget references and mistakes: the next command may find another key."""
        self.examiner._judges.clear()
