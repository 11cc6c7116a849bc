"""The template filter `amount`."""

from django.template import Library

from core.numerals import shown_amount

register = Library()
register.filter("amount", shown_amount)
