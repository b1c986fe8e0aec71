"""Telling people: what is written down once goes to each in their language, by the ways they want.

`tell` writes a notice and the ways it goes; the worker sends (send.py), the desk telephones (calls.py), their pages
show it (inbox.py). Each app registers its kinds with `register`, with the function that makes their words.
"""

from people.notices.kinds import Kind, Words, kind_of, kinds, register
from people.notices.tell import Telling, is_reachable, settle, tell, tell_each, withdraw

__all__ = [
    "Kind",
    "Telling",
    "Words",
    "is_reachable",
    "kind_of",
    "kinds",
    "register",
    "settle",
    "tell",
    "tell_each",
    "withdraw",
]
