"""Questions a lesson asks: choose, predict then run, put lines in order."""

from course.quiz.choice import Choice, choice
from course.quiz.numerals import in_words
from course.quiz.order import Order, order
from course.quiz.predict import Predict, predict

Question = Choice | Order | Predict

__all__ = ["Choice", "Order", "Predict", "Question", "choice", "in_words", "order", "predict"]
