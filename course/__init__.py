"""The course itself: lessons, live pictures and quizzes."""
