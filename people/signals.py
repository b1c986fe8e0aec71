"""What higher apps hear of people."""

from django.dispatch import Signal

# Everything that was opened in somebody's name ends, as after a lost card. Sent with `person` and `now`, inside the
# transaction that ended their sessions: whoever hands out secrets of theirs ends those too.
signed_out_everywhere = Signal()
