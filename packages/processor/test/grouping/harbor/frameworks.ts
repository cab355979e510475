/** What runs the services: frames of frameworks, outermost first, and of libraries that loops are busy in. */
import { listed } from "./program-text.ts";

export const frameworks = {
  web: listed(`BIN/gunicorn: <module>
SP/gunicorn/app/wsgiapp.py: run
SP/gunicorn/app/base.py: run run
SP/gunicorn/arbiter.py: run manage_workers spawn_workers spawn_worker
SP/gunicorn/workers/base.py: init_process
SP/gunicorn/workers/sync.py: run run_for_one accept handle handle_request
SP/django/core/handlers/wsgi.py: __call__
SP/django/core/handlers/base.py: get_response
SP/django/core/handlers/exception.py: inner
SP/django/utils/deprecation.py: __call__
SP/django/core/handlers/exception.py: inner
SP/django/core/handlers/base.py: _get_response
SP/django/views/decorators/csrf.py: wrapper_view
SP/rest_framework/viewsets.py: view
SP/rest_framework/views.py: dispatch`),
  celery: listed(`BIN/celery: <module>
SP/celery/__main__.py: main
SP/celery/bin/celery.py: main
SP/click/core.py: main invoke
SP/celery/bin/base.py: caller
SP/celery/bin/worker.py: worker
SP/celery/worker/worker.py: start
SP/celery/bootsteps.py: start start
SP/celery/concurrency/base.py: start
SP/celery/concurrency/prefork.py: on_start
SP/billiard/pool.py: __init__ _create_worker_process
SP/billiard/process.py: start
SP/billiard/context.py: _Popen
SP/billiard/popen_fork.py: __init__ _launch
SP/billiard/process.py: _bootstrap run
SP/billiard/pool.py: __call__ workloop
SP/celery/app/trace.py: fast_trace_task trace_task __protected_call__`),
  api: listed(`BIN/uvicorn: <module>
SP/click/core.py: __call__ main invoke
SP/uvicorn/main.py: main run
SP/uvicorn/server.py: run
LIB/asyncio/runners.py: run
LIB/asyncio/base_events.py: run_until_complete run_forever _run_once
LIB/asyncio/events.py: _run
SP/uvicorn/protocols/http/httptools_impl.py: run_asgi
SP/uvicorn/middleware/proxy_headers.py: __call__
SP/fastapi/applications.py: __call__
SP/starlette/applications.py: __call__
SP/starlette/middleware/errors.py: __call__
SP/starlette/middleware/exceptions.py: __call__
SP/starlette/routing.py: __call__ app handle app
SP/fastapi/routing.py: app run_endpoint_function`),
  gateway: listed(`SP/gevent/baseserver.py: _do_handle
SP/gevent/pywsgi.py: handle handle handle_one_request handle_one_response run_application
SP/flask/app.py: __call__ wsgi_app full_dispatch_request dispatch_request`),
  batch: listed(`LIB/runpy.py: _run_module_as_main _run_code
harbor/batch/__main__.py: <module> main
harbor/batch/runner.py: run_job`),
  vision: listed(`harbor/vision/__main__.py: <module> main`),
  pytest: listed(`BIN/pytest: <module>
SP/_pytest/config/__init__.py: console_main main
SP/pluggy/_hooks.py: __call__
SP/pluggy/_manager.py: _hookexec
SP/pluggy/_callers.py: _multicall
SP/_pytest/main.py: pytest_cmdline_main wrap_session _main
SP/pluggy/_hooks.py: __call__
SP/pluggy/_manager.py: _hookexec
SP/pluggy/_callers.py: _multicall
SP/_pytest/main.py: pytest_runtestloop
SP/_pytest/runner.py: pytest_runtest_protocol runtestprotocol call_and_report call_runtest_hook from_call <lambda> pytest_runtest_call
SP/_pytest/python.py: runtest
SP/pluggy/_hooks.py: __call__
SP/pluggy/_callers.py: _multicall
SP/_pytest/python.py: pytest_pyfunc_call`),
  notebook: listed(`LIB/runpy.py: _run_module_as_main _run_code
SP/ipykernel_launcher.py: <module>
SP/traitlets/config/application.py: launch_instance
SP/ipykernel/kernelapp.py: start
SP/tornado/platform/asyncio.py: start
LIB/asyncio/base_events.py: run_forever _run_once
LIB/asyncio/events.py: _run
SP/ipykernel/kernelbase.py: dispatch_queue process_one dispatch_shell execute_request
SP/ipykernel/ipkernel.py: do_execute
SP/ipykernel/zmqshell.py: run_cell
SP/IPython/core/interactiveshell.py: run_cell _run_cell
SP/IPython/core/async_helpers.py: _pseudo_sync_runner
SP/IPython/core/interactiveshell.py: run_cell_async run_ast_nodes run_code`),
  pool: listed(`LIB/threading.py: _bootstrap _bootstrap_inner run
LIB/concurrent/futures/thread.py: _worker run`),
};

/** On top when a busy loop of Python is interrupted. */
export const busyLibraries = listed(`
LIB/json/encoder.py: iterencode
LIB/json/decoder.py: raw_decode
LIB/re.py: match
LIB/copy.py: deepcopy
LIB/decimal.py: __add__
LIB/datetime.py: __sub__
LIB/typing.py: __instancecheck__
LIB/collections/__init__.py: __getitem__
LIB/dataclasses.py: replace
LIB/enum.py: __call__
SP/dateutil/parser/_parser.py: parse
LIB/functools.py: wrapper
LIB/logging/__init__.py: isEnabledFor
`);
