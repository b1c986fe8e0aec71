"""Who may publish and subscribe where. Pure: the same answers serve every broker."""

import re
from dataclasses import dataclass

# Mosquitto's password file is split at the colon and its ACL file at blanks and lines.
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_PATTERN = re.compile(r"[^\s\x00-\x1f\x7f]{1,250}")
_SHARED = re.compile(r"\$share/[^/+#]+/(?P<filter>.+)", re.DOTALL)


@dataclass(frozen=True)
class BrokerUser:
    """One account at the broker with the topic patterns of one device.

    Raises:
        ValueError: the name or a pattern could not be written into a broker's file without harm.
    """

    username: str
    password_hash: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]

    def __post_init__(self) -> None:
        if not _USERNAME.fullmatch(self.username):
            raise ValueError(f"{self.username!r} cannot be a broker user: letters, digits and . _ @ - only.")
        if not self.password_hash or re.search(r"\s", self.password_hash):
            raise ValueError(f"The password hash of {self.username} is empty or has blanks.")
        for pattern in (*self.writes, *self.reads):
            if not _PATTERN.fullmatch(pattern) or not is_filter(pattern):
                raise ValueError(f"{pattern!r} is not a topic pattern without blanks.")


def may_publish(user: BrokerUser, topic: str) -> bool:
    """Whether the user may publish on this topic (a topic with wildcards is never one)."""
    if not topic or "#" in topic or "+" in topic or "\x00" in topic:
        return False
    return any(topic_matches(pattern, topic) for pattern in user.writes)


def may_subscribe(user: BrokerUser, topic_filter: str) -> bool:
    """Whether one read pattern of the user wholly covers this filter, shared (`$share/<group>/…`) or not."""
    shared = _SHARED.fullmatch(topic_filter)
    wanted = shared["filter"] if shared else topic_filter
    return is_filter(wanted) and any(covers(pattern, wanted) for pattern in user.reads)


def may_receive(user: BrokerUser, topic: str) -> bool:
    """Whether a message of this topic may be handed to the user."""
    return any(topic_matches(pattern, topic) for pattern in user.reads)


def topic_matches(pattern: str, topic: str) -> bool:
    """Whether the topic falls under the pattern: MQTT 3.1.1, section 4.7.

    `a/#` holds `a` as well; a leading wildcard never holds a topic that begins with `$`.
    """
    return is_filter(pattern) and covers(pattern, topic)


def is_filter(text: str) -> bool:
    """Whether the text is a well-formed topic filter: `+` fills a level, `#` fills the last one."""
    levels = text.split("/")
    wild = [level for level in levels if "+" in level or "#" in level]
    return bool(text) and "\x00" not in text and all(level in ("+", "#") for level in wild) and "#" not in levels[:-1]


def covers(pattern: str, narrower: str) -> bool:
    """Whether everything that `narrower` (a topic or a filter) matches is matched by `pattern`."""
    ours, theirs = pattern.split("/"), narrower.split("/")
    if theirs[0].startswith("$") and ours[0] in ("+", "#"):
        return False
    for index, level in enumerate(ours):
        if level == "#":
            return True
        if index == len(theirs) or theirs[index] == "#":
            return False
        if level not in ("+", theirs[index]):
            return False
    return len(ours) == len(theirs)


def overlap(one: str, other: str) -> bool:
    """Whether some topic falls under both patterns."""
    ours, theirs = one.split("/"), other.split("/")
    for left, right in zip(ours, theirs, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    # What is left over may be a last `#`, which holds the level above it too.
    shorter = min(len(ours), len(theirs))
    return len(ours) == len(theirs) or ours[shorter:] == ["#"] or theirs[shorter:] == ["#"]
