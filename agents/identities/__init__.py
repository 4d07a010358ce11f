"""Other ids of students in a worker: followed as the platform writes them, looked up where somebody asks by one."""
