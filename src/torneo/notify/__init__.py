"""How somebody is told: webhooks, Slack, e-mail, the log. Each sender returns when the other side has it, or raises.

A sender raises UnavailableError where the other side does not take it, and SourceError where a variable is not set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torneo.notify.log import write_log
from torneo.notify.mail import send_mail
from torneo.notify.webhook import post_slack, post_webhook
from torneo.spec.channels import Channel
from torneo.spec.records import digest_of
from torneo.watchdog.desk import Message


def senders(channels: Sequence[Channel]) -> Mapping[str, Callable[[Message], None]]:
    """How each channel is told, by a key that stays the same as long as the channel does."""
    return {digest_of(each.model_dump(mode="json"))[:16]: _sender(each) for each in channels}


def _sender(channel: Channel) -> Callable[[Message], None]:
    if channel.webhook is not None:
        return partial(post_webhook, channel.webhook, channel.secret)
    if channel.slack is not None:
        return partial(post_slack, channel.slack)
    return write_log if channel.email is None else partial(send_mail, channel.email)
