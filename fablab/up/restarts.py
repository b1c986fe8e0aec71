"""How long to wait before a crashed process is started again. Pure."""

from dataclasses import dataclass

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
RESET_AFTER_S = 60.0


@dataclass
class Restarts:
    """The back-off of one service: 0.5 s, doubled at each crash up to 30 s, reset by a minute alive."""

    next_delay_s: float = FIRST_DELAY_S

    def delay_after(self, alive_s: float) -> float:
        """Seconds to wait now, after a life of `alive_s`."""
        if alive_s >= RESET_AFTER_S:
            self.next_delay_s = FIRST_DELAY_S
        delay_s = self.next_delay_s
        self.next_delay_s = min(delay_s * 2, LONGEST_DELAY_S)
        return delay_s
