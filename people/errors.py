"""The one exception family of this app: a stable code, and a sentence that says what to do next."""

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model
from django.utils.functional import Promise

Sentence = str | Promise


class PeopleError(Exception):
    """Something about people, their roles or their teams cannot be done.

    `sentence` may be lazy: it is read in the language of whoever is shown it.
    """

    def __init__(self, code: str, sentence: Sentence) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return str(self.sentence)


class NotAllowed(PeopleError):
    """Their role does not go that far."""


class WrongState(PeopleError):
    """It was allowed once, or will be: not as things stand."""


class NotValid(PeopleError):
    """What was written cannot be kept; `field` is where to look, "" when it is about several."""

    def __init__(self, code: str, sentence: Sentence, field: str = "") -> None:
        super().__init__(code, sentence)
        self.field = field


def not_valid(error: ValidationError, thing: Model) -> NotValid:
    """Django's first complaint about the thing as one of ours; of a constraint the code is its name."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    field, errors = next(iter(by_field.items()))
    sentence = " ".join(errors[0].messages)
    names = [c.name for c in thing._meta.constraints if str(c.violation_error_message) == sentence]
    code = names[0] if names else errors[0].code or "invalid"
    return NotValid(code, sentence, "" if field == NON_FIELD_ERRORS else field)
