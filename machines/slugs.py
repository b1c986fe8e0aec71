"""Short names for addresses, made from what people type."""

from django.db import connection, models
from django.utils.text import slugify

# A slug has 50 characters; room is left for “-9999”.
MOST_LETTERS = 45


def free_slug(model: type[models.Model], name: str, *, otherwise: str) -> str:
    """The name as a short name that no row of the model has: “laser”, “laser-2”. `otherwise` when no letter is left.

    Side effect: holds a lock on the model's short names until the transaction ends, so that two people who
    type the same name at once get two.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"slug:{model._meta.label_lower}"])
    wanted = slugify(name)[:MOST_LETTERS].strip("-_") or otherwise
    taken = set(model._default_manager.filter(slug__startswith=wanted).values_list("slug", flat=True))
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug
