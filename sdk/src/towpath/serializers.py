"""Serializers: how a result becomes bytes, and becomes itself again. Called by `towpath.results`, in the SDK only.

The API never reads what they write: unpickling runs code.
"""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, Final, cast

from towpath.errors import SerializationError


class Serializer:
    """Turns values into bytes and back.

    Attributes:
        type: its name, as `result_serializer` takes it and as it is written beside each result.
    """

    type: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """The name that makes an equal serializer with `find_serializer`."""
        return self.type

    def dumps(self, value: Any) -> bytes:
        """The bytes of `value`.

        Raises:
            SerializationError: it does not take such a value; the message says why.
        """
        raise NotImplementedError

    def loads(self, data: bytes) -> Any:
        """The value of `data`.

        Raises:
            SerializationError: it cannot be read.
        """
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Serializer) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PickleSerializer(Serializer):
    """Pickles with cloudpickle, which takes functions and classes of scripts too."""

    type = "pickle"

    def dumps(self, value: Any) -> bytes:
        import cloudpickle  # noqa: PLC0415 - 15 ms that runs without stored results do not pay

        try:
            return cloudpickle.dumps(value)
        except Exception as error:
            raise SerializationError(
                f"{_name_type(value)} cannot be pickled ({_say(error)}): return something else, choose another "
                "result_serializer, or set persist_result=False."
            ) from error

    def loads(self, data: bytes) -> Any:
        import cloudpickle  # noqa: PLC0415 - 15 ms that runs without stored results do not pay

        try:
            return cloudpickle.loads(data)
        except Exception as error:
            raise SerializationError(f"A pickled result cannot be read ({_say(error)}).") from error


class JSONSerializer(Serializer):
    """JSON, for results that other programs read. Takes what JSON can say, and pydantic models and dataclasses as objects."""

    type = "json"

    def dumps(self, value: Any) -> bytes:
        try:
            return json.dumps(value, default=_as_json).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise SerializationError(
                f"{_name_type(value)} cannot be written as JSON ({_say(error)}): return JSON values, or use "
                "result_serializer='pickle'."
            ) from error

    def loads(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise SerializationError(f"A JSON result cannot be read ({_say(error)}).") from error


class CompressedSerializer(Serializer):
    """Compresses what another serializer writes.

    Args:
        serializer: the other one, or its name.
        compressionlib: a module with `compress` and `decompress`: `lzma`, `zlib`, `bz2`, `gzip`, or one that is installed.
    """

    type = "compressed"

    def __init__(self, serializer: Serializer | str = "pickle", compressionlib: str = "lzma") -> None:
        self.serializer = find_serializer(serializer)
        self.compressionlib = compressionlib
        try:
            self._library: Any = import_module(compressionlib)
        except ModuleNotFoundError as error:
            raise SerializationError(f"compressionlib {compressionlib!r} is not installed.") from error
        if not hasattr(self._library, "compress") or not hasattr(self._library, "decompress"):
            raise SerializationError(f"compressionlib {compressionlib!r} has no compress and decompress functions.")

    @property
    def name(self) -> str:
        library = "" if self.compressionlib == "lzma" else f":{self.compressionlib}"
        return f"compressed{library}/{self.serializer.name}"

    def dumps(self, value: Any) -> bytes:
        return self._library.compress(self.serializer.dumps(value))

    def loads(self, data: bytes) -> Any:
        try:
            plain = self._library.decompress(data)
        except Exception as error:
            raise SerializationError(f"A compressed result cannot be read ({_say(error)}).") from error
        return self.serializer.loads(plain)


class CompressedPickleSerializer(CompressedSerializer):
    """Pickles, compressed."""

    def __init__(self, compressionlib: str = "lzma") -> None:
        super().__init__("pickle", compressionlib)


class CompressedJSONSerializer(CompressedSerializer):
    """JSON, compressed."""

    def __init__(self, compressionlib: str = "lzma") -> None:
        super().__init__("json", compressionlib)


_BY_NAME: Final[dict[str, Callable[[], Serializer]]] = {"pickle": PickleSerializer, "json": JSONSerializer}


def register_serializer(kind: type[Serializer]) -> type[Serializer]:
    """Makes a serializer of one's own known by its `type`; needed wherever its results are read. A class decorator."""
    _BY_NAME[kind.type] = kind
    return kind


def find_serializer(given: "Serializer | type[Serializer] | str") -> Serializer:
    """The serializer that `result_serializer` names: `pickle`, `json`, `compressed/pickle`, `compressed:zlib/json`, ...

    Raises:
        SerializationError: there is none of that name.
    """
    if isinstance(given, Serializer):
        return given
    if isinstance(given, type):
        return given()
    outer, slash, inner = given.partition("/")
    kind, _, library = outer.partition(":")
    if slash and kind == "compressed":
        return CompressedSerializer(inner, library or "lzma")
    make = _BY_NAME.get(given)
    if make is None:
        known = ", ".join([*_BY_NAME, "compressed/pickle", "compressed/json"])
        raise SerializationError(f"There is no serializer {given!r}; there are {known}.")
    return make()


def _as_json(value: Any) -> Any:
    if hasattr(type(value), "model_dump"):
        return value.model_dump(mode="json")
    fields = getattr(cast("type[Any]", type(value)), "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields}
    raise TypeError(f"{_name_type(value)} is no JSON value")


def _name_type(value: Any) -> str:
    return f"a {type(value).__name__}"


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
