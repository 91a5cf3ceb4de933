"""Access control of a store, and its audit log. Does not depend on the web server or the index."""

from par_core.access.access_control import KEEP_DAYS, Access, Caller, Outcome, question_text
from par_core.access.audit_log import AuditLog, Event, LogPage
from par_core.access.roles import Role
from par_core.access.tokens import Token, TokenFile

__all__ = [
    "KEEP_DAYS",
    "Access",
    "AuditLog",
    "Caller",
    "Event",
    "LogPage",
    "Outcome",
    "Role",
    "Token",
    "TokenFile",
    "question_text",
]
