"""What happened, on its way to whoever watches: the change log, the hub, the bus between processes, drafts."""
