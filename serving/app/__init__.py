"""The API and its pages: settings in, one ASGI application out, served on loopback by default.

application  `serving.app.application`  what stands behind which path, and what it reads from
problems     `serving.app.problems`     errors as problem documents, the one table
server       `serving.app.server`       the process
"""

from serving.app.application import create_app, open_context
from serving.app.problems import problem
from serving.app.server import main

__all__ = ["create_app", "main", "open_context", "problem"]
