"""The language in which people, programs and MLflow's clients ask for runs: text to frozen trees, without Django."""

from tracking.searching.language.ordering import parse_order
from tracking.searching.language.parser import parse_filter
from tracking.searching.language.problem import Misread

__all__ = ["Misread", "parse_filter", "parse_order"]
