"""Serves the mock server of saltext-jumpcloud, whose file is the argument, with a few more objects than its own."""

import importlib.util
import sys
import threading

specification = importlib.util.spec_from_file_location("server", sys.argv[1])
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)

with module.MockJumpCloudServer() as mock:
    for number in range(248):
        user = {"username": f"u{number}", "email": f"u{number}@example.com", "state": "ACTIVATED"}
        mock.store.seed("systemusers", user)
    for number in range(120):
        mock.store.seed("usergroups", {"name": f"group {number}", "type": "user_group"})
    # No members: it gives all of them for every page that is asked for, which no scan takes for whole.
    print(f"listens at {mock.base_url}", flush=True)
    threading.Event().wait()
