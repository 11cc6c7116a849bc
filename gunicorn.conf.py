"""How gunicorn starts from this folder: `make run`, the image, tests. Options of a command go before these."""

logger_class = "iom_cases.web_logs.WebLogger"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(M)sms"
