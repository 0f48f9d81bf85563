"""What a paused flow run may wait for: `RunInput` models, or any type that pydantic can check.

    class Approval(RunInput):
        approved: bool
        reason: str = ""

    approval = pause_flow_run(wait_for_input=Approval, timeout=86_400)

Called by users, and by `towpath.flow_runs`. People give the input when they resume the run; the API holds it to the schema.
"""

import inspect
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, create_model

from towpath.errors import ParameterTypeError

T = TypeVar("T")

FIELD = "value"
"""The one field of an input that is no model: a number, a text, a list."""

__all__ = ["AwaitedInput", "RunInput"]


class RunInput(BaseModel):
    """The base of inputs. Any pydantic model serves as well; this one may be given first values and a description."""

    input_description: ClassVar[str | None] = None

    @classmethod
    def with_initial_data(cls, description: str | None = None, **data: Any) -> type[Self]:
        """This model with other defaults, which the form that people fill in begins with.

        Args:
            description: what to tell whoever gives the input, in Markdown.
        """
        fields: dict[str, Any] = {name: (cls.model_fields[name].annotation, value) for name, value in data.items()}
        model = create_model(cls.__name__, __base__=cls, **fields)
        model.input_description = description
        return model


class AwaitedInput(Generic[T]):
    """An input that a run waits for: its JSON schema, and what the given values make."""

    def __init__(self, wanted: type[T]) -> None:
        self.is_model = inspect.isclass(wanted) and issubclass(wanted, BaseModel)
        model: Any = (
            wanted if self.is_model else create_model("Input", **cast("dict[str, Any]", {FIELD: (wanted, ...)}))
        )
        self._adapter: TypeAdapter[Any] = TypeAdapter(model)
        self.description: str | None = getattr(wanted, "input_description", None) if self.is_model else None

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the object that is to be given."""
        return self._adapter.json_schema()

    def build(self, given: dict[str, Any] | None) -> T:
        """What the given values make.

        Raises:
            ParameterTypeError: they do not fit, in a way that a JSON schema cannot say.
        """
        try:
            found = self._adapter.validate_python(given or {})
        except ValueError as error:
            raise ParameterTypeError(f"The input that the run was resumed with does not fit: {error}") from error
        return cast("T", found if self.is_model else getattr(found, FIELD))
