"""What one worker process is wired with: built once, reached by the job functions."""

from __future__ import annotations

from dataclasses import dataclass

from plugin.channels.email.transport import open_transport
from plugin.config import Settings
from plugin.services.context import Context, build
from plugin.services.deliver import Courier


@dataclass
class State:
    context: Context
    courier: Courier
    stopping: bool = False  # jobs end at their next convenience

    def close(self) -> None:
        self.courier.transport.close()
        self.context.database.dispose()


_state: State | None = None


def start(settings: Settings) -> State:
    """Wire this process. Opens no connection yet. Raises ConfigError for a key or an EMAIL_URL that is wrong."""
    return use(State(build(settings), Courier(open_transport(settings.email_url))))


def use(state: State) -> State:
    global _state
    _state = state
    return state


def current() -> State:
    if _state is None:
        raise RuntimeError("a job ran outside a worker: jobs.state.start was not called")
    return _state
