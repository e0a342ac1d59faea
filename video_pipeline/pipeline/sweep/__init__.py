"""One round over all remote jobs: hear events, poll, submit the backlog, abandon jobs."""
