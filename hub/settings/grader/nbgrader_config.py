"""nbgrader in the grader's server, besides the course's own nbgrader_config.py."""

import os

c = get_config()

c.CourseDirectory.course_id = "autograd-course"
c.CourseDirectory.root = os.environ["CLASSROOM_ROOT"]
c.Exchange.root = os.environ["CLASSROOM_EXCHANGE"]

# The grader is nobody's student, and has no account of the hub's that nbgrader could ask about.
c.Authenticator.plugin_class = "nbgrader.auth.NoAuthPlugin"

# Who handed a submission in, and when, is what the exchange's file system says, never what a file
# in the submission says.
c.ExchangeFactory.collect = "grader.classroom.collecting.Collect"
# In a trial without accounts every file is yours, so that owners say nothing.
c.ExchangeCollect.check_owner = bool(os.environ["CLASSROOM_ACCOUNTS"])

# A late submission is taken, and marked late. "zero" takes its points away; a plugin of your own
# (AssignLatePenalties.plugin_class) can take a part of them.
c.LateSubmissionPlugin.penalty_method = "none"
