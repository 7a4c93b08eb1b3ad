"""One file a job: the entry points that run in a child process, in a container, on another machine."""
