"""Forty printers and one worker: how late each look is, and what it costs."""
