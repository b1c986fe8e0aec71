"""What higher apps hear of prints."""

from django.dispatch import Signal

# A job has ended, printed or not, somebody said how it came out, or its team changed. Sent with `job`, inside the
# transaction that wrote it.
print_settled = Signal()
