"""One file per job: the entry points that run in a child process, in a container or on another machine."""
