"""Labs: states of the mesh, what must be seen in each, and the engine that brings them about and looks."""
