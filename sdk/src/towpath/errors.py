"""Every error that Towpath raises, in one tree. Imports nothing, so that anything may import it.

BaseException
├── SuspendSignal                the flow run is suspended: its process ends, and a later one goes on
├── KeyboardInterrupt
│   └── TerminationSignal        the process was told to stop (SIGTERM), or the run is cancelled
└── Exception
    └── TowpathError
        ├── SettingsError            a setting or profile that cannot be read
        ├── ParameterError           arguments that do not fit
        │   ├── ParameterBindError       ... the function's signature
        │   ├── ParameterTypeError       ... the parameters' types
        │   ├── ReservedArgumentError    a function declares a parameter that Towpath needs itself
        │   ├── MappingMissingIterable   .map() without anything to map over
        │   └── MappingLengthMismatch    .map() over iterables of different lengths
        ├── DefinitionError          an option of @flow or @task that makes no sense
        ├── DeploymentError          a deployment that cannot be built or applied
        │   ├── ScheduleError            ... for its schedule
        │   └── ManifestError            ... for what its manifest says
        ├── BlockError               a block that cannot be defined, saved or loaded
        │   ├── BlockNotFound            ... since there is none of that name
        │   └── SecretNotFound           ... since a secret of it is not here
        ├── NotificationError        a message that was not taken
        ├── MissingContextError      something that needs a run was called outside one
        ├── ConcurrencyLimitMissing  a block of code insists on a concurrency limit that there is not
        ├── PauseTimeout             a flow run was paused and not resumed in time
        ├── DeadlockError            synchronous code would wait for its own event loop
        ├── RunError                 how a run ended, for those who ask for its result
        │   ├── FailedRun
        │   ├── CrashedRun
        │   ├── CancelledRun
        │   ├── PausedRun
        │   ├── UnfinishedRun
        │   ├── MissingResult
        │   └── UpstreamTaskError        an input's run did not complete
        ├── TransitionRefused        the transition table does not let a run change so
        ├── StorageError             what a storage holds cannot be reached, read or written
        │   └── StorageFileNotFound      ... since it is not there
        ├── ScriptError              a flow's code cannot be imported
        │   └── MissingFlowError         ... or holds no such flow
        ├── MigrationError           a file of Prefect's that cannot be migrated; the message names it
        ├── ArtifactError            an artifact that cannot be shown; the message names the argument
        ├── ResultError              a result cannot be written or read back
        │   ├── ResultTooLarge           ... where only small ones are kept
        │   └── SerializationError
        └── ApiError                 the API, seen from the SDK; `retryable` says whether asking again can help
            ├── ApiUnavailable           nobody answers, or not in time (retryable)
            └── ApiRefused               an answer that is a problem document
                ├── NotFound
                └── StaleAttempt             another attempt holds the run
"""

# ruff: noqa: N818 - the names are those that Prefect's users catch.

from typing import ClassVar


class TowpathError(Exception):
    """The base of Towpath's errors.

    Attributes:
        retryable: whether doing the same again, unchanged, can succeed.
    """

    retryable: ClassVar[bool] = False


class SettingsError(TowpathError, ValueError):
    """A setting or a profile cannot be read; the message names it."""


class ParameterError(TowpathError):
    """Arguments of a call that do not fit."""


class ParameterBindError(ParameterError, TypeError):
    """Arguments do not fit the function's signature."""


class ParameterTypeError(ParameterError, TypeError):
    """Arguments do not fit the types that the function declares."""


class ReservedArgumentError(ParameterError, TypeError):
    """A function declares `return_state` or `wait_for`, which Towpath takes itself."""


class MappingMissingIterable(ParameterError, TypeError):
    """`.map()` was given nothing that it could map over."""


class MappingLengthMismatch(ParameterError, ValueError):
    """`.map()` was given iterables of different lengths."""


class DefinitionError(TowpathError, ValueError):
    """An option of `@flow` or `@task` that makes no sense; the message names it."""


class DeploymentError(TowpathError, ValueError):
    """A deployment that cannot be built or applied as it is described; the message names the field."""


