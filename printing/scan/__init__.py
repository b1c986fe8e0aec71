"""Every line of a G-code file, read once: what it heats, where it goes, and what it must not do."""
