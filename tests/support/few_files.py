"""The exporter with no more than 1,024 files; as a module, what a daemon is started as."""

import resource
import runpy

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    runpy.run_module("exporter", run_name="__main__", alter_sys=True)
