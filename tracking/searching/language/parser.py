"""A filter's text to its tree, by recursive descent. The grammar, loosest first:

filter     = all ("or" all)*
all        = one ("and" one)*
one        = "not" one | "(" filter ")" | comparison
comparison = field (= != < <= > >=) value | field ["NOT"] (LIKE ILIKE) text
           | field ["NOT"] "IN" "(" value ("," value)* ")" | field "IS" ["NOT"] ("NULL" | "NAN")
"""

from __future__ import annotations

from typing import NoReturn

from tracking.searching.language.fields import attribute_of, field_of, is_attribute
from tracking.searching.language.problem import Misread, gettext_noop, nearest
from tracking.searching.language.tokens import Kind, Token, tokens
from tracking.searching.language.tree import (
    Absent,
    Among,
    And,
    Compare,
    Field,
    Filter,
    Metric,
    Not,
    NotANumber,
    Operator,
    Or,
    Value,
)
from tracking.searching.language.values import require_operator, value_of

DEPTH = 20  # of parentheses and nots within one another
MOST_COMPARISONS = 50
MOST_VALUES = 1000  # behind IN

_NEGATED = {"LIKE": Operator.NOT_LIKE, "ILIKE": Operator.NOT_ILIKE}
_KEYWORDS = ("and", "or", "not", "like", "ilike", "in", "is", "null", "nan")


