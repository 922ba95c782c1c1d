"""The dashboards: what each graph shows, and why one looks at it."""

from typing import Final

from deploy.grafana.panels import Board, Panel, quantile, rate, series

_READ: Final = {"method": "GET", "route": "/api/v1/profiles/{profile_id}"}
_REQUEST: Final = "http_request_duration_seconds"
_CACHE: Final = "cache_operation_latency_seconds"
_DATABASE: Final = "database_operation_latency_seconds"
_QUEUE: Final = "queue_operation_latency_seconds"
_BLOBS: Final = "blobs_operation_latency_seconds"

SERVICE: Final = Board(
    "service",
    "service",
    "What users notice: rate, errors, duration.",
    [
        Panel(
            "Requests",
            "reqps",
            "Answered requests, by route.",
            {"{{method}} {{route}}": rate("http_requests_total", "method, route")},
        ),
        Panel(
            "Statuses",
            "reqps",
            "What they were answered with; 499 is a client that went away.",
            {"{{status}}": rate("http_requests_total", "status")},
        ),
        Panel(
            "Share of errors",
            "percentunit",
            "Requests that were answered with a 5xx, of all; health and metrics left out.",
            {"5 minutes": "job:http_requests_errors:ratio_rate5m"},
            limit=0.1,
        ),
        Panel(
            "Reads of one profile",
            "s",
            "How long they take; the objective is 99 % within 20 ms.",
            {
                "p50": quantile(0.5, _REQUEST, **_READ),
                "p95": quantile(0.95, _REQUEST, **_READ),
                "p99": quantile(0.99, _REQUEST, **_READ),
            },
            limit=0.02,
        ),
        Panel(
            "Slowest twentieth by route",
            "s",
            "The 95th percentile; feeds and long polls are as long as clients want them.",
            {"{{method}} {{route}}": quantile(0.95, _REQUEST, "method, route")},
        ),
        Panel(
            "Under way",
            "short",
            "Requests in each process; at REQUESTS_MAX more are turned away.",
            {"{{instance}}": series("http_requests_in_flight")},
        ),
        Panel(
            "Turned away",
            "reqps",
            "Since there was no room, or since one caller asked for too many.",
            {
                "no room": rate("http_requests_refused_total"),
                "limit of {{budget}}": rate("http_requests_limited_total", "budget"),
            },
        ),
        Panel(
            "Burn rates of the last hour",
            "short",
            "How many times faster than allowed the budgets of the objectives are used up.",
            {
                "availability": "job:http_requests_errors:ratio_rate1h / 0.001",
                "reads": "job:http_reads_slow:ratio_rate1h / 0.01",
                "writes": "job:http_writes_slow:ratio_rate1h / 0.01",
            },
            limit=14.4,
        ),
        Panel(
            "Processes",
            "short",
            "Those that Prometheus can scrape.",
            {"{{component}}": f"sum by (component) ({series('up')})"},
        ),
    ],
)

CACHE: Final = Board(
    "cache",
    "cache",
    "Whether the cache has what is asked for, and whether it is true.",
    [
        Panel(
            "Look-ups",
            "ops",
            "Ids, not calls.",
            {"found": rate("cache_hits_total"), "not found": rate("cache_misses_total")},
        ),
        Panel(
            "Share of misses",
            "percentunit",
            "Ids that were not found, of all that were looked up.",
            {"5 minutes": "job:cache_misses:ratio_rate5m"},
            limit=0.5,
        ),
        Panel(
            "Misses in a row",
            "short",
            "Ids that were not found since the last call that found one.",
            {"{{instance}}": series("cache_consecutive_misses")},
            limit=10,
        ),
        Panel(
            "Slowest twentieth of calls",
            "s",
            "The 95th percentile, by operation.",
            {"{{operation}}": quantile(0.95, _CACHE, "operation")},
            limit=0.02,
        ),
        Panel(
            "Failures",
            "ops",
            "Calls that failed, those that became a miss included.",
            {"{{instance}}": rate("cache_errors_total", "instance")},
        ),
        Panel(
            "Entries",
            "short",
            "What is kept, and the most there may be. Of Redis it is the whole database.",
            {
                "{{cache}} {{instance}}": series("cache_size"),
                "most {{cache}} {{instance}}": series("cache_size_max"),
            },
        ),
        Panel(
            "Memory",
            "bytes",
            "What it takes. Of Redis it is the whole server.",
            {"{{cache}} {{instance}}": series("cache_memory_bytes")},
        ),
        Panel(
            "Evictions",
            "ops",
            "Entries that had to make room, or whose time was over.",
            {"{{cache}} {{reason}}": rate("cache_evictions_total", "cache, reason")},
        ),
        Panel(
            "Breakers",
            "bool_yes_no",
            "Whether memory stands in for Redis, for the cache and for the limits of callers, and "
            "whether the log is followed.",
            {
                "fallback {{instance}}": series("cache_fallback_active"),
                "limits by itself {{instance}}": series("rate_limit_fallback_active"),
                "log followed {{instance}}": series("feed_current"),
            },
        ),
        Panel(
            "Compared with the store",
            "ops",
            "Cached ids that were compared, and those that differed for a second.",
            {
                "compared": rate("cache_probed_total"),
                "different": rate("cache_inconsistent_total"),
            },
        ),
    ],
)

