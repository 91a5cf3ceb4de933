"""Who may ask a store, and a record of who did. Knows neither the web server nor the index."""

from par_core.access.access_control import KEEP_DAYS, Access, Caller, Found, question_text
from par_core.access.audit_log import AuditLog, Event, LogPage
from par_core.access.roles import Role
from par_core.access.tokens import Token, TokenFile

__all__ = [
    "KEEP_DAYS",
    "Access",
    "AuditLog",
    "Caller",
    "Event",
    "Found",
    "LogPage",
    "Role",
    "Token",
    "TokenFile",
    "question_text",
]
