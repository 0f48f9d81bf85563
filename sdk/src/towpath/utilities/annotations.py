"""The marks on arguments, under the module name that flows written for Prefect import. They live in `towpath.annotations`."""

from towpath.annotations import BaseAnnotation, Quote, allow_failure, quote, unmapped

__all__ = ["BaseAnnotation", "Quote", "allow_failure", "quote", "unmapped"]
