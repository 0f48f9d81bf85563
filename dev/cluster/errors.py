"""The one error of this package: a sentence for the person at the terminal.

Raised everywhere below dev.cluster, printed without a traceback by __main__. Carries no codes: nothing here is retried.
"""


class ClusterError(Exception):
    """What went wrong and what to do about it, in words that need no reading of this code."""
