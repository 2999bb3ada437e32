"""nbgrader's settings for this course: read by every nbgrader command typed in this folder."""

import os

from grader.judge import pages

c = get_config()

# Said here, where it wins over a file in your home that is about another course.
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.course_id = "autograd-course"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# nbgrader copies what lies beside a notebook into the release. The text of a solution lies there.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.md"]

# In a text, and in the notebook that JupyterLab saves with it, exercises stand in short: what their
# tasks say is written in before a release is cut, whichever command cuts it.
c.GenerateAssignment.preprocessors.prepend(["grader.authoring.preprocessors.InFull"])

# A cell that runs longer is interrupted and marked as such; the cells after it still run.
c.Execute.timeout = 60
c.Execute.interrupt_on_timeout = True

# A learner who deletes a graded cell gets it back, instead of no grade for it at all.
c.OverwriteCells.add_missing_cells = True

# nbgrader reads any text on stderr as zero points. A warning of torch's is no mistake: an
# exercise that fails raises an exception, and that alone costs the points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"(?s)."

# A file in a submission that is named like a module (random.py, torch.py, ipykernel_launcher.py)
# must not be imported in its place: the submission's folder is searched last, not first.
os.environ["PYTHONSAFEPATH"] = "1"
c.Execute.extra_arguments = ["--IPKernelApp.exec_lines=import sys; sys.path.append('')"]

# The judge grades: submissions run in boxes they cannot leave, and answers are compared outside.
# With AUTOGRAD_COURSE_JUDGE=0 nbgrader runs them itself, in kernels that have all your rights.
if os.environ.get("AUTOGRAD_COURSE_JUDGE") != "0":
    c.Autograde.exporter_class = "grader.judge.batch.plugins.SubmissionExporter"
    c.Autograde.autograde_preprocessors = [
        "grader.judge.batch.plugins.Judged",
        "grader.judge.books.gradebook.SaveGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]

# Feedback and formgrader's pages show what a submission displayed, with nothing in it that can run.
pages.configure(c)