class ScheduleError(DeploymentError):
    """A schedule cannot be read, or never comes."""


class ManifestError(DeploymentError):
    """A manifest cannot be read; the message names the file, the document, the field and what would be right."""


class BlockError(TowpathError, ValueError):
    """A block cannot be defined, saved or loaded; the message names the block and the field, never a secret."""


class BlockNotFound(BlockError):
    """There is no block of that type and name, or no such type."""


class SecretNotFound(BlockError):
    """The block is there, but a secret of it is not where this process looks."""


class NotificationError(TowpathError):
    """A service did not take a message; what it says holds no secret."""


class MissingContextError(TowpathError, RuntimeError):
    """Something that needs a run was called outside one."""


class DeadlockError(TowpathError, RuntimeError):
    """Synchronous code in an event loop would wait for what only that loop can bring about."""


class ConcurrencyLimitMissing(TowpathError):
    """A block of code insists on concurrency limits that nobody has made."""


class PauseTimeout(TowpathError, TimeoutError):
    """A flow run was paused and not resumed in time: it has failed."""


class RunError(TowpathError):
    """How a run ended, raised when its result is asked for and no exception of its own is known."""


class FailedRun(RunError):
    """The run is FAILED."""


class CrashedRun(RunError):
    """The run is CRASHED."""


class CancelledRun(RunError):
    """The run is CANCELLED."""


class PausedRun(RunError):
    """The run is PAUSED."""


class UnfinishedRun(RunError):
    """The run has not ended."""


class MissingResult(RunError):
    """The run completed, but its result is not kept anywhere."""


class UpstreamTaskError(RunError):
    """The run that an input comes from did not reach COMPLETED."""


class TransitionRefused(TowpathError):
    """The transition table does not let a run change so.

    Attributes:
        code: why, in the words of a problem's `code`.
    """

    def __init__(self, reason: str, code: str = "transition_refused") -> None:
        super().__init__(reason)
        self.code = code


class StorageError(TowpathError):
    """What a storage holds cannot be reached, read or written; the message names the address, path, commit or permission."""


class StorageFileNotFound(StorageError, FileNotFoundError):
    """A storage holds no such file."""


class ScriptError(TowpathError):
    """A flow's code cannot be imported."""


class MissingFlowError(ScriptError):
    """The code was imported but holds no such flow."""


class ResultError(TowpathError):
    """A result cannot be written, or cannot be read back."""


class ResultTooLarge(ResultError):
    """A result is larger than its storage keeps. The run completes, and its result is not kept."""


class MigrationError(TowpathError, ValueError):
    """A file of Prefect's cannot be migrated; the message names it."""


class ArtifactError(TowpathError, ValueError):
    """An artifact cannot be shown as it was given; the message names the argument."""


class SerializationError(ResultError, ValueError):
    """A serializer does not take a value, or cannot read what is stored."""


class ApiError(TowpathError):
    """What the SDK asked of the API could not be done."""


class ApiUnavailable(ApiError):
    """Nobody answers, or not in time. Asking again can help."""

    retryable = True


class ApiRefused(ApiError):
    """The API answered with a problem document.

    Attributes:
        status: the HTTP status.
        code: the problem's code.
    """

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFound(ApiRefused):
    """The API knows no such thing."""


class StaleAttempt(ApiRefused):
    """Another attempt holds the run: this process must not go on."""


class SuspendSignal(BaseException):
    """Raised in a flow's code when its run is suspended, past every `except Exception`: the process is to end."""

    def __init__(self, message: str = "The flow run was suspended.") -> None:
        super().__init__(message)


class TerminationSignal(KeyboardInterrupt):
    """The process was told to stop. A SIGTERM handler raises it inside the flow's code.

    A KeyboardInterrupt, since an event loop whose callback it interrupts lets these through, and would only log others.

    Attributes:
        cancelling: whether the run is being cancelled, as far as the runner knows; else it is an eviction or the like.
    """

    def __init__(self, message: str = "The process was told to stop.", *, cancelling: bool = False) -> None:
        super().__init__(message)
        self.cancelling = cancelling
