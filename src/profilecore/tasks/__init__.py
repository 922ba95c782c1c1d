"""Tasks: submitted, handed over when they are due, and run once."""

from profilecore.tasks.dispatcher import Dispatcher
from profilecore.tasks.feed import TaskFeed
from profilecore.tasks.handlers import Attempt, Context, GiveUp, Handler, Handlers, Stopped
from profilecore.tasks.running import Runner, Runs
from profilecore.tasks.service import TaskService
from profilecore.tasks.worker import Rules, Worker

__all__ = [
    "Attempt",
    "Context",
    "Dispatcher",
    "GiveUp",
    "Handler",
    "Handlers",
    "Rules",
    "Runner",
    "Runs",
    "Stopped",
    "TaskFeed",
    "TaskService",
    "Worker",
]
