"""Our accounts and rights inside amqtt, read from the files that are made from the database."""

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from iot.broker.access import BrokerUser, may_publish, may_receive, may_subscribe
from iot.broker.files import USERS, read_users
from iot.credentials import verify_password

log = logging.getLogger("iot.broker")


class UserBook:
    """The broker's users, read again whenever their file was replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_from: tuple[int, int] | None = None
        self._looked_at: dict[str, BrokerUser] = {}
        self.users: dict[str, BrokerUser] = {}

    def names_still_valid(self) -> set[str]:
        """Read the file if it was replaced; the accounts whose password is the same as at the last call."""
        self.refresh()
        before, self._looked_at = self._looked_at, self.users
        return {
            name
            for name, user in self.users.items()
            if name not in before or before[name].password_hash == user.password_hash
        }

    def refresh(self) -> bool:
        """Read the file if it was replaced; True when the users may have changed.

        A file that cannot be read leaves the known users as they are and is logged once per replacement.
        """
        try:
            found = (self._folder / USERS).stat()
            mark = (found.st_mtime_ns, found.st_ino)
            if mark == self._read_from:
                return False
            self._read_from = mark
            self.users = read_users(self._folder)
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("The broker's users could not be read: %s", error)
            return False
        return True


@cache
def user_book(folder: str) -> UserBook:
    """The one book of this process for this folder."""
    return UserBook(Path(folder))


class Accounts(BaseAuthPlugin):
    """Lets in who knows the password, unless the last will would speak for somebody else."""

    @dataclass
    class Config:
        folder: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._book = user_book(self.config.folder)

    async def authenticate(self, *, session: Session) -> bool:
        self._book.refresh()
        user = self._book.users.get(session.username or "")
        if user is None or not verify_password(session.password or "", user.password_hash):
            return False
        # amqtt publishes a last will without asking the topic plugins: a forged one is refused here.
        return not session.will_flag or may_publish(user, session.will_topic or "")


class Rights(BaseTopicPlugin):
    """Lets each account write and read its own topics only."""

    @dataclass
    class Config:
        folder: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._book = user_book(self.config.folder)

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        user = self._book.users.get(session.username or "") if session else None
        if user is None or topic is None:
            return False
        if action == Action.PUBLISH:
            return may_publish(user, topic)
        if action == Action.SUBSCRIBE:
            return may_subscribe(user, topic)
        return may_receive(user, topic)