POSTGRESQL: Final = Board(
    "postgresql",
    "PostgreSQL",
    "The database, as the processes see it.",
    [
        Panel(
            "Calls",
            "ops",
            "By what they are for. Reads are gathered: one call may be for many requests.",
            {"{{port}} {{operation}}": rate(f"{_DATABASE}_count", "port, operation")},
        ),
        Panel(
            "Slowest twentieth of calls",
            "s",
            "The 95th percentile.",
            {"{{port}} {{operation}}": quantile(0.95, _DATABASE, "port, operation")},
        ),
        Panel(
            "Failures",
            "ops",
            "Unavailable: away, or too slow. Unexpected: a fault.",
            {"{{port}} {{error}}": rate("database_errors_total", "port, error")},
        ),
        Panel(
            "Servers",
            "short",
            "By what they are used for; lost is one that does not answer.",
            {"{{role}} {{instance}}": series("database_servers")},
        ),
        Panel(
            "Lag",
            "s",
            "For how long a server has not been in step with the primary.",
            {"{{server}} {{instance}}": series("database_server_lag_seconds")},
            limit=10,
        ),
        Panel(
            "Connections",
            "short",
            "In use, and idle in the pool; DB_POOL_MAX is for each server and process.",
            {
                "{{state}} {{server}}": "sum by (state, server) "
                f"({series('database_pool_connections')})"
            },
        ),
        Panel(
            "Calls that wait",
            "short",
            "For a connection from the pool.",
            {"{{server}} {{instance}}": series("database_pool_waiting")},
        ),
    ],
)

TASKS: Final = Board(
    "tasks",
    "queue and tasks",
    "Whether what is to be done later is done in time.",
    [
        Panel(
            "Tasks",
            "ops",
            "What became of them.",
            {
                "submitted": rate("tasks_submitted_total"),
                "started": rate("tasks_started_total"),
                "succeeded": rate("tasks_succeeded_total"),
                "failed": rate("tasks_failed_total"),
                "tried again": rate("tasks_retried_total"),
                "given up": rate("tasks_dead_total"),
                "cancelled": rate("tasks_cancelled_total"),
            },
        ),
        Panel(
            "Not finished",
            "short",
            "By status. Each process counts all of them, so that the greatest is shown.",
            {"{{status}}": f"max by (status) ({series('tasks_waiting')})"},
        ),
        Panel(
            "Oldest due task",
            "s",
            "For how long it has not begun.",
            {"oldest": f"max({series('task_oldest_due_seconds')})"},
            limit=60,
        ),
        Panel(
            "Lateness",
            "s",
            "From when a task was to run to when it began.",
            {
                "p50": quantile(0.5, "task_lateness_seconds"),
                "p95": quantile(0.95, "task_lateness_seconds"),
                "p99": quantile(0.99, "task_lateness_seconds"),
            },
        ),
        Panel(
            "Slowest twentieth by type",
            "s",
            "From an attempt's begin to its end.",
            {"{{type}}": quantile(0.95, "task_run_seconds", "type")},
        ),
        Panel(
            "Given up by type",
            "short",
            "Within the last hour, and tasks that were taken back from lost workers.",
            {
                "{{type}}": f"sum by (type) (increase({series('tasks_dead_total')}[1h]))",
                "taken back": f"sum(increase({series('task_lease_rescues_total')}[1h]))",
            },
        ),
        Panel(
            "Queue: calls",
            "ops",
            "Of RabbitMQ, and of the process' memory that stands in for it.",
            {"{{operation}}": rate(f"{_QUEUE}_count", "operation")},
        ),
        Panel(
            "Queue: slowest twentieth",
            "s",
            "To take includes the wait for a task.",
            {"{{operation}}": quantile(0.95, _QUEUE, "operation", operation="put|ack|retry|bury")},
        ),
        Panel(
            "Queue: failures",
            "ops",
            "And tasks that went into memory, since RabbitMQ did not take them.",
            {
                "{{operation}} {{error}}": rate("queue_errors_total", "operation, error"),
                "into memory": rate("queue_fallback_total"),
            },
        ),
        Panel(
            "Events published",
            "ops",
            "Of the change log, to RabbitMQ. One process at a time does it.",
            {"{{instance}}": rate("events_published_total", "instance")},
        ),
        Panel(
            "Age of the oldest unpublished event",
            "s",
            "0 while none waits.",
            {"oldest": f"max({series('events_unpublished_seconds')})"},
            limit=60,
        ),
    ],
)

