"""What varies between one machine and a stack, one Protocol each, at most eight methods."""

from torneo.ports.compute import Engine, Family
from torneo.ports.machine import Clock, Progress
from torneo.ports.prediction_log import Claim, LogFilter, Logged, Outcome, Prediction, PredictionLog, Role
from torneo.ports.refusals import RefusalLog, Refused
from torneo.ports.stores import INSTALLATION, Entry, ModelRegistry, ObjectStore, StateStore, TrackedRun, Version
from torneo.ports.warehouse import Warehouse

__all__ = [
    "INSTALLATION",
    "Claim",
    "Clock",
    "Engine",
    "Entry",
    "Family",
    "LogFilter",
    "Logged",
    "ModelRegistry",
    "ObjectStore",
    "Outcome",
    "Prediction",
    "PredictionLog",
    "Progress",
    "RefusalLog",
    "Refused",
    "Role",
    "StateStore",
    "TrackedRun",
    "Version",
    "Warehouse",
]