def parse_filter(text: str) -> Filter | None:
    """The tree of `text`; None where it is blank. What cannot be read raises Misread with its place."""
    reader = _Reader(text)
    if reader.next.kind is Kind.END:
        return None
    found = reader.either(0)
    if reader.next.kind is not Kind.END:
        reader.refuse_rest()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self.next = next(self._tokens)
        self._comparisons = 0

    def _take(self) -> Token:
        taken = self.next
        if taken.kind is not Kind.END:
            self.next = next(self._tokens)
        return taken

    def _is(self, *words: str) -> bool:
        return self.next.kind is Kind.WORD and self.next.text.lower() in words

    def either(self, depth: int) -> Filter:
        parts = [self._all(depth)]
        while self._is("or"):
            self._take()
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._is("and"):
            self._take()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Filter:
        if depth > DEPTH:
            sentence = gettext_noop("Parentheses and nots stand at most %(most)s deep.")
            raise Misread(sentence, self.next.start, self.next.end, most=DEPTH)
        if self._is("not"):
            self._take()
            return Not(self._one(depth + 1))
        if self.next.kind is Kind.OPENING:
            opening = self._take()
            inner = self.either(depth + 1)
            if self.next.kind is Kind.END:
                raise Misread(gettext_noop("The parenthesis that opens here is never closed."), opening.start, opening.end)
            if self.next.kind is not Kind.CLOSING:
                self.refuse_rest()
            self._take()
            return inner
        return self._comparison()

    def _comparison(self) -> Filter:
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            sentence = gettext_noop("A filter has at most %(most)s comparisons.")
            raise Misread(sentence, self.next.start, self.next.end, most=MOST_COMPARISONS)
        field = self._field()
        if self.next.kind is Kind.OPERATOR:
            sign = self._take()
            operator = Operator(sign.text)
            require_operator(field, operator, sign)
            return Compare(field, operator, value_of(field, operator, self._take()))
        if self._is("is"):
            self._take()
            return self._is_what(field)
        negated = self._is("not")
        if negated:
            self._take()
        if self._is("in"):
            self._take()
            return self._among(field, negated=negated)
        if self._is("like", "ilike"):
            word = self._take()
            name = word.text.upper()
            operator = _NEGATED[name] if negated else Operator(name)
            require_operator(field, operator, word)
            return Compare(field, operator, value_of(field, operator, self._take()))
        self._refuse_operator(negated=negated)

    def _field(self) -> Field:
        token = self._take()
        if token.kind is Kind.FIELD:
            return field_of(token)
        if token.kind is Kind.WORD and (is_attribute(token.text) or token.text.lower() not in _KEYWORDS):
            return attribute_of(token.text, token)
        if token.kind is Kind.END:
            sentence = gettext_noop("The filter ends where a comparison must follow, such as metrics.accuracy > 0.9.")
            raise Misread(sentence, token.start, token.end)
        if token.kind in (Kind.TEXT, Kind.NUMBER):
            sentence = gettext_noop("The name stands first, then the value: metrics.accuracy > 0.9, not “%(found)s” first.")
        else:
            sentence = gettext_noop("Here must stand a comparison, such as metrics.accuracy > 0.9, not “%(found)s”.")
        raise Misread(sentence, token.start, token.end, found=token.text)

    def _is_what(self, field: Field) -> Filter:
        negated = self._is("not")
        if negated:
            self._take()
        word = self._take()
        if word.kind is Kind.WORD and word.text.lower() == "null":
            return Absent(field, negated)
        if word.kind in (Kind.WORD, Kind.NUMBER) and word.text.lower() == "nan":
            if not isinstance(field, Metric):
                raise Misread(gettext_noop("Only metrics can be NaN; ask this field for IS NULL."), word.start, word.end)
            return NotANumber(field, negated)
        if word.kind is Kind.END:
            raise Misread(gettext_noop("After IS must follow NULL or NOT NULL, or NAN or NOT NAN."), word.start, word.end)
        sentence = gettext_noop("After IS must follow NULL or NOT NULL, or NAN or NOT NAN, not “%(found)s”.")
        raise Misread(sentence, word.start, word.end, found=word.text)

    def _among(self, field: Field, *, negated: bool) -> Filter:
        opening = self._take()
        if opening.kind is not Kind.OPENING:
            raise Misread(gettext_noop("After IN must follow values in parentheses: ('a', 'b')."), opening.start, opening.end)
        values: list[Value] = []
        while True:
            if len(values) == MOST_VALUES:
                sentence = gettext_noop("Behind IN stand at most %(most)s values.")
                raise Misread(sentence, self.next.start, self.next.end, most=MOST_VALUES)
            if self.next.kind is Kind.CLOSING:
                raise Misread(gettext_noop("Here must stand a value."), self.next.start, self.next.end)
            values.append(value_of(field, Operator.EQUAL, self._take()))
            separator = self._take()
            if separator.kind is Kind.CLOSING:
                return Among(field, tuple(values), negated)
            if separator.kind is Kind.END:
                raise Misread(gettext_noop("The parenthesis that opens here is never closed."), opening.start, opening.end)
            if separator.kind is not Kind.COMMA:
                sentence = gettext_noop("Between values stands a comma, not “%(found)s”.")
                raise Misread(sentence, separator.start, separator.end, found=separator.text)

    def _refuse_operator(self, *, negated: bool) -> NoReturn:
        token = self.next
        if token.kind is Kind.END:
            raise Misread(
                gettext_noop("The filter ends where a comparison sign and a value must follow."), token.start, token.end
            )
        if negated:
            sentence = gettext_noop(
                "After NOT must follow IN, LIKE or ILIKE here; not itself stands before the whole comparison."
            )
            raise Misread(sentence, token.start, token.end)
        if token.kind is Kind.WORD and (meant := nearest(token.text, ("like", "ilike", "in", "is", "not"))):
            sentence = gettext_noop("“%(found)s” is no comparison. Did you mean %(meant)s?")
            raise Misread(sentence, token.start, token.end, found=token.text, meant=meant.upper())
        sentence = gettext_noop(
            "Here must stand a comparison: =, !=, <, <=, >, >=, LIKE, ILIKE, IN or IS NULL, not “%(found)s”. "
            'A name with spaces stands in quotes: params."learning rate".'
        )
        raise Misread(sentence, token.start, token.end, found=token.text)

    def refuse_rest(self) -> NoReturn:
        """What stands behind a whole comparison is neither and nor or."""
        token = self.next
        if token.kind is Kind.CLOSING:
            raise Misread(gettext_noop("This parenthesis closes none that is open."), token.start, token.end)
        if token.kind is Kind.COMMA:
            raise Misread(gettext_noop("Comparisons are joined by “and” or “or”, not by a comma."), token.start, token.end)
        meant = nearest(token.text, ("and", "or")) if token.kind is Kind.WORD else ""
        if meant:
            sentence = gettext_noop("Between comparisons stands “and” or “or”, not “%(found)s”. Did you mean %(meant)s?")
        else:
            sentence = gettext_noop("Between comparisons stands “and” or “or”, not “%(found)s”.")
        raise Misread(sentence, token.start, token.end, found=token.text, meant=meant)
