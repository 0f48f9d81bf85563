"""Functions' signatures: binding a call's arguments to names, and calling a function with them.

Called when flows and tasks are defined (once) and called (often). `inspect.signature(...).bind` costs 8 us and its module
4 ms to import, so plain functions are read from their code object; `inspect` serves the others.
"""

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Final

from towpath.errors import ParameterBindError, ReservedArgumentError

_VARARGS, _VARKEYWORDS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x80, 0x200
RESERVED: Final = ("return_state", "wait_for")


class Signature:
    """What a function takes.

    Attributes:
        names: the parameters' names, in order; for functions with `*args` or `**kwargs` these too.
        defaults: the defaults by name.
        is_async: whether calling it gives a coroutine or an asynchronous generator.
        is_plain: whether every parameter can be given by its name.
        var_positional: the name of `*args`, if there is one.
        var_keyword: the name of `**kwargs`, if there is one.
        positional_only: the names that cannot be given by name.
    """

    __slots__ = (
        "_allowed",
        "_fn",
        "_positional",
        "_required",
        "_slow",
        "defaults",
        "is_async",
        "is_plain",
        "names",
        "positional_only",
        "var_keyword",
        "var_positional",
    )

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self._slow: Any = None
        self.var_positional: str | None = None
        self.var_keyword: str | None = None
        self.positional_only: tuple[str, ...] = ()
        self.is_async = is_async_callable(fn)
        plain = _plain_function(fn)
        if plain is not None:
            self._read_code(*plain)
        else:
            self._read_signature(fn)
        for name in RESERVED:
            if name in self.names:
                raise ReservedArgumentError(
                    f"{_name_of(fn)}: the parameter name {name!r} is taken: choose another name."
                )
        self.is_plain = not (self.var_positional or self.var_keyword or self.positional_only)
        self._required = frozenset(self._positional_and_keyword()) - frozenset(self.defaults)
        self._allowed = frozenset(self.names)

    def _read_code(self, fn: FunctionType, skip: int) -> None:
        code = fn.__code__
        count, only = code.co_argcount, code.co_kwonlyargcount
        positional = code.co_varnames[skip:count]
        self.positional_only = code.co_varnames[skip : code.co_posonlyargcount]
        names = positional + code.co_varnames[count : count + only]
        extra = count + only
        if code.co_flags & _VARARGS:
            self.var_positional = code.co_varnames[extra]
            extra += 1
        if code.co_flags & _VARKEYWORDS:
            self.var_keyword = code.co_varnames[extra]
        given = fn.__defaults__ or ()
        self.defaults: dict[str, Any] = dict(zip(positional[len(positional) - len(given) :], given, strict=True))
        self.defaults.update(fn.__kwdefaults__ or {})
        self._positional: tuple[str, ...] = positional
        self.names: tuple[str, ...] = names + tuple(filter(None, (self.var_positional, self.var_keyword)))

    def _read_signature(self, fn: Callable[..., Any]) -> None:
        import inspect  # noqa: PLC0415 - 4 ms that plain functions do not pay

        try:
            self._slow = inspect.signature(fn)
        except ValueError:  # built-in functions that do not say what they take
            self._slow = inspect.signature(lambda *args, **kwargs: None)
        parameters = self._slow.parameters.values()
        kinds = inspect.Parameter
        self.names = tuple(p.name for p in parameters)
        self.defaults = {p.name: p.default for p in parameters if p.default is not kinds.empty}
        self.positional_only = tuple(p.name for p in parameters if p.kind is kinds.POSITIONAL_ONLY)
        self._positional = tuple(
            p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        )
        self.var_positional = next((p.name for p in parameters if p.kind is kinds.VAR_POSITIONAL), None)
        self.var_keyword = next((p.name for p in parameters if p.kind is kinds.VAR_KEYWORD), None)

    def _positional_and_keyword(self) -> list[str]:
        return [name for name in self.names if name not in (self.var_positional, self.var_keyword)]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The call's arguments by name, with the defaults of those left out.

        Raises:
            ParameterBindError: they do not fit; the message is Python's own.
        """
        if self.is_plain and len(args) <= len(self._positional):
            bound = dict(zip(self._positional, args, strict=False))
            if kwargs:
                if kwargs.keys() & bound.keys() or not kwargs.keys() <= self._allowed:
                    return self._bind_slowly(args, kwargs)
                bound.update(kwargs)
            if len(bound) != len(self.names):
                if not self._required <= bound.keys():
                    return self._bind_slowly(args, kwargs)
                for name, default in self.defaults.items():
                    if name not in bound:
                        bound[name] = default
            return bound
        return self._bind_slowly(args, kwargs)

    def _bind_slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        import inspect  # noqa: PLC0415 - 4 ms that plain functions do not pay

        try:
            bound = (self._slow or inspect.signature(self._fn)).bind(*args, **kwargs)
        except TypeError as error:
            raise ParameterBindError(f"{_name_of(self._fn)}(): {error}") from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def spread(self, parameters: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments that call the function with `parameters`."""
        if self.is_plain:
            return (), parameters
        args: list[Any] = []
        kwargs = dict(parameters)
        if self.var_positional and kwargs.get(self.var_positional):
            args = [kwargs.pop(name) for name in self._positional if name in kwargs]
        else:
            args = [kwargs.pop(name) for name in self.positional_only if name in kwargs]
        if self.var_positional:
            args.extend(kwargs.pop(self.var_positional, ()))
        if self.var_keyword:
            kwargs.update(kwargs.pop(self.var_keyword, {}))
        return tuple(args), kwargs


def _plain_function(fn: Callable[..., Any]) -> tuple[FunctionType, int] | None:
    """The function and how many parameters are bound already, where its code object says all there is to know."""
    skip = 0
    if isinstance(fn, MethodType):
        fn, skip = fn.__func__, 1
    if not isinstance(fn, FunctionType) or hasattr(fn, "__wrapped__") or hasattr(fn, "__signature__"):
        return None
    return (fn, skip) if fn.__code__.co_argcount >= skip and fn.__code__.co_posonlyargcount == 0 else None


def is_async_callable(fn: Callable[..., Any]) -> bool:
    """Whether calling `fn` gives a coroutine or an asynchronous generator."""
    while True:
        inner = getattr(fn, "func", None)  # functools.partial
        fn = inner if callable(inner) and hasattr(fn, "keywords") else getattr(fn, "__func__", fn)
        if inner is None or not hasattr(fn, "keywords"):
            break
    code = getattr(fn, "__code__", None)
    if code is None:
        code = getattr(getattr(type(fn), "__call__", None), "__code__", None)  # noqa: B004 - its code is wanted
    return bool(code is not None and code.co_flags & (_COROUTINE | _ASYNC_GENERATOR))


def _name_of(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", None) or type(fn).__name__
