"""A list of people that was handed in: read, checked, shown, and written by the background worker."""
