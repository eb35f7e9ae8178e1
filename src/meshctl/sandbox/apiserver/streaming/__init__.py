"""exec, attach and portforward: clients speak WebSocket or SPDY/3.1, the agents of nodes WebSocket."""
