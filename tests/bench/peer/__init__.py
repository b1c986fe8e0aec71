"""Side by side with NEMO, the laboratory software of NIST: same machines, people and reservations, same doors."""
