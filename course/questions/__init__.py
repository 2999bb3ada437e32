"""What the lessons ask, a module per chapter; a lesson's cell is `ask("two-paths")`."""

from course.questions.catalogue import UnknownQuestion, ask, by_chapter, of

__all__ = ["UnknownQuestion", "ask", "by_chapter", "of"]
