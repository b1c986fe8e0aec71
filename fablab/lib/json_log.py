"""The log as one JSON object a line, for programs that gather logs: FABLAB_LOG_JSON=1."""

import structlog


def formatter() -> structlog.stdlib.ProcessorFormatter:
    """Time in UTC, level, logger and sentence of a line; with an error, where it came from as text."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