IMAGES: Final = Board(
    "images",
    "images",
    "What becomes of uploads, and where they are kept.",
    [
        Panel(
            "Uploads",
            "ops",
            "By what became of them.",
            {"{{outcome}}": rate("image_renderings_total", "outcome")},
        ),
        Panel(
            "Rendering",
            "s",
            "With the wait for a turn.",
            {
                "p50": quantile(0.5, "image_render_seconds"),
                "p95": quantile(0.95, "image_render_seconds"),
            },
        ),
        Panel(
            "Bytes",
            "Bps",
            "Of uploads.",
            {"bytes": rate("image_upload_bytes_total")},
        ),
        Panel(
            "Pixels",
            "short",
            "A second, of uploads that were rendered.",
            {"pixels": rate("image_upload_pixels_total")},
        ),
        Panel(
            "Processes lost",
            "short",
            "Within the last hour, by reason; each was replaced.",
            {
                "{{reason}}": "sum by (reason) "
                f"(increase({series('image_processes_lost_total')}[1h]))"
            },
        ),
        Panel(
            "Store: calls",
            "ops",
            "Of the folder or the bucket.",
            {"{{operation}}": rate(f"{_BLOBS}_count", "operation")},
        ),
        Panel(
            "Store: slowest twentieth",
            "s",
            "The 95th percentile.",
            {"{{operation}}": quantile(0.95, _BLOBS, "operation")},
        ),
        Panel(
            "Store: failures",
            "ops",
            "Unavailable: away, or full. Unexpected: a fault.",
            {"{{operation}} {{error}}": rate("blobs_errors_total", "operation, error")},
        ),
        Panel(
            "Disk",
            "percentunit",
            "What is free on the disk of DATA_DIR.",
            {
                "{{instance}}": f"{series('data_disk_free_bytes')}"
                f" / {series('data_disk_size_bytes')}"
            },
        ),
    ],
)

PROCESS: Final = Board(
    "process",
    "Python process",
    "What each process takes from its machine.",
    [
        Panel(
            "CPU",
            "percentunit",
            "Of one core; a process has one loop, and so hardly uses more.",
            {"{{instance}}": rate("process_cpu_seconds_total", "instance")},
        ),
        Panel(
            "Memory",
            "bytes",
            "Resident; the processes that make images are not in it.",
            {"{{instance}}": series("process_resident_memory_bytes")},
        ),
        Panel(
            "Lag of the event loop",
            "s",
            "How late it was at worst within 15 s: as long as something may have blocked it.",
            {"{{instance}}": series("process_loop_lag_seconds")},
            limit=0.25,
        ),
        Panel(
            "Open files",
            "short",
            "A connection is one. The most there may be is in the alert.",
            {"{{instance}}": series("process_open_fds")},
        ),
        Panel(
            "Share of open files",
            "percentunit",
            "Of those that there may be.",
            {"{{instance}}": f"{series('process_open_fds')} / {series('process_max_fds')}"},
            limit=0.8,
        ),
        Panel(
            "Garbage collections",
            "ops",
            "By generation; the oldest should be rare.",
            {
                "generation {{generation}} {{instance}}": rate(
                    "python_gc_collections_total", "generation, instance"
                )
            },
        ),
        Panel(
            "Uptime",
            "s",
            "A line that falls is a restart.",
            {"{{instance}}": f"time() - {series('process_start_time_seconds')}"},
        ),
    ],
)

BOARDS: Final = (SERVICE, CACHE, POSTGRESQL, TASKS, IMAGES, PROCESS)
