"""An order's text to its terms: `metrics.val_accuracy desc, started_at asc`."""

from __future__ import annotations

from tracking.searching.language.fields import attribute_of, field_of
from tracking.searching.language.problem import Misread, gettext_noop, nearest
from tracking.searching.language.tokens import Kind, Token, tokens
from tracking.searching.language.tree import Data, Field, Order, Term

MOST_TERMS = 5


def parse_order(text: str) -> Order:
    """The terms of `text`, each ascending unless it says desc; none where it is blank."""
    found = list(tokens(text))
    terms: list[Term] = []
    if found[0].kind is Kind.END:
        return ()
    place = 0
    while True:
        if len(terms) == MOST_TERMS:
            raise Misread(gettext_noop("An order has at most %(most)s terms."), found[place].start, len(text), most=MOST_TERMS)
        field = _field(found[place])
        place += 1
        descending, place = _direction(found, place)
        if any(term.field == field for term in terms):
            sentence = gettext_noop("This order names the same field twice.")
            raise Misread(sentence, found[place - 1].start, found[place - 1].end)
        terms.append(Term(field, descending))
        token = found[place]
        if token.kind is Kind.END:
            return tuple(terms)
        if token.kind is not Kind.COMMA:
            _refuse(token)
        place += 1


def _field(token: Token) -> Field:
    if token.kind is Kind.FIELD:
        field = field_of(token)
    elif token.kind is Kind.WORD:
        field = attribute_of(token.text, token)
    elif token.kind is Kind.END:
        raise Misread(gettext_noop("The order ends where a name must follow."), token.start, token.end)
    else:
        sentence = gettext_noop("Here must stand a name, such as metrics.accuracy or started_at, not “%(found)s”.")
        raise Misread(sentence, token.start, token.end, found=token.text)
    if isinstance(field, Data):
        sentence = gettext_noop("A run may have several datasets, so runs cannot be ordered by them.")
        raise Misread(sentence, token.start, token.end)
    return field


def _direction(found: list[Token], place: int) -> tuple[bool, int]:
    token = found[place]
    if token.kind is Kind.WORD and token.text.lower() in ("asc", "desc"):
        return token.text.lower() == "desc", place + 1
    return False, place


def _refuse(token: Token) -> None:
    if token.kind is Kind.WORD and (meant := nearest(token.text, ("asc", "desc"))):
        sentence = gettext_noop("“%(found)s” is no direction. Did you mean %(meant)s?")
        raise Misread(sentence, token.start, token.end, found=token.text, meant=meant)
    sentence = gettext_noop("After a name stands asc or desc, and between names a comma, not “%(found)s”.")
    raise Misread(sentence, token.start, token.end, found=token.text)
