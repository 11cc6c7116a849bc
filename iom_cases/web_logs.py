"""gunicorn's log: each request by its route, without query, referer and client address."""

from typing import Any

from gunicorn.glogging import Logger

from core.logs import METHODS, LineFormatter, known_method, route_of

# The atoms that a log format may use; the client's address is not among them.
LOGGED = ("t", "s", "B", "b", "T", "D", "M", "L", "p")


class WebLogger(Logger):
    """A logger that can only write routes, methods and numbers, whatever format is configured."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """Return the permitted atoms, with the route instead of the path."""
        found = super().atoms(resp, req, environ, request_time)
        route = route_of(environ.get("PATH_INFO", ""))  # none where gunicorn couldn't read the request
        method = known_method(found["m"])
        return {name: found[name] for name in LOGGED} | {"m": method, "U": route, "r": f"{method} {route}"}

    def setup(self, cfg: Any) -> None:
        """Use our formatter for errors too."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LineFormatter(self.error_fmt, self.datefmt))

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log a failed request by its method and route."""
        if str(msg).startswith("Error handling request") and args:
            *methods, address = args
            known = map(known_method, methods)
            msg, args = " ".join(["Error handling request", *known, route_of(address)]), ()
        super().exception(msg, *args, **kwargs)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log invalid requests without what was sent."""
        super().warning("Invalid request" if msg.startswith("Invalid request from") else msg, *args, **kwargs)

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log requests by method and route, and errors of a connection by their class: their texts repeat it."""
        super().debug(msg, *map(_shown, args), **kwargs)


def _shown(arg: Any) -> Any:
    if isinstance(arg, BaseException):
        return type(arg).__name__
    return route_of(arg) if isinstance(arg, str) and arg not in METHODS else arg
