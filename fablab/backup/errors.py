"""Why a copy cannot be made or used; each text is shown to the person as it is and says what to do next."""


class BackupProblem(Exception):
    """Anything that stops a backup or a restore."""


class BackupFailed(BackupProblem):
    """No archive was made; those made before are untouched."""


class ArchiveUnusable(BackupProblem):
    """The archive is damaged, cut short, sealed with another passphrase, or of another program."""


class RestoreRefused(BackupProblem):
    """The archive is well, but must not be loaded here and now; nothing was changed."""
