"""Heatshrink, the small LZSS of embedded systems: a one and eight bits, or a zero, a distance and a length.

Source: github.com/atomicobject/heatshrink, README and the order of the bits in its decoder.
"""

from collections.abc import Callable

LOOKAHEAD_BITS = 4


def expand(data: bytes, window_bits: int, size: int) -> bytes:
    """The `size` bytes that were packed into `data` with this window and a look-ahead of 4 bits.

    Raises:
        ValueError: the data end before that.
    """
    take = _bits(data)
    # The decoder's window begins as zeros, and a distance may reach into them.
    window = 1 << window_bits
    made = bytearray(window)
    while len(made) < window + size:
        if take(1):
            made.append(take(8))
            continue
        distance = take(window_bits) + 1
        for _ in range(take(LOOKAHEAD_BITS) + 1):
            made.append(made[-distance])
    return bytes(made[window : window + size])


def _bits(data: bytes) -> Callable[[int], int]:
    """A function that takes the next so many bits, most significant first."""
    position = held = count = 0

    def take(wanted: int) -> int:
        nonlocal position, held, count
        while count < wanted:
            if position == len(data):
                raise ValueError("the data end early")
            held = held << 8 | data[position]
            position += 1
            count += 8
        count -= wanted
        value = held >> count
        held &= (1 << count) - 1
        return value

    return take
