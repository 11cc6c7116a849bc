"""gunicorn's options in this folder, for `make run`, the image and tests. Command-line options have precedence."""

logger_class = "iom_cases.web_logs.WebLogger"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(M)sms"
