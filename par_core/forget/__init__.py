"""Forgetting: a source, an image or a person is erased from every file of a store, kept from coming back, and
searched for afterwards.
"""

from par_core.forget.forgetting import ForgetReport, finish_forgetting, forget
from par_core.forget.request import Request
from par_core.forget.subject import Subject, find_subject

__all__ = ["ForgetReport", "Request", "Subject", "find_subject", "finish_forgetting", "forget"]
