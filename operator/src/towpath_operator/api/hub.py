"""How handlers get at the services and the caller."""

from typing import Annotated

from fastapi import Depends, Request

from towpath_operator.api.access import Caller, get_caller
from towpath_operator.services.hub import Hub


def get_hub(request: Request) -> Hub:
    """The services of this app."""
    return request.app.state.hub


TheHub = Annotated[Hub, Depends(get_hub)]
TheCaller = Annotated[Caller, Depends(get_caller)]
