"""Requests as JSON, answered by an opened model: what `airvec.serverless` is made of.

    event → events → requests → tasks → numbers → events → response
            body     values     answer  JSON      in the event's own shape

`service.py` is that way, from an event to its response: read it first.
Knows nothing of where the models lie: `airvec.serverless` says that.
"""
