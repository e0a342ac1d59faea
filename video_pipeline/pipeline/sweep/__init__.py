"""One round over all remote jobs: receive events, poll, submit the backlog, close orphaned jobs."""
