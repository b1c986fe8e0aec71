"""What higher apps hear of machines."""

from django.dispatch import Signal

# Somebody lifted an outage that had begun. Sent with `outage`, whose `end` and `lifted_by` say when and who (None for
# what the software lifts by itself), inside the transaction that wrote it.
outage_lifted = Signal()
