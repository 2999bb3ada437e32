"""Questions a lesson asks: choose, predict then run, put lines in order."""

from course.quiz.choice import Choice, choice
from course.quiz.order import Order, order
from course.quiz.predict import Predict, predict

__all__ = ["Choice", "Order", "Predict", "choice", "order", "predict"]
